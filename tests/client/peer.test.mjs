// One connection, its other side played by the test: what is said and when. That it works with a real one is shown by tests/browser/mesh.test.mjs.
import assert from 'node:assert/strict';
import { setImmediate as settled } from 'node:timers/promises';
import { after, describe, test } from 'node:test';
import { Peer } from '../../node/web/client/peer.js';

const BATCH_MS = 20;
const peers = [];
after(() => peers.forEach((peer) => peer.close()));

class Connection {
  signalingState = 'stable';
  connectionState = 'new';
  did = [];
  transceivers = [];
  constructor(configuration) {
    this.configuration = configuration;
  }
  addTrack(track) {
    this.did.push(`addTrack ${track.kind}`);
  }
  addTransceiver(kind, { direction }) {
    this.did.push(`addTransceiver ${kind} ${direction}`);
  }
  getTransceivers() {
    return this.transceivers;
  }
  async setLocalDescription() {
    const type = this.signalingState === 'have-remote-offer' ? 'answer' : 'offer';
    this.signalingState = type === 'offer' ? 'have-local-offer' : 'stable';
    this.localDescription = { type, sdp: 'own', toJSON: () => ({ type, sdp: 'own' }) };
    if (this.slow) await this.slow;
  }
  async setRemoteDescription({ type, sdp }) {
    if (sdp === 'bad') throw Object.assign(new Error('a=secret'), { name: 'OperationError' });
    this.did.push(type);
    this.remoteDescription = { type };
    this.signalingState = type === 'offer' ? 'have-remote-offer' : 'stable';
  }
  async addIceCandidate(candidate) {
    if (candidate?.candidate === 'bad') throw Object.assign(new Error('a=secret'), { name: 'OperationError' });
    this.did.push(['candidate', JSON.stringify(candidate)].join(' '));
  }
  setConfiguration({ iceServers }) {
    this.did.push(`servers ${iceServers}`);
  }
  restartIce() {
    this.did.push('restart');
  }
  close() {
    this.signalingState = this.connectionState = 'closed';
  }
  become(state) {
    this.connectionState = state;
    this.onconnectionstatechange();
  }
  find(candidate) {
    this.onicecandidate({ candidate: candidate === null ? null : { candidate, toJSON: () => ({ candidate }) } });
  }
}

const track = (kind) => ({ kind });
const streamOf = (...tracks) => ({ getTracks: () => tracks, getAudioTracks: () => tracks.filter(({ kind }) => kind === 'audio') });

/** A peer, and what it says. `link: null` leaves it without another side. */
function make({ offers, stream = streamOf(track('audio')), link = {} } = {}) {
  const made = { said: [], here: true, fresh: 0 };
  const media = { RTC: Connection, stream, configuration: { iceServers: 'old' } };
  Object.defineProperty(media, 'tracks', { get: () => media.stream?.getTracks() ?? [] });
  media.refresh = async () => {
    made.fresh += 1;
    media.configuration = { iceServers: `fresh${made.fresh}` };
  };
  made.media = media;
  made.peer = new Peer(media, offers);
  peers.push(made.peer);
  made.pc = made.peer.pc;
  made.open = (more) => made.peer.open({ polite: false, here: () => made.here, send: async (signal) => made.said.push(signal), changed() {}, ...more });
  if (link) made.open(link);
  return made;
}
const OFFER = { description: { type: 'offer', sdp: 'theirs' } };

/** Takes the timers into the test's hands, until it ends: what lets time pass. (Those of Node's own mock are others in every version.) */
function takeTimers(t) {
  const timers = new Map();
  let now = 0;
  let last = 0;
  t.mock.method(globalThis, 'setTimeout', (run, ms = 0) => {
    timers.set(++last, { run, at: now + ms });
    return last;
  });
  t.mock.method(globalThis, 'clearTimeout', (id) => timers.delete(id));
  return (ms) => {
    const end = now + ms;
    for (;;) {
      const [next] = [...timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at);
      if (!next) break;
      timers.delete(next[0]);
      now = next[1].at;
      next[1].run();
    }
    now = end;
  };
}

/** With time in the test's hands, and what was warned of in `warned`. */
const clocked = (name, body) =>
  test(name, async (t) => {
    const warned = [];
    t.mock.method(console, 'warn', (...words) => warned.push(words.join(' ')));
    const tick = takeTimers(t);
    const pass = async (ms) => {
      tick(ms);
      await settled();
    };
    await body(pass, warned);
  });

describe('a connection', () => {
  test('who offers and sends nothing asks to hear; who sends, or is offered to, need not', () => {
    assert.deepEqual(make({ offers: true, stream: null }).pc.did, ['addTransceiver audio recvonly']);
    assert.deepEqual(make({ offers: true }).pc.did, ['addTrack audio']);
    assert.deepEqual(make({ stream: null }).pc.did, []);
  });

  clocked('candidates that are found together go together, after the description and with the end of them', async (pass) => {
    const { pc, said } = make({ offers: true });
    await pc.onnegotiationneeded();
    pc.find('1');
    await pass(BATCH_MS - 1);
    pc.find('2');
    pc.find('');
    pc.find(null);
    assert.deepEqual(said.map(Object.keys).flat(), ['description']);
    await pass(1);
    assert.deepEqual(said[1], { candidates: [{ candidate: '1' }, { candidate: '2' }, null] });
    for (let i = 0; i < 150; i += 1) pc.find(`${i}`);
    await pass(BATCH_MS);
    assert.deepEqual(said.slice(2).map(({ candidates }) => candidates.length), [100, 50]);
  });

  clocked('candidates of a description go before the next description', async (pass) => {
    const { pc, said } = make({ offers: true });
    pc.find('1');
    await pc.onnegotiationneeded();
    await pass(BATCH_MS);
    assert.deepEqual(said.map(Object.keys).flat(), ['candidates', 'description']);
  });

  clocked('what it says before there is another side waits for it, in order', async (pass) => {
    const { peer, pc, said, open } = make({ offers: true, link: null });
    assert.equal(await peer.first(), 'own');
    pc.find('1');
    await pass(BATCH_MS);
    pc.find('2');
    await pass(BATCH_MS);
    assert.deepEqual(said, []);
    open();
    assert.deepEqual(said.map(({ candidates: [one] }) => one.candidate), ['1', '2']);
  });

  clocked('a candidate that it can not take is warned of, without a word of it', async (pass, warned) => {
    const { peer } = make();
    await peer.receive({ candidates: [{ candidate: 'bad' }] });
    await settled();
    assert.deepEqual(warned, [], 'nobody knows yet to what it belongs');
    await peer.receive(OFFER);
    await peer.receive({ candidates: [{ candidate: 'bad' }] });
    await settled();
    assert.deepEqual(warned, ['switchboard: a connection: OperationError']);
  });

  clocked('of two offers that cross the polite side drops its own, and the other one does not hear', async (pass, warned) => {
    for (const polite of [true, false]) {
      const { peer, pc, said } = make({ offers: true, link: { polite } });
      pc.remoteDescription = {}; // they have talked before
      await pc.onnegotiationneeded();
      await peer.receive(OFFER);
      await peer.receive({ candidates: [{ candidate: 'bad' }] });
      await settled();
      assert.deepEqual(said.map(({ description }) => description.type), polite ? ['offer', 'answer'] : ['offer']);
      assert.deepEqual(pc.did.includes('offer'), polite);
      assert.equal(warned.length, polite ? 1 : 0, 'candidates of an offer that was not heard are no news');
      warned.pop();
    }
  });

  test('an offer that comes while the own one is being made crosses it, too', async () => {
    const { peer, pc } = make({ offers: true });
    let go;
    pc.slow = new Promise((resolve) => (go = resolve));
    const making = pc.onnegotiationneeded();
    pc.signalingState = 'stable'; // not yet set
    await peer.receive(OFFER);
    go();
    await making;
    assert.ok(!pc.did.includes('offer'));
  });

  test('an offer that follows an answer at its heels does not cross', async () => {
    const { peer, pc, said } = make({ offers: true });
    await pc.onnegotiationneeded();
    await Promise.all([peer.receive({ description: { type: 'answer', sdp: 'theirs' } }), peer.receive(OFFER)]);
    assert.deepEqual([pc.did.slice(1), said.at(-1).description.type], [['answer', 'offer'], 'answer']);
  });

  test('candidates may be bare text, or say that no more will come', async () => {
    const { peer, pc } = make();
    await peer.receive(OFFER);
    await peer.receive({ candidates: ['candidate:1', null] });
    await settled();
    assert.deepEqual(pc.did.slice(-2), ['candidate {"candidate":"candidate:1","sdpMLineIndex":0}', 'candidate ']);
  });

  test('a signal of a kind that it does not know changes nothing', async () => {
    const { peer, pc } = make();
    for (const signal of [{ later: 1 }, { description: null }, { candidates: 'none' }]) await peer.receive(signal);
    assert.deepEqual([pc.did, peer.connection], [['addTrack audio'], 'new']);
  });

  clocked('a description that it can not take makes it failed until it is mended; the warning quotes nothing', async (pass, warned) => {
    let changes = 0;
    const { peer, pc } = make({ link: { changed: () => (changes += 1) } });
    await peer.receive({ description: { type: 'offer', sdp: 'bad' } });
    assert.deepEqual([peer.connection, changes > 0, warned], ['failed', true, ['switchboard: a connection: OperationError']]);
    pc.find('1');
    await pass(BATCH_MS);
    assert.equal(peer.connection, 'failed', 'that something was sent mends nothing');
    await peer.receive(OFFER);
    assert.equal(peer.connection, 'new');
  });

  clocked('a description that the server refuses makes it failed', async (pass, warned) => {
    const refuse = async () => {
      throw Object.assign(new Error('v=0'), { name: 'SwitchboardError', code: 'media_not_allowed' });
    };
    const { peer, pc } = make({ offers: true, link: { send: refuse } });
    await pc.onnegotiationneeded();
    await settled();
    assert.deepEqual([peer.connection, warned], ['failed', ['switchboard: a connection: media_not_allowed']]);
  });

  clocked('one that failed starts anew with fresh servers, at once and then ever more seldom, until it is connected', async (pass) => {
    const { pc } = make();
    const restarts = () => pc.did.filter((one) => one === 'restart').length;
    pc.become('failed');
    await pass(0);
    assert.deepEqual(pc.did.slice(-2), ['servers fresh1', 'restart']);
    let count = 1;
    for (const ms of [1000, 2000, 4000, 8000, 16_000, 16_000]) {
      await pass(ms - 1);
      assert.equal(restarts(), count, `${ms} ms are not over`);
      await pass(1);
      assert.equal(restarts(), (count += 1), `${ms} ms are over`);
    }
    pc.become('connecting');
    await pass(14_999);
    pc.become('connected');
    await pass(60_000);
    assert.equal(restarts(), count);
    pc.become('failed');
    await pass(0);
    assert.equal(restarts(), count + 1);
  });

  clocked('one that is disconnected has four seconds to mend itself', async (pass) => {
    const { pc } = make();
    pc.become('disconnected');
    await pass(3999);
    pc.become('connected');
    await pass(60_000);
    assert.ok(!pc.did.includes('restart'));
    pc.become('disconnected');
    await pass(4000);
    assert.ok(pc.did.includes('restart'));
  });

  for (const state of ['new', 'connecting']) {
    clocked(`one that stays ${state} for 15 seconds starts anew`, async (pass) => {
      const { pc } = make();
      if (state !== 'new') pc.become(state);
      await pass(14_999);
      assert.ok(!pc.did.includes('restart'));
      await pass(1);
      assert.ok(pc.did.includes('restart'));
    });
  }

  clocked('the polite side leaves it to the other for a moment, and altogether once that has begun', async (pass) => {
    const { pc } = make({ link: { polite: true } });
    pc.become('failed');
    await pass(1499);
    assert.ok(!pc.did.includes('restart'));
    await pass(1);
    assert.ok(pc.did.includes('restart'));
    const other = make({ link: { polite: true } });
    other.pc.become('failed');
    await other.peer.receive(OFFER);
    await pass(15_000);
    assert.ok(!other.pc.did.includes('restart'));
  });

  clocked('nothing is tried while the other one is away, or after the end', async (pass) => {
    const made = make();
    made.here = false;
    made.pc.become('failed');
    await pass(60_000);
    assert.ok(!made.pc.did.includes('restart'));
    made.here = true;
    await made.peer.restart();
    assert.ok(made.pc.did.includes('restart'));
    const other = make();
    other.pc.become('failed');
    other.peer.close();
    await pass(60_000);
    assert.deepEqual([other.pc.did.includes('restart'), other.fresh], [false, 0]);
  });

  test('another stream takes the place of the old one, and what has no place is added', async () => {
    const { peer, pc, media } = make();
    const place = (kind, direction) => {
      const one = { direction, receiver: { track: { kind } }, sender: { replaceTrack: async (to) => (one.sends = to) } };
      pc.transceivers.push(one);
      return one;
    };
    const [voice, spare, over] = [place('audio', 'sendrecv'), place('audio', 'recvonly'), place('audio', 'stopped')];
    const [sound, picture] = [track('audio'), track('video')];
    media.stream = streamOf(sound, picture);
    await peer.replace();
    assert.deepEqual([voice.sends, voice.direction, spare.sends, spare.direction, over.sends], [sound, 'sendrecv', null, 'recvonly', undefined]);
    assert.equal(pc.did.at(-1), 'addTrack video');
    media.stream = null;
    await peer.replace();
    assert.deepEqual([voice.sends, voice.direction], [null, 'recvonly']);
  });

  test('an offer without an answer is said again, an answered one is not', async () => {
    const { peer, pc, said } = make({ offers: true });
    await pc.onnegotiationneeded();
    peer.repeat();
    assert.deepEqual(said.map(({ description }) => description.type), ['offer', 'offer']);
    await peer.receive({ description: { type: 'answer', sdp: 'theirs' } });
    peer.repeat();
    assert.equal(said.length, 2);
  });

  clocked('an offer that nobody answers is said again, and of its answers the first one counts', async (pass, warned) => {
    const { peer, pc, said } = make({ offers: true });
    await pc.onnegotiationneeded();
    await pass(15_000);
    await pass(1000);
    assert.deepEqual([said.map(({ description }) => description.type), pc.did.includes('restart')], [['offer', 'offer', 'offer'], false]);
    const answer = { description: { type: 'answer', sdp: 'theirs' } };
    await Promise.all([peer.receive(answer), peer.receive(answer)]);
    await peer.receive(answer);
    assert.deepEqual([pc.did.slice(1), peer.connection, warned], [['answer'], 'new', []]);
  });
});
