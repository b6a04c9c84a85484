// The client's session (node/web/client/session.js): how it comes in, what it survives, and when it ends.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connect } from '../../node/web/client/switchboard.js';
import { Network, leaveAll, signIn } from '../support/app.mjs';
import { fresh, join } from '../support/client.mjs';
import { startCluster } from '../support/cluster.mjs';
import { startFakeNode } from '../support/fake-node.mjs';
import { mint, nowSeconds } from '../support/token.mjs';
import { unhurried, until, within } from '../support/wait.mjs';

const ROOM = { to: [], allow: 'anyone' };

let cluster;
before(async () => {
  cluster = await startCluster({ nodes: 2 });
});
after(() => {
  leaveAll();
  return cluster?.stop();
});

const next = (emitter, name) => within(emitter.once(name), `the event ${name}`);
const state = (me, wanted) => until(() => me.state === wanted, () => `the state ${wanted}; it is ${me.state}`);
const refused = (promise, code) => assert.rejects(within(promise, `a refusal with ${code}`), { name: 'SwitchboardError', code });

/** Nodes of the test's own. */
async function startOwn(t, options) {
  const own = await startCluster(options);
  t.after(() => own.stop());
  return own;
}

/** A client at a fake node, and its first line. Both end with the test. */
async function atFake(t, options = {}) {
  const fake = await startFakeNode();
  t.after(() => fake.stop());
  const signing = signIn(fake, 'alice', options);
  const line = await fake.line();
  const hello = await line.welcome();
  const app = await signing;
  return { ...app, fake, line, hello };
}

/** What the console is warned of from now on. */
function warnings(t) {
  const warned = [];
  t.mock.method(console, 'warn', (...words) => warned.push(words.join(' ')));
  return warned;
}

/** What a browser tells its page, told by the test. */
function browserEvents(t) {
  const target = new EventTarget();
  globalThis.addEventListener = target.addEventListener.bind(target);
  globalThis.removeEventListener = target.removeEventListener.bind(target);
  t.after(() => {
    delete globalThis.addEventListener;
    delete globalThis.removeEventListener;
  });
  return (type) => target.dispatchEvent(new Event(type));
}

/** A room of the app and a raw client. */
async function meet(app, node) {
  const { call } = await app.me.request('call.start', ROOM);
  const bob = await join(node, fresh('bob'));
  await bob.request('call.join', { call });
  await app.untilEvent('call.joined');
  return { call, bob };
}

describe('coming in', () => {
  test('gives what the welcome says', async () => {
    const user = fresh('alice');
    const { me } = await signIn(cluster.nodes, user, { device: 'kitchen' });
    assert.equal(me.state, 'online');
    assert.deepEqual([me.user, me.device], [user, 'kitchen']);
    assert.match(me.session, /^[\w-]{20,40}$/);
    assert.equal(me.limits.seats, 5);
    assert.equal(typeof me.server.node, 'string');
    assert.equal(me.calls.size, 0);
    await me.close();
  });

  test('a device has a name of its own unless one is given', async () => {
    const { me } = await signIn(cluster.nodes, fresh('alice'), { device: undefined });
    assert.match(me.device, /^[A-Za-z0-9-]{8,64}$/);
    await me.close();
  });

  test('a tab that is reloaded keeps its name', async () => {
    const kept = new Map();
    globalThis.sessionStorage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) };
    const user = fresh('alice');
    const { me } = await signIn(cluster.nodes, user, { device: undefined });
    const closed = next(me, 'closed');
    const reloaded = await signIn(cluster.nodes, user, { device: undefined });
    assert.equal((await closed)[0].reason, 'superseded');
    assert.equal(reloaded.me.device, me.device);
    await reloaded.me.close();
    delete globalThis.sessionStorage;
  });

  test('goes on trying until a node answers', async () => {
    const network = new Network();
    network.shut = true;
    const coming = signIn(cluster.nodes, fresh('alice'), { network });
    await until(() => network.urls.length >= 2, 'two tries');
    assert.equal(new Set(network.urls.slice(0, 2)).size, 2, 'each try goes to the next node');
    network.shut = false;
    const { me } = await coming;
    await me.close();
  });

  test('can be called off', async () => {
    const network = new Network();
    network.shut = true;
    const caller = new AbortController();
    const coming = signIn(cluster.nodes, fresh('alice'), { network, signal: caller.signal });
    await until(() => network.urls.length, 'a try');
    caller.abort();
    await refused(coming, 'closed');
  });

  test('called off before it began is refused', () => refused(signIn(cluster.nodes, 'alice', { signal: AbortSignal.abort() }), 'closed'));
  test('without a token is refused', () => refused(connect({ url: cluster.nodes[0].url, WebSocket: new Network().WebSocket }), 'unauthorized'));
  test('without a WebSocket is refused', () => refused(connect({ url: cluster.nodes[0].url, token: 'a', WebSocket: null }), 'unsupported'));
  for (const url of ['nowhere', 'ftp://127.0.0.1', 'http://[', '', 'null', undefined]) {
    test(`by the url ${url}, which leads to no server, is refused, and the sentence names what is due`, async () => {
      const refusal = await connect({ url, token: 'a', WebSocket: new Network().WebSocket }).catch((error) => error);
      assert.equal(refusal.code, 'bad_request');
      assert.match(refusal.message, /https:\/\/host/);
    });
  }
  test('by no url at all is refused', () => refused(signIn([], 'alice'), 'bad_request'));
  test('with a name of a device that is none is refused', () => refused(signIn(cluster.nodes, fresh('alice'), { device: 'a b' }), 'closed'));

  test('a refused token is refused at once when there is no other', async () => {
    const network = new Network();
    await refused(signIn(cluster.nodes, fresh('alice'), { network, token: 'bad', getToken: undefined, claims: { exp: 1 } }), 'unauthorized');
    assert.equal(network.urls.length, 1);
  });

  test('a refused token is replaced once', async () => {
    const user = fresh('alice');
    const tokens = ['bad', mint(user)];
    const { me } = await signIn(cluster.nodes, user, { getToken: async () => tokens.shift() });
    assert.equal(tokens.length, 0);
    await me.close();
  });

  test('two refused tokens are enough', async () => {
    let asked = 0;
    await refused(signIn(cluster.nodes, fresh('alice'), { getToken: () => `bad ${(asked += 1)}` }), 'unauthorized');
    assert.equal(asked, 2);
  });

  test('a getToken that fails is asked again, and the console says why nothing goes on', async (t) => {
    const warned = warnings(t);
    const user = fresh('alice');
    let asked = 0;
    const getToken = () => {
      asked += 1;
      if (asked < 3) throw new Error('no network');
      return mint(user);
    };
    const { me } = await signIn(cluster.nodes, user, { getToken });
    assert.equal(asked, 3);
    assert.deepEqual(warned, Array(2).fill('switchboard: no fresh token: no network'));
    await me.close();
  });

  test('comes back not before the time that a busy node names', async (t) => {
    const fake = await startFakeNode();
    t.after(() => fake.stop());
    const signing = signIn(fake, 'alice');
    const first = await fake.line();
    await first.read('hello');
    const told = Date.now();
    first.send({ type: 'reconnect', after_ms: 700, retry_after_ms: 700 });
    first.close(1013);
    const second = await fake.line();
    assert.ok(second.since - told >= 690, `it came after ${second.since - told} ms`);
    await second.welcome();
    await signing;
  });

  test('many at once all get in', async (t) => {
    const busy = await startOwn(t, { nodes: 1, settings: { 'hellos-per-second': 1, 'hellos-burst': 1 } });
    const apps = await Promise.all(Array.from({ length: 8 }, () => signIn(busy.nodes, fresh('alice'))));
    assert.ok(apps.some(({ network }) => network.urls.length > 1), 'some were sent away');
    await Promise.all(apps.map(({ me }) => me.close()));
  });

  test('an unavailable hello is said again after the time it names', async (t) => {
    const fake = await startFakeNode();
    t.after(() => fake.stop());
    const signing = signIn(fake, 'alice');
    const first = await fake.line();
    const told = Date.now();
    first.error(await first.read('hello'), 'unavailable', { retry_after_ms: 400 });
    const second = await fake.line();
    assert.ok(second.since - told >= 390);
    await second.welcome();
    await signing;
  });
});

describe('a lost connection', () => {
  test('comes back at another node, and nothing is missed or heard twice', async () => {
    const app = await signIn(cluster.nodes, fresh('alice'));
    const { me } = app;
    const [n1, n2] = cluster.nodes;
    const { call, bob } = await meet(app, n1);
    const { session } = me;
    const before = app.node();
    const resumed = next(me, 'resumed');
    app.network.shut = true;
    me.cut();
    assert.equal(me.state, 'away');
    for (let i = 0; i < 20; i += 1) await bob.request('signal', { call, to: 1, data: i });
    app.network.urls.length = 0;
    app.network.shut = false;
    await resumed;
    assert.equal(me.state, 'online');
    assert.equal(me.session, session);
    assert.equal(app.network.urls.length, 1);
    assert.ok([n1, n2].includes(app.node()) && before);
    await app.untilEvent('signal', (event) => event.data === 19);
    const heard = app.events.filter(({ type }) => type === 'signal').map(({ data }) => data);
    assert.deepEqual(heard, Array.from({ length: 20 }, (_, i) => i));
    await me.close();
    await bob.close();
  });

  test('goes to the next node first', async () => {
    const app = await signIn(cluster.nodes, fresh('alice'));
    const before = app.node();
    const resumed = next(app.me, 'resumed');
    app.me.cut();
    await resumed;
    assert.notEqual(app.node(), before);
    await app.me.close();
  });

  test('a killed node is left for another', async (t) => {
    const doomed = await startOwn(t, { nodes: 2 });
    const app = await signIn(doomed.nodes, fresh('alice'));
    const node = app.node();
    const { session } = app.me;
    const resumed = next(app.me, 'resumed');
    await node.kill();
    await resumed;
    assert.equal(app.me.session, session);
    assert.notEqual(app.node(), node);
    await app.me.close();
  });

  test('a node that leaves is left for another, and nobody is told of a reset', async (t) => {
    const leaving = await startOwn(t, { nodes: 2, settings: { 'drain-ms': 1000 } });
    const app = await signIn(leaving.nodes, fresh('alice'));
    const node = app.node();
    app.me.on('reset', () => assert.fail('reset'));
    const resumed = next(app.me, 'resumed');
    const stopped = node.stop();
    await app.untilSeen('in', 'reconnect');
    await resumed;
    assert.notEqual(app.node(), node);
    await stopped;
    await app.me.close();
  });

  test('a notice is followed though the socket is not closed', async (t) => {
    const { me, line, fake } = await atFake(t);
    line.send({ type: 'reconnect', after_ms: 50 });
    const second = await fake.line();
    assert.equal((await second.welcome()).resume.session, 'a session');
    await state(me, 'online');
  });

  test('a node that does not say a word any more is left', async (t) => {
    const frozen = await startOwn(t, { nodes: 2, settings: { 'heartbeat-ms': 1000 } });
    const app = await signIn(frozen.nodes, fresh('alice'));
    const node = app.node();
    const resumed = next(app.me, 'resumed');
    node.freeze();
    await resumed;
    assert.notEqual(app.node(), node);
    node.thaw();
    await node.untilReady();
    await app.me.request('ping');
    assert.equal(app.me.state, 'online');
    await app.me.close();
  });

  test('what is asked meanwhile is asked when it is back', async () => {
    const app = await signIn(cluster.nodes, fresh('alice'));
    app.network.shut = true;
    app.me.cut();
    const asked = app.me.request('call.start', ROOM);
    assert.equal(app.seen('out', 'call.start').length, 0);
    app.network.shut = false;
    assert.equal((await asked).version, 1);
    await app.me.close();
  });

  test('what had no answer is sent again with the same id, and has its effect once', async () => {
    const app = await signIn(cluster.nodes, fresh('alice'));
    app.network.deaf = true;
    const asked = Promise.all([app.me.request('call.start', ROOM), app.me.request('call.start', ROOM)]);
    await until(() => app.network.lost.filter(({ type }) => type === 'ok').length === 2, 'two answers that get lost');
    const [first, second] = app.network.lost.map(({ call }) => call);
    app.network.deaf = false;
    app.me.cut();
    assert.deepEqual((await asked).map(({ call }) => call), [first, second]);
    const ids = app.seen('out', 'call.start').map(({ id }) => id);
    assert.deepEqual(ids, [ids[0], ids[0] + 1, ids[0], ids[0] + 1]);
    const welcome = app.seen('in', 'welcome').at(-1);
    assert.deepEqual(welcome.calls.map(({ call }) => call).sort(), [first, second].sort(), 'there are two calls, not four');
    await app.me.close();
  });

  test('what is asked in a listener comes after what had no answer', async (t) => {
    const { me, line, fake } = await atFake(t);
    me.request('ice.get');
    await line.read('ice.get');
    me._session.on('welcome', () => me.request('block.get'));
    me.cut();
    const second = await fake.line();
    await second.welcome();
    await second.read('ice.get');
    await second.read('block.get');
  });

  test('events that come twice are told once', async (t) => {
    const { me, line, fake } = await atFake(t);
    const heard = [];
    me._session.on('event', ({ seq }) => heard.push(seq));
    for (const seq of [1, 2, 2, 1, 3]) line.send({ type: 'signal', call: 'c', from: 1, data: 0, version: 1, seq });
    await until(() => heard.includes(3), 'the last event');
    assert.deepEqual(heard, [1, 2, 3]);
    me.cut();
    const second = await fake.line();
    assert.equal((await second.welcome()).resume.seq, 3);
    second.send({ type: 'signal', call: 'c', from: 1, data: 0, version: 1, seq: 3 });
    second.send({ type: 'signal', call: 'c', from: 1, data: 0, version: 1, seq: 4 });
    await until(() => heard.includes(4), 'the event after the resume');
    assert.deepEqual(heard, [1, 2, 3, 4]);
  });

  for (const code of [1001, 1009, 1011, 4001, 4008]) {
    test(`by close ${code} is resumed`, async (t) => {
      const { me, line, fake } = await atFake(t);
      line.close(code);
      assert.equal((await (await fake.line()).welcome()).resume.key, 'a key');
      await state(me, 'online');
    });
  }

  for (const nonsense of [null, 7, [], {}]) {
    test(`for a frame that says ${JSON.stringify(nonsense)} is resumed`, async (t) => {
      const { me, line, fake } = await atFake(t);
      line.send(nonsense);
      assert.equal((await (await fake.line()).welcome()).resume.key, 'a key');
      await state(me, 'online');
    });
  }

  test('who was too loud stays away for 5 s unless something happens', async (t) => {
    const happens = browserEvents(t);
    const { me, line, fake } = await atFake(t);
    const waits = [];
    const real = setTimeout;
    t.mock.method(globalThis, 'setTimeout', (then, ms) => waits.push(ms) && real(then, 100 * ms)); // by itself it would not come in the time of this test
    line.close(4007);
    await state(me, 'away');
    t.mock.restoreAll();
    assert.ok(waits.some((ms) => ms > 5000 && ms < 6000), `it waits for one of ${waits} ms`);
    happens('offline');
    happens('online');
    const second = await fake.line(); // because the network came
    await second.welcome();
    await state(me, 'online');
    happens('offline');
    await second.read('ping');
  });

  test('that is doubted and speaks stays, and can be doubted again', async (t) => {
    const happens = browserEvents(t);
    const { me, line } = await atFake(t);
    const states = [];
    me.on('state', (now) => states.push(now));
    for (const type of ['offline', 'online', 'pageshow', 'visibilitychange']) {
      happens(type);
      line.ok(await line.read('ping'));
      await next(me, 'frame');
    }
    assert.deepEqual(states, []);
  });

  test('nothing wakes it before the time that the server named', async (t) => {
    const happens = browserEvents(t);
    const { me, line, fake } = await atFake(t);
    const told = Date.now();
    line.send({ type: 'reconnect', after_ms: 500, retry_after_ms: 500 });
    line.close(1013);
    await state(me, 'away');
    happens('online');
    assert.ok((await fake.line()).since - told >= 490);
  });
});

describe('a lost session', () => {
  test('is told, and what was under way is refused unless it may be said again', async (t) => {
    const brief = await startOwn(t, { nodes: 2, settings: { 'grace-ms': 300 } });
    const app = await signIn(brief.nodes, fresh('alice'));
    const { me, network } = app;
    const { call, bob } = await meet(app, brief.nodes[0]);
    const { session } = me;
    network.deaf = true;
    const lost = me.request('call.start', ROOM);
    const asked = me.request('ice.get');
    await until(() => network.lost.filter(({ type }) => type === 'ok').length === 2, 'two answers that get lost');
    network.shut = true;
    me.cut();
    const unsent = me.request('call.start', ROOM);
    await bob.expect('call.left', (event) => event.call === call && event.reason === 'lost');
    const reset = next(me, 'reset');
    network.deaf = network.shut = false;
    await refused(lost, 'reset');
    await reset;
    assert.notEqual(me.session, session);
    assert.ok((await asked).ice_servers);
    assert.equal((await unsent).version, 1);
    await me.close();
    await bob.close();
  });

  test('what is said again has a new id, and events count from one', async (t) => {
    const { me, line, fake } = await atFake(t);
    const heard = [];
    me._session.on('event', ({ seq }) => heard.push(seq));
    line.send({ type: 'signal', call: 'c', from: 1, data: 0, version: 1, seq: 1 });
    const asked = me.blocked();
    const { id } = await line.read('block.get');
    me.cut();
    const second = await fake.line();
    await second.welcome({ resumed: false, seq: 0, session: 'another' });
    const again = await second.read('block.get');
    assert.ok(again.id > id);
    second.ok(again, { users: ['eve'] });
    assert.deepEqual(await asked, ['eve']);
    second.send({ type: 'signal', call: 'c', from: 1, data: 0, version: 1, seq: 1 });
    await until(() => heard.length === 2, 'the first event of the new session');
    assert.deepEqual(heard, [1, 1]);
    assert.equal(me.session, 'another');
  });
});

describe('acks', () => {
  test('are sent, so that the mailbox does not grow', async () => {
    const app = await signIn(cluster.nodes, fresh('alice'));
    const { call, bob } = await meet(app, cluster.nodes[0]);
    const began = Date.now();
    for (let i = 0; i < 100; i += 1) await bob.request('signal', { call, to: 1, data: i });
    await app.untilEvent('signal', (event) => event.data === 99);
    const { seq } = app.events.at(-1);
    const sent = () => app.frames.filter(({ direction }) => direction === 'out');
    const told = () => Math.max(...sent().map(({ type, seq, ack }) => (type === 'ack' ? seq : ack ?? 0)));
    await until(() => told() === seq, () => `an ack of ${seq}; the last was of ${told()}`);
    const { length } = app.seen('out', 'ack');
    const seconds = (Date.now() - began) / 1000; // in each of them one more may come
    assert.ok(length <= 8 + seconds, `${length} acks for ${seq} events`);
    await app.me.close();
    await bob.close();
  });

  test('ride on requests', async (t) => {
    const { me, line, fake } = await atFake(t);
    line.send({ type: 'signal', call: 'c', from: 1, data: 0, version: 1, seq: 1 });
    await next(me._session, 'event');
    me.request('ping');
    assert.equal((await line.read('ping')).ack, 1);
    me.request('ping');
    assert.equal((await line.read('ping')).ack, undefined, 'once is enough');
  });
});

describe('a request', () => {
  test('while the store is away is tried again until it is back', async (t) => {
    const paused = await startOwn(t, { nodes: 1 });
    const app = await signIn(paused.nodes, fresh('alice'));
    process.kill(paused.redis.pid, 'SIGSTOP');
    const asked = app.me.request('call.start', ROOM);
    await app.untilSeen('in', 'error');
    assert.equal(app.seen('in', 'error')[0].code, 'unavailable');
    process.kill(paused.redis.pid, 'SIGCONT');
    assert.equal((await asked).version, 1);
    const ids = new Set(app.seen('out', 'call.start').map(({ id }) => id));
    assert.equal(ids.size, 1, 'with the same id');
    await app.me.close();
  });

  test('of a pair waits while an earlier signal has to be sent again', async (t) => {
    const { me, line, fake } = await atFake(t);
    const send = (to, data) => me.request('signal', { call: 'c', to, data });
    const first = send(2, 'first');
    send(2, 'second');
    send(3, 'to another');
    const one = await line.read('signal');
    assert.equal((await line.read('signal')).data, 'to another');
    line.error(one, 'unavailable', { retry_after_ms: 100 });
    const again = await line.read('signal');
    assert.deepEqual([again.data, again.id], ['first', one.id]);
    await line.settle();
    assert.deepEqual(line.unread, [], 'the second one waits');
    line.ok(again);
    assert.equal((await line.read('signal')).data, 'second');
    await first;
  });

  test('that was too much is sent again if it is a signal, and told if it is not', async (t) => {
    const { me, line } = await atFake(t);
    const signal = me.request('signal', { call: 'c', to: 2, data: 1 });
    const start = me.request('call.start', ROOM);
    const slow = me.request('call.leave', { call: 'c' });
    line.error(await line.read('signal'), 'rate_limited', { retry_after_ms: 50 });
    line.error(await line.read('call.start'), 'rate_limited', { retry_after_ms: 50 });
    line.error(await line.read('call.leave'), 'rate_limited', { retry_after_ms: 60_000 });
    await assert.rejects(start, { code: 'rate_limited', retryAfterMs: 50 });
    await assert.rejects(slow, { code: 'rate_limited', retryAfterMs: 60_000 });
    line.ok(await line.read('signal'));
    await signal;
  });

  test('is given up after a while, but for leaving', async (t) => {
    const { me, line } = await atFake(t);
    const start = me.request('call.start', ROOM);
    const leave = me.request('call.leave', { call: 'c' });
    const refuse = async (type) => line.error(await line.read(type), 'unavailable', { retry_after_ms: 0 });
    await refuse('call.start');
    await refuse('call.leave');
    const again = [await line.read('call.start'), await line.read('call.leave')];
    const { now } = Date;
    Date.now = () => now() + 20_000;
    t.after(() => (Date.now = now));
    for (const frame of again) line.error(frame, 'unavailable', { retry_after_ms: 0 });
    await refused(start, 'unavailable');
    line.ok(await line.read('call.leave'));
    await leave;
  });

  test('that can never be sent is refused at once, and stops nothing', async () => {
    const app = await signIn(cluster.nodes, fresh('alice'));
    const { call, bob } = await meet(app, cluster.nodes[1]);
    const send = (data) => app.me.request('signal', { call, to: 2, data });
    const round = {};
    round.round = round;
    await refused(send(round), 'bad_request');
    await refused(send(1n), 'bad_request');
    await refused(send('ä'.repeat(40_000)), 'too_large');
    await send(['half of a pair: \ud83d', 'whole: 😀', 'nothing: \0']);
    assert.deepEqual((await bob.expect('signal')).data, ['half of a pair: \ufffd', 'whole: 😀', 'nothing: \ufffd']);
    const later = { n: 1 };
    app.me.cut();
    const sent = send(later);
    later.n = 2;
    await sent;
    assert.deepEqual((await bob.expect('signal')).data, { n: 1 }, 'what it was when it was said');
    assert.equal(app.me.state, 'online');
  });

  test('that nobody waits for ends without a word when the client does', async () => {
    const app = await signIn(cluster.nodes, fresh('alice'));
    app.network.deaf = true;
    app.me.setStatus('away');
    app.me.watch(['bob']);
    app.me.call('bob');
    app.network.deaf = false;
    app.network.shut = true;
    app.me.cut();
    await app.me.close();
    await refused(app.me.request('ping'), 'closed');
  });
});

describe('a token', () => {
  test('is renewed before it ends', () =>
    unhurried(async (pace) => {
      const user = fresh('alice');
      let asked = 0;
      const getToken = async () => mint(user, { exp: nowSeconds() + 3 * pace, jti: `${(asked += 1)}` });
      const app = await signIn(cluster.nodes, user, { getToken });
      await app.untilSeen('out', 'auth.renew', 3);
      await until(() => app.seen('in', 'ok').length >= 3, 'three answers');
      assert.equal(app.seen('in', 'error').length, 0);
      assert.equal(app.network.urls.length, 1);
      assert.ok(asked >= 4);
      assert.equal(app.me.state, 'online');
      await app.me.close();
    }));

  test('that could not be renewed is asked for again, and the console says why', (t) =>
    unhurried(async (pace) => {
      const warned = warnings(t);
      const user = fresh('alice');
      let asked = 0;
      const getToken = async () => {
        asked += 1;
        if (asked === 2) throw new Error('no network');
        return mint(user, { exp: nowSeconds() + 3 * pace });
      };
      const app = await signIn(cluster.nodes, user, { getToken });
      await app.untilSeen('out', 'auth.renew');
      assert.equal(asked, 3);
      assert.deepEqual(warned, ['switchboard: no fresh token: no network']);
      await app.me.close();
    }));

  test('that ended is replaced by a resume', async (t) => {
    const tokens = ['first', 'second'];
    const { line, me, hello, fake } = await atFake(t, { getToken: () => tokens.shift() });
    assert.equal(hello.token, 'first');
    line.close(4004);
    const again = await (await fake.line()).welcome();
    assert.deepEqual([again.token, again.resume.session], ['second', 'a session']);
  });

  test('that ended ends the client when it gives no other', async (t) => {
    const { line, me } = await atFake(t);
    const closed = next(me, 'closed');
    line.close(4004);
    assert.deepEqual(await closed, [{ reason: 'unauthorized', code: 4004, message: 'closed with 4004' }]);
  });

  test('that is good for long is used again', async () => {
    const user = fresh('alice');
    let asked = 0;
    const app = await signIn(cluster.nodes, user, { getToken: () => mint(user, { jti: (asked += 1) }) });
    const resumed = next(app.me, 'resumed');
    app.me.cut();
    await resumed;
    assert.equal(asked, 1);
    await app.me.close();
  });
});

describe('the end', () => {
  test('comes by close(), and the session is gone at once', async () => {
    const user = fresh('alice');
    const app = await signIn(cluster.nodes, user);
    const bob = await join(cluster.nodes[0], fresh('bob'));
    const closed = next(app.me, 'closed');
    const states = [];
    app.me.on('state', (now) => states.push(now));
    await app.me.close();
    assert.equal((await closed)[0].reason, 'bye');
    assert.deepEqual(states, ['closed']);
    const { states: known } = await bob.request('presence.watch', { users: [user] });
    assert.equal(known[0].status, 'offline');
    await app.me.close();
    await bob.close();
  });

  // Who leaves gives the server three seconds.
  test('comes by close() while the connection is away, and the session is gone all the same', () =>
    unhurried(async () => {
      const user = fresh('alice');
      const app = await signIn(cluster.nodes, user);
      const bob = await join(cluster.nodes[0], fresh('bob'));
      app.me.cut();
      await app.me.close();
      const { states: known } = await bob.request('presence.watch', { users: [user] });
      assert.equal(known[0].status, 'offline');
      await bob.close();
    }));

  test('comes by close() when no node can be reached', async () => {
    const app = await signIn(cluster.nodes, fresh('alice'));
    app.network.shut = true;
    app.me.cut();
    await within(app.me.close(), 'the end');
    assert.equal(app.me.state, 'closed');
  });

  test('comes when another has the device, for good', async () => {
    const user = fresh('alice');
    const app = await signIn(cluster.nodes, user);
    const closed = next(app.me, 'closed');
    const other = await signIn(cluster.nodes, user);
    const [why] = await closed;
    assert.deepEqual([why.reason, why.code], ['superseded', 4005]);
    assert.equal(app.me.state, 'closed');
    await refused(app.me.request('ping'), 'closed');
    assert.equal(app.network.urls.length, 1);
    await other.me.request('ping');
    await other.me.close();
  });

  test('does not come when it was a hello of its own that was carried out late', async (t) => {
    const app = await atFake(t);
    app.me.cut();
    const late = await app.fake.line();
    await late.read('hello');
    app.me.cut(); // and this hello is carried out after the next one
    const line = await app.fake.line();
    await line.welcome();
    await state(app.me, 'online');
    line.close(4005);
    const again = await app.fake.line();
    await again.welcome();
    await state(app.me, 'online');
    const closed = next(app.me, 'closed');
    again.close(4005);
    assert.equal((await closed)[0].reason, 'superseded');
  });

  for (const [code, reason] of [[4002, 'protocol'], [4006, 'ended'], [4009, 'protocol']]) {
    test(`comes by close ${code}`, async (t) => {
      const { line, me } = await atFake(t);
      const asked = me.request('ping');
      const closed = next(me, 'closed');
      line.close(code);
      assert.equal((await closed)[0].reason, reason);
      await refused(asked, 'closed');
    });
  }

  test('lets the process end', async () => {
    const script = `
      import WebSocket from 'ws';
      import { connect } from ${JSON.stringify(new URL('../../node/web/client/switchboard.js', import.meta.url).href)};
      const [urls, token] = JSON.parse(process.argv[1]);
      const me = await connect({ urls, token, WebSocket, RTCPeerConnection: null });
      me.cut();
      await me.once('resumed');
      me.watch(['bob']);
      await me.close();
      console.log('closed');`;
    const urls = cluster.nodes.map(({ url }) => url);
    const args = ['--input-type=module', '-e', script, JSON.stringify([urls, mint(fresh('alice'))])];
    const child = spawn(process.execPath, args, { cwd: fileURLToPath(new URL('..', import.meta.url)), stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (text) => (output += text));
    try {
      const [code] = await within(once(child, 'close'), () => `the process to end; it wrote ${output}`);
      assert.equal(code, 0);
      assert.equal(output, 'closed\n');
    } finally {
      child.kill('SIGKILL');
    }
  });
});

describe('what is told to the app', () => {
  test('of frames has no token and no key', async () => {
    const user = fresh('alice');
    const getToken = () => mint(user, { exp: nowSeconds() + 3 });
    const app = await signIn(cluster.nodes, user, { getToken });
    await app.untilSeen('out', 'auth.renew');
    const resumed = next(app.me, 'resumed');
    app.me.cut();
    await resumed;
    assert.ok(app.seen('out', 'hello').length >= 2, 'the first hello is told as well');
    assert.ok(app.seen('in', 'welcome').length >= 2);
    const text = JSON.stringify(app.frames);
    assert.ok(!/eyJ/.test(text), 'no token');
    assert.ok(!text.includes(app.me._session.welcome.key), 'no key');
    assert.ok(text.includes('"resume"'));
    await app.me.close();
  });

  test('reaches every listener, whatever one of them throws', async () => {
    const reported = [];
    globalThis.reportError = (error) => reported.push(error.message);
    const app = await signIn(cluster.nodes, fresh('alice'));
    const heard = [];
    app.me.on('state', () => {
      throw new Error('mine');
    });
    const off = app.me.on('state', () => heard.push('taken away'));
    app.me.on('state', (now) => heard.push(now));
    off();
    const once = next(app.me, 'state');
    await app.me.close();
    assert.deepEqual(await once, ['closed']);
    assert.deepEqual(heard, ['closed']);
    assert.deepEqual(reported, ['mine']);
    delete globalThis.reportError;
  });
});
