// The client's calls against real nodes, without media: who sits in a call, what rings, and which event tells it. Connections are stood in for where
// it matters who offers to whom; real ones are the browser's tests.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import WebSocket from 'ws';
import { connect } from '../../node/web/client/switchboard.js';
import { follow, seats } from '../support/app.mjs';
import { ANSWER, OFFER } from '../support/calls.mjs';
import { fresh } from '../support/client.mjs';
import { startCluster } from '../support/cluster.mjs';
import { mint } from '../support/token.mjs';
import { stretched, until, within } from '../support/wait.mjs';

const LONG = stretched(60_000);
/** Of the cluster's nodes: two with all the time that one needs to come back, and this one for who shall not. */
const HASTY = 2;

/** Stands for a connection of a browser: it says what it has to say, and remembers what it was told. */
class Connection {
  signalingState = 'stable';
  connectionState = 'new';
  told = [];
  addTrack() {}
  addTransceiver() {}
  getTransceivers() {
    return [];
  }
  constructor(configuration) {
    this.configuration = configuration;
    // As a browser does: not before the one who made it had the time to set a description.
    setTimeout(() => this.signalingState === 'stable' && !this.told.length && this.onnegotiationneeded?.());
  }
  async setLocalDescription() {
    const type = this.signalingState === 'have-remote-offer' ? 'answer' : 'offer';
    const sdp = type === 'offer' ? OFFER : ANSWER;
    this.signalingState = type === 'offer' ? 'have-local-offer' : 'stable';
    this.localDescription = { type, sdp, toJSON: () => ({ type, sdp }) };
  }
  async setRemoteDescription(description) {
    this.told.push(description.type);
    this.signalingState = description.type === 'offer' ? 'have-remote-offer' : 'stable';
  }
  async addIceCandidate() {}
  close() {
    this.signalingState = this.connectionState = 'closed';
  }
}

const refused = (promise, code) => assert.rejects(promise, (error) => error.name === 'SwitchboardError' && error.code === code);

describe('calls of the client', () => {
  let cluster;
  let open = [];
  before(async () => {
    cluster = await startCluster({ nodes: 2 });
    await cluster.add({ 'grace-ms': 1500 });
  });
  after(() => cluster?.stop());
  afterEach(async () => {
    await Promise.all(open.map((one) => one.close()));
    open = [];
  });

  /** A client of that user; `one.rings` are the calls that came in, `one.back` those that may be rejoined. */
  async function phone(user, { node = open.length % 2, device = 'phone', ...options } = {}) {
    const me = await connect({ url: cluster.nodes[node].url, token: mint(user), device, WebSocket, RTCPeerConnection: null, ...options });
    me.rings = [];
    me.back = [];
    me.on('incoming', (call) => me.rings.push(follow(call)));
    me.on('rejoin', (call) => me.back.push(follow(call)));
    open.push(me);
    return me;
  }

  const people = (...names) => Promise.all(names.map((name, i) => phone(fresh(name), { node: i % 2 })));

  /** The next ring at that client. */
  const ring = (me) => until(() => me.rings.shift(), `it to ring at ${me.user}`);
  const stands = (call, state) => until(() => call.state === state, () => `a call to be ${state}; it is ${call.state}: ${call.log}`, LONG);
  const tells = (call, what) => until(() => call.log.includes(what), () => `a call to tell "${what}"; it told ${JSON.stringify(call.log)}`, LONG);

  /** Two who talk. */
  async function talk(a, b, options) {
    const out = follow(await a.call(b.user, options));
    const call = await ring(b);
    await call.accept();
    await stands(out, 'active');
    return [out, call];
  }

  async function roomOf(...all) {
    const first = follow(await all[0].room());
    const calls = [first];
    for (const one of all.slice(1)) calls.push(follow(await one.join(first.id)));
    for (const call of calls) await until(() => call.members.length === all.length, 'all to see all');
    return calls;
  }

  test('a call rings, is accepted and hung up, and both are told each step', async () => {
    const [alice, bob] = await people('alice', 'bob');
    const out = follow(await alice.call(bob.user, { meta: { topic: 'lunch' } }));
    assert.deepEqual([out.state, out.seats, out.starter, [...out.ringing.keys()]], ['ringing', 2, alice.user, [bob.user]]);
    assert.equal(alice.calls.get(out.id), out);
    const call = await ring(bob);
    assert.deepEqual([call.state, call.from, call.meta, call.inCall], ['incoming', { user: alice.user, name: alice.user }, { topic: 'lunch' }, false]);
    assert.deepEqual([seats(call), call.me], [[`1 ${alice.user}`], null]);
    await tells(out, `ringing ${bob.user}`);
    assert.equal(out.ringing.get(bob.user), 'alerting');
    assert.equal(await call.accept(), call);
    assert.deepEqual([call.state, call.me.peer, seats(call)], ['active', 2, [`1 ${alice.user}`, `2 ${bob.user} (me)`]]);
    await stands(out, 'active');
    assert.deepEqual([out.ringing.size, seats(out)], [0, [`1 ${alice.user} (me)`, `2 ${bob.user}`]]);
    const bye = call.hangup();
    assert.deepEqual([call.state, call.reason, bob.calls.size], ['ended', 'hangup', 0]);
    await bye;
    await stands(out, 'ended');
    assert.deepEqual(call.log, ['state active', 'state ended', 'ended hangup']);
    assert.deepEqual(out.log, [`ringing ${bob.user}`, `joined 2 ${bob.user}`, 'state active', 'left 2 hangup', 'state waiting', 'state ended', 'ended hangup']);
    assert.equal(alice.calls.size, 0);
  });

  test('a rejected call ends with the reason that was said', async () => {
    const [alice, bob] = await people('alice', 'bob');
    for (const [said, heard] of [[undefined, 'rejected'], ['busy', 'busy']]) {
      const out = follow(await alice.call(bob.user));
      const call = await ring(bob);
      await call.reject(said);
      assert.deepEqual([call.state, call.reason], ['ended', heard]);
      await stands(out, 'ended');
      const steps = out.log.filter((line) => !line.startsWith('ringing')); // the alert may be overtaken
      assert.deepEqual(steps, [`rejected ${bob.user} ${heard}`, 'state waiting', 'state ended', `ended ${heard}`]);
    }
  });

  test('hanging up an incoming call rejects it', async () => {
    const [alice, bob] = await people('alice', 'bob');
    const out = follow(await alice.call(bob.user));
    await (await ring(bob)).hangup();
    await stands(out, 'ended');
    assert.equal(out.reason, 'rejected');
  });

  test('who ignores a call hears no more of it, and it rings on elsewhere', async () => {
    const [alice, bob] = await people('alice', 'bob');
    const laptop = await phone(bob.user, { device: 'laptop' });
    const out = follow(await alice.call(bob.user));
    const [call, other] = await Promise.all([ring(bob), ring(laptop)]);
    call.ignore();
    assert.deepEqual([call.state, call.reason], ['ended', 'ignored']);
    await other.accept();
    await stands(out, 'active');
    assert.equal(bob.calls.size, 0);
    assert.deepEqual(call.log, ['state ended', 'ended ignored']);
  });

  test('what was ignored does not ring again when a new session finds it', async () => {
    const [alice, bob] = await people('alice', 'bob');
    const out = await alice.call(bob.user);
    (await ring(bob)).ignore();
    const back = bob.once('reset');
    loseSession(bob);
    await within(back, 'a new session', LONG);
    assert.deepEqual([bob.rings.length, bob.calls.size], [0, 0]);
    assert.equal(out.state, 'ringing');
    await out.hangup();
  });

  test('what rang again, or is joined, after a ring that was ignored and taken back is another matter', async () => {
    const [alice, bob] = await people('alice', 'bob');
    const room = await alice.room();
    const takenBack = new Promise((resolve) => bob.on('frame', (_, { type, reason }) => type === 'call.cancelled' && resolve(reason)));
    await room.invite(bob.user);
    (await ring(bob)).ignore();
    await room.cancel(bob.user);
    assert.equal(await within(takenBack, 'the ring to be taken back'), 'cancelled');
    await room.invite(bob.user);
    const again = await ring(bob);
    await bob.blocked(); // whatever was under way has come
    assert.equal(again.state, 'incoming');
    again.ignore();
    const there = await bob.join(room.id);
    await bob.blocked();
    assert.equal(there.state, 'active');
  });

  test('a caller who hangs up takes the ring back', async () => {
    const [alice, bob] = await people('alice', 'bob');
    const out = await alice.call(bob.user);
    const call = await ring(bob);
    await out.hangup();
    await stands(call, 'ended');
    assert.equal(call.reason, 'cancelled');
    await refused(call.accept(), 'gone');
  });

  test('cancel() takes one ring back', async () => {
    const [alice, bob, carol] = await people('alice', 'bob', 'carol');
    const out = follow(await alice.call([bob.user, carol.user]));
    const [call, other] = await Promise.all([ring(bob), ring(carol)]);
    await out.cancel(bob.user);
    assert.deepEqual([...out.ringing.keys()], [carol.user]);
    await stands(call, 'ended');
    assert.deepEqual([call.reason, other.state, out.state], ['cancelled', 'incoming', 'ringing']);
    await out.cancel(carol.user);
    await stands(out, 'ended');
    assert.equal(out.reason, 'cancelled');
  });

  test('a ring has its time', async () => {
    const [alice, bob] = await people('alice', 'bob');
    const out = follow(await alice.call(bob.user, { ringMs: 5000 }));
    const call = await ring(bob);
    await Promise.all([stands(out, 'ended'), stands(call, 'ended')]);
    assert.deepEqual([out.reason, call.reason], ['timeout', 'timeout']);
  });

  test('of two devices one answers, and the other is told', async () => {
    const [alice, bob] = await people('alice', 'bob');
    const laptop = await phone(bob.user, { device: 'laptop' });
    const out = follow(await alice.call(bob.user));
    const [call, other] = await Promise.all([ring(bob), ring(laptop)]);
    await other.accept();
    await Promise.all([stands(call, 'ended'), stands(out, 'active')]);
    assert.equal(call.reason, 'answered_elsewhere');
    assert.deepEqual([out.members[1].device, other.state], ['laptop', 'active']);
  });

  test('of two devices that accept at once one has the call, and the other is refused as gone', async () => {
    const [alice, bob] = await people('alice', 'bob');
    const laptop = await phone(bob.user, { device: 'laptop' });
    await alice.call(bob.user);
    const calls = await Promise.all([ring(bob), ring(laptop)]);
    const outcomes = await Promise.allSettled(calls.map((call) => call.accept()));
    assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    const lost = outcomes.findIndex(({ status }) => status === 'rejected');
    assert.equal(outcomes[lost].reason.code, 'gone');
    assert.equal(calls[lost].state, 'ended');
    assert.ok(['gone', 'answered_elsewhere'].includes(calls[lost].reason), calls[lost].reason);
    assert.equal(calls[1 - lost].state, 'active');
  });

  test('accept() said twice is one answer', async () => {
    const [alice, bob] = await people('alice', 'bob');
    await alice.call(bob.user);
    const call = await ring(bob);
    const [one, two] = await Promise.all([call.accept(), call.accept()]);
    assert.deepEqual([one, two, await call.accept()], [call, call, call]);
  });

  test('nobody there is unreachable; with wait it rings whoever comes', async () => {
    const [alice] = await people('alice');
    const bob = fresh('bob');
    await refused(alice.call(bob), 'unreachable');
    const out = follow(await alice.call(bob, { wait: true }));
    assert.equal(out.ringing.get(bob), 'waiting');
    const call = await ring(await phone(bob));
    await call.accept();
    await stands(out, 'active');
  });

  test('members invite others up to five seats, and a sixth is refused', async () => {
    const [alice, bob, carol, dave, erin, frank] = await people('alice', 'bob', 'carol', 'dave', 'erin', 'frank');
    const [out, call] = await talk(alice, bob, { seats: 5 });
    await out.invite(carol.user);
    assert.deepEqual([...out.ringing.keys()], [carol.user]); // it may have been told already that carol's device rings
    await tells(call, `invited ${carol.user} ${alice.user}`);
    const third = await ring(carol);
    await refused(out.invite(carol.user), 'conflict');
    await third.accept();
    assert.deepEqual([third.starter, third.seats, seats(third).length], [alice.user, 5, 3]);
    await third.invite(dave.user);
    await (await ring(dave)).accept();
    await call.invite(erin.user);
    const fifth = await ring(erin);
    await fifth.accept();
    await refused(out.invite(frank.user), 'call_full');
    for (const one of [out, call, third, fifth]) await until(() => one.members.length === 5 && one.ringing.size === 0, () => `five to be seated: ${seats(one)}`);
    await refused(frank.join(out.id), 'forbidden');
  });

  test('an invitation that is declined leaves the call as it was', async () => {
    const [alice, bob, carol] = await people('alice', 'bob', 'carol');
    const [out, call] = await talk(alice, bob, { seats: 3 });
    await out.invite(carol.user);
    await (await ring(carol)).reject();
    for (const one of [out, call]) await tells(one, `rejected ${carol.user} rejected`);
    assert.deepEqual([out.state, out.ringing.size, call.ringing.size], ['active', 0, 0]);
  });

  test('whoever joins a room knows all of it', async () => {
    const [alice, bob, carol] = await people('alice', 'bob', 'carol');
    const first = follow(await alice.room({ seats: 3, privacy: 'relay' }));
    assert.deepEqual([first.state, first.privacy, first.seats], ['waiting', 'relay', 3]);
    const second = await bob.join(first.id);
    await first.lock();
    await refused(carol.join(first.id), 'forbidden');
    await first.lock(false);
    const third = await carol.join(first.id);
    assert.deepEqual([third.state, third.starter, third.privacy, third.seats, third.locked], ['active', alice.user, 'relay', 3, false]);
    assert.equal(await carol.join(first.id), third, 'who sits there has it already');
    await Promise.all([first, second].map((call) => until(() => call.members.length === 3, 'all to be seen')));
    await Promise.all([second.hangup(), third.hangup()]);
    await stands(first, 'waiting');
    assert.equal(alice.calls.size, 1);
  });

  test('the starter locks, opens and removes; others may not', async () => {
    const [alice, bob, carol] = await people('alice', 'bob', 'carol');
    const [first, second, third] = await roomOf(alice, bob, carol);
    await first.lock();
    assert.equal(first.locked, true);
    await Promise.all([second, third].map((call) => tells(call, 'locked true')));
    await refused(second.lock(false), 'forbidden');
    await refused(second.remove(second.members[0]), 'forbidden');
    await first.remove(first.members[2]);
    assert.deepEqual(seats(first), [`1 ${alice.user} (me)`, `2 ${bob.user}`]);
    await stands(third, 'ended');
    assert.equal(third.reason, 'removed');
    await tells(second, 'left 3 removed');
    assert.ok(first.log.includes('left 3 removed'));
  });

  test('what is sent comes to one or to all, in order, across a lost connection', async () => {
    const [alice, bob, carol] = await people('alice', 'bob', 'carol');
    const [first, second, third] = await roomOf(alice, bob, carol);
    const sent = [];
    for (let i = 0; i < 40; i += 1) {
      if (i === 10) alice.cut();
      if (i === 20) bob.cut();
      sent.push(first.send({ i }));
    }
    sent.push(first.send('for carol', first.members[2]));
    await Promise.all(sent);
    const all = Array.from({ length: 40 }, (_, i) => `data 1 {"i":${i}}`);
    const heard = (call) => call.log.filter((line) => line.startsWith('data'));
    await until(() => heard(second).length >= 40 && heard(third).length >= 41, () => `all to come: ${heard(second).length} ${heard(third).length}`, LONG);
    assert.deepEqual(heard(second), all);
    assert.deepEqual(heard(third), [...all, 'data 1 "for carol"']);
  });

  test('a call that is hung up while the connection is away is over here at once, and there when it is back', async () => {
    const [alice, bob] = await people('alice', 'bob');
    const [out, call] = await talk(alice, bob);
    bob.cut();
    assert.equal(bob.state, 'away');
    const bye = call.hangup();
    assert.deepEqual([call.state, bob.calls.size], ['ended', 0]);
    await bye;
    await stands(out, 'ended');
    assert.equal(out.reason, 'hangup');
  });

  test('calls that cross become one, active for both', async () => {
    for (let i = 0; i < 5; i += 1) {
      const [alice, bob] = await people('alice', 'bob');
      const [one, two] = (await Promise.all([alice.call(bob.user), bob.call(alice.user)])).map(follow);
      assert.equal(one.id, two.id);
      await Promise.all([stands(one, 'active'), stands(two, 'active')]);
      assert.deepEqual([alice.calls.size, bob.calls.size], [1, 1]);
      assert.deepEqual([alice.calls.get(one.id), bob.calls.get(two.id)], [one, two]);
      assert.notEqual(one.me.peer, two.me.peer);
    }
  });

  test('calls that cross become one also for those who answer whoever calls', async () => {
    for (let i = 0; i < 5; i += 1) {
      const [alice, bob] = await people('alice', 'bob');
      const accepted = [];
      for (const me of [alice, bob]) me.on('incoming', (call) => accepted.push(call.accept()));
      const [one, two] = await Promise.all([alice.call(bob.user), bob.call(alice.user)]);
      for (const call of await Promise.all(accepted)) assert.ok([one, two].includes(call));
      await Promise.all([stands(one, 'active'), stands(two, 'active')]);
      assert.deepEqual([one.id, alice.calls.get(one.id), bob.calls.get(one.id)], [two.id, one, two]);
    }
  });

  test('a device that comes anew finds its call and takes the seat back', async () => {
    const [alice, bob] = await people('alice', 'bob');
    const [out] = await talk(alice, bob);
    const closed = bob.once('closed');
    const again = await phone(bob.user);
    assert.equal((await within(closed, 'the old one to end'))[0].reason, 'superseded');
    const call = await until(() => again.back[0], 'a call to rejoin');
    assert.deepEqual([call.state, call.me], ['rejoin', null]);
    assert.equal(await call.rejoin(), call);
    assert.deepEqual([call.state, call.me.peer, call.starter], ['active', 2, alice.user]);
    await until(() => out.log.includes('member 2 suspended') && out.log.at(-1) === 'member 2 here', () => `both steps to be told: ${out.log}`);
    assert.equal(out.state, 'active');
  });

  test('a device that comes anew may hang up instead', async () => {
    const [alice, bob] = await people('alice', 'bob');
    const [out] = await talk(alice, bob);
    const again = await phone(bob.user);
    await (await until(() => again.back[0], 'a call to rejoin')).hangup();
    await stands(out, 'ended');
    assert.equal(out.reason, 'hangup');
  });

  test('a device that comes anew and does nothing hears when its seat is lost', async () => {
    const [alice, bob] = [await phone(fresh('alice')), await phone(fresh('bob'), { node: HASTY })];
    const [out] = await talk(alice, bob);
    const again = await phone(bob.user, { node: HASTY });
    const call = await until(() => again.back[0], 'a call to rejoin');
    await stands(call, 'ended');
    assert.deepEqual([call.reason, again.calls.size], ['lost', 0]);
    await stands(out, 'ended');
    assert.equal(out.reason, 'lost');
  });

  test('a lost socket is told to the others, and so is that it is back', async () => {
    const [alice, bob] = await people('alice', 'bob');
    const [out, call] = await talk(alice, bob);
    bob.cut();
    await tells(out, 'member 2 suspended');
    await tells(out, 'member 2 here');
    assert.deepEqual([out.state, call.state, call.log], ['active', 'active', ['state active']]);
  });

  test('who stays away for longer than the grace is lost, to both', async () => {
    const [alice, bob] = [await phone(fresh('alice')), await phone(fresh('bob'), { node: HASTY })];
    const [out, call] = await talk(alice, bob);
    let away = true;
    // It can't connect until the grace is over.
    const Socket = bob._options.WebSocket;
    bob._options.WebSocket = class {
      constructor(...args) {
        if (!away) return new Socket(...args);
        setTimeout(() => this.onclose?.({ code: 1006, reason: '' }));
      }
      close() {}
    };
    bob.cut();
    await stands(out, 'ended');
    assert.equal(out.reason, 'lost');
    assert.equal(call.state, 'active', 'nobody told it yet');
    away = false;
    await stands(call, 'ended');
    assert.equal(call.reason, 'lost');
  });

  /** Cuts the connection; the server can't go on with this session, since it is told a sequence number that never was. */
  function loseSession(me) {
    const Socket = me._options.WebSocket;
    me._options.WebSocket = class extends Socket {
      send(text) {
        super.send(text.replace(/("resume":.*"seq":)\d+/, '$1999'));
      }
    };
    me.cut();
  }

  test('a call that was hung up while the session was lost does not come back, and the others are told', async () => {
    const [alice, bob] = await people('alice', 'bob');
    const [out, call] = await talk(alice, bob);
    loseSession(bob);
    await call.hangup();
    await stands(out, 'ended');
    assert.deepEqual([out.reason, bob.back, bob.calls.size], ['hangup', [], 0]);
  });

  test('a session that is lost with its seat still there takes it back by itself', async () => {
    const [alice, bob] = await people('alice', 'bob');
    const [out, call] = await talk(alice, bob);
    const reset = bob.once('reset');
    loseSession(bob);
    await within(reset, 'a new session', LONG);
    await until(() => out.log.includes('member 2 suspended') && out.log.at(-1) === 'member 2 here', () => `both steps to be told: ${out.log}`);
    assert.deepEqual([call.state, bob.calls.get(call.id), bob.back], ['active', call, []]);
    await call.send('still here');
    await tells(out, 'data 2 "still here"');
  });

  test('a store that forgot everything is told what stands, and the call goes on', async () => {
    const [alice, bob, carol] = await people('alice', 'bob', 'carol');
    const calls = await roomOf(alice, bob, carol);
    await cluster.redis.command('FLUSHALL');
    await calls[0].lock();
    for (const call of calls) await until(() => call.locked, 'the lock to be seen', LONG);
    await calls[2].send('still here');
    await Promise.all(calls.slice(0, 2).map((call) => tells(call, 'data 3 "still here"')));
    for (const call of calls) assert.deepEqual([call.state, call.members.length], ['active', 3]);
    await calls[1].hangup();
    for (const call of [calls[0], calls[2]]) await tells(call, 'left 2 hangup');
  });

  test('events that come before the answer to their request are not lost, and not told before anybody listens', async () => {
    const [alice, bob] = await people('alice', 'bob');
    bob.on('incoming', (call) => call.accept());
    // Its answer is held back until bob has joined.
    const { request } = alice._session;
    const joined = new Promise((resolve) => alice.on('frame', (_, frame) => frame.type === 'call.joined' && resolve()));
    alice._session.request = async function late(...args) {
      const ok = await request.apply(this, args);
      if (args[0] === 'call.start') await within(joined, 'call.joined');
      return ok;
    };
    const out = follow(await alice.call(bob.user));
    await stands(out, 'active');
    assert.deepEqual(out.log.filter((line) => /joined|state/.test(line)), [`joined 2 ${bob.user}`, 'state active']);
  });

  test('a posted offer is taken once; its taker answers it', async () => {
    const [alice, bob, carol] = await Promise.all(['alice', 'bob', 'carol'].map((name) => phone(fresh(name), { RTCPeerConnection: Connection })));
    const out = follow(await alice.post({ stream: null }));
    assert.deepEqual([out.state, out.seats], ['waiting', 2]);
    const call = await bob.take(out.id, { stream: null });
    assert.deepEqual([call.state, call.from, call.me.peer], ['active', { user: alice.user, name: alice.user }, 2]);
    await refused(carol.take(out.id, { stream: null }), 'gone');
    await stands(out, 'active');
    await until(() => out.members[1].pc?.told.join() === 'answer', 'the answer');
    assert.deepEqual(call.members[0].pc.told, ['offer']);
  });

  test('an offer or a room that is asked for twice is one call', async () => {
    const [alice, bob] = await Promise.all(['alice', 'bob'].map((name) => phone(fresh(name), { RTCPeerConnection: Connection })));
    const out = await alice.post({ stream: null });
    const [call, other] = await Promise.all([bob.take(out.id, { stream: null }), bob.take(out.id, { stream: null })]);
    assert.equal(call, other);
    assert.equal(await bob.take(out.id), call);
    assert.equal(bob.calls.get(out.id), call);
    await out.hangup();
    await stands(call, 'ended');
    const room = await alice.room({ stream: null });
    const [there, twice] = await Promise.all([bob.join(room.id, { stream: null }), bob.join(room.id, { stream: null })]);
    assert.deepEqual([there === twice, bob.calls.get(room.id) === there], [true, true]);
    assert.equal(await bob.join(room.id), there);
  });

  test('a post without WebRTC is refused in words, and nothing is asked of the server', async () => {
    const [alice] = await people('alice');
    const asked = [];
    alice.on('frame', (direction, frame) => asked.push(frame.type));
    const refusal = await alice.post().catch((error) => error);
    assert.deepEqual([refusal.code, refusal.message, asked], ['unsupported', 'there is no WebRTC here', []]);
  });

  test('a post that nobody takes expires', async () => {
    const alice = await phone(fresh('alice'), { RTCPeerConnection: Connection });
    const out = follow(await alice.post({ stream: null, ttlMs: 1000 }));
    await stands(out, 'ended');
    assert.equal(out.reason, 'expired');
  });

  test('to one callee the offer rides on the ring and the answer on the acceptance', async () => {
    const [alice, bob] = await Promise.all(['alice', 'bob'].map((name) => phone(fresh(name), { RTCPeerConnection: Connection })));
    const signals = [];
    bob.on('frame', (direction, frame) => direction === 'out' && signals.push(frame.type));
    const out = follow(await alice.call(bob.user, { stream: null }));
    const call = await ring(bob);
    await call.accept({ stream: null });
    await stands(out, 'active');
    await until(() => out.members[1].pc?.told.join() === 'answer', 'the answer');
    assert.deepEqual(call.members[0].pc.told, ['offer']);
    assert.ok(!signals.includes('signal'), `bob said: ${signals}`);
  });

  test('in a call with relay privacy every connection goes by TURN from the first on, whichever way one came', async () => {
    const made = [];
    class Noted extends Connection {
      constructor(...args) {
        super(...args);
        made.push(this);
      }
    }
    const rtc = { iceTransportPolicy: 'all' }; // the app's own wish is no way round it
    const [alice, bob, carol, dave] = await Promise.all(['alice', 'bob', 'carol', 'dave'].map((name) => phone(fresh(name), { RTCPeerConnection: Noted, rtc })));
    const options = { stream: null, privacy: 'relay' };
    const policies = async (count, who) => {
      await until(() => made.length >= count, () => `${count} connections; there are ${made.length}`);
      assert.deepEqual(made.splice(0).map(({ configuration }) => configuration.iceTransportPolicy), Array(count).fill('relay'), who);
    };
    const out = await alice.call(bob.user, { ...options, seats: 5 });
    await (await ring(bob)).accept({ stream: null });
    await policies(2, 'who calls, who answers');
    await out.invite(carol.user);
    await (await ring(carol)).accept({ stream: null });
    await policies(4, 'who is invited');
    const post = await alice.post(options);
    await dave.take(post.id, { stream: null });
    await policies(2, 'who posts, who takes');
    const room = await alice.room(options);
    await bob.join(room.id, { stream: null });
    await policies(2, 'who joins');
    await alice.call(dave.user, { stream: null });
    await until(() => made.length, 'a connection of another call');
    assert.equal(made[0].configuration.iceTransportPolicy, 'all');
  });

  test('a newcomer offers to each, and those who sit there only answer', async () => {
    const all = await Promise.all(['alice', 'bob', 'carol'].map((name) => phone(fresh(name), { RTCPeerConnection: Connection })));
    const first = await all[0].room({ stream: null });
    const calls = [first];
    for (const one of all.slice(1)) calls.push(await one.join(first.id, { stream: null }));
    const told = (call) => call.members.map((member) => (member.pc ? member.pc.told.join() : '-')).join(' ');
    const expected = ['- offer offer', 'answer - offer', 'answer answer -'];
    await until(() => calls.every((call, i) => told(call) === expected[i]), () => `each to have what it is due: ${calls.map(told)}`);
  });

  test('of calls that cross the second answers the offer of the first, and rolls its own back', async () => {
    const [alice, bob] = await Promise.all(['alice', 'bob'].map((name) => phone(fresh(name), { RTCPeerConnection: Connection })));
    const calls = await Promise.all([alice.call(bob.user, { stream: null }), bob.call(alice.user, { stream: null })]);
    const [first, second] = calls.sort((a, b) => a.me.peer - b.me.peer);
    await until(() => first.members[1]?.pc?.told.join() === 'answer', 'the answer');
    assert.deepEqual([second.members[0].pc.told, first.members.length], [['offer'], 2]);
  });

  test('a member that comes anew gets a new connection, and makes the offer', async () => {
    const [alice, bob] = await Promise.all(['alice', 'bob'].map((name) => phone(fresh(name), { RTCPeerConnection: Connection })));
    const out = follow(await alice.call(bob.user, { stream: null }));
    await (await ring(bob)).accept({ stream: null });
    await until(() => out.members[1]?.pc?.told.join() === 'answer', 'the answer');
    const before = out.members[1].pc;
    const again = await phone(bob.user, { RTCPeerConnection: Connection });
    await (await until(() => again.back[0], 'a call to rejoin')).rejoin({ stream: null });
    await until(() => out.members[1].pc?.told.join() === 'offer', 'the new offer');
    assert.deepEqual([before.signalingState, out.members[1].pc === before], ['closed', false]);
  });

  test('an answer to what a caller offered before it came anew begins the pair once more', async () => {
    const [alice, bob] = await Promise.all(['alice', 'bob'].map((name) => phone(fresh(name), { RTCPeerConnection: Connection })));
    await alice.call(bob.user, { stream: null });
    const call = await ring(bob);
    const again = await phone(alice.user, { RTCPeerConnection: Connection });
    const out = await until(() => again.back[0], 'a call to rejoin');
    await out.rejoin({ stream: null });
    assert.equal(out.state, 'ringing');
    await call.accept({ stream: null });
    await until(() => out.members[1]?.pc?.told.join() === 'answer', 'the answer to the second offer');
    assert.deepEqual(call.members[0].pc.told, ['offer', 'offer']);
  });

  test('without a microphone nothing is asked of the server, and it rings on', async () => {
    const [alice, bob] = await Promise.all([phone(fresh('alice')), phone(fresh('bob'), { RTCPeerConnection: Connection })]);
    const out = await alice.call(bob.user);
    const call = await ring(bob);
    await refused(call.accept(), 'microphone_failed');
    assert.deepEqual([call.state, out.state], ['incoming', 'ringing']);
    await refused(bob.call(alice.user), 'microphone_failed');
    await out.hangup();
  });

  test('mute and silence are told, and what is no more of an ended call does nothing', async () => {
    const [alice, bob] = await people('alice', 'bob');
    const [out] = await talk(alice, bob);
    let changes = 0;
    out.on('change', () => (changes += 1));
    out.mute();
    assert.deepEqual([out.muted, changes], [true, 1]);
    out.mute(false);
    assert.deepEqual([out.muted, changes], [false, 2]);
    await out.hangup();
    await out.hangup();
    const then = changes;
    await out.setStream(null);
    out.ignore();
    assert.equal(changes, then);
    assert.equal(out.reason, 'hangup');
  });
});
