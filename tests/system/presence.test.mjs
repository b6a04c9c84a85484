// Presence (docs/protocol.md): what others see of a user, once for each change, wherever they are; and what they never see.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { room } from '../support/calls.mjs';
import { fresh, join } from '../support/client.mjs';
import { startCluster } from '../support/cluster.mjs';
import { unhurried, until, within } from '../support/wait.mjs';

let cluster;
let nodes;
before(async () => {
  cluster = await startCluster({ nodes: 4, settings: { 'watches-max': 8 } });
  nodes = cluster.nodes;
});
after(() => cluster?.stop());

const OFFLINE = { status: 'offline', in_call: false, devices: 0 };
const SEEN = { ...OFFLINE, seen: 'number' };
const here = (status, more = {}) => ({ status, in_call: false, devices: 1, ...more });

/** A state without the name; `last_seen_ms` only as whether it is there. */
function plain({ user, type, last_seen_ms: seen, ...state }) {
  return seen === undefined ? state : { ...state, seen: typeof seen };
}

/** Watches the users and gives their states. */
async function watch(client, ...users) {
  const { states } = await client.request('presence.watch', { users });
  assert.deepEqual(
    states.map((state) => state.user),
    users,
  );
  return states.map(plain);
}

/** The next change of that user. */
async function change(client, user) {
  return plain(await client.expect('presence', (event) => event.user === user));
}

/** A user who watches that one, at that node. */
async function watcher(user, node = nodes[1], { claims } = {}) {
  const client = await join(node, fresh('bob'), { claims });
  await watch(client, user);
  return client;
}

/** Every change that was made before now has come: a later one, of somebody else, is heard behind it. */
async function hearAll(client) {
  const witness = await join(client.node, fresh('alice'));
  await watch(client, witness.user);
  await witness.request('presence.set', { status: 'dnd' });
  assert.deepEqual(await change(client, witness.user), here('dnd'));
  await client.request('presence.unwatch', { users: [witness.user] });
  await witness.close();
}

/** No change has come, and none is on its way. */
async function silent(client) {
  await hearAll(client);
  await client.quiet();
}

/** A number of all nodes' metrics. */
async function sum(name) {
  return (await Promise.all(nodes.map((node) => node.metric(name)))).reduce((a, b) => a + b, 0);
}

/** Channels of that user that any node listens on. */
function channels(user) {
  return cluster.redis.command('PUBSUB', 'SHARDCHANNELS', `*:watch:${user}`);
}

/** Plays a story at nodes of its own, whose grace is short. */
async function briefly(story, pace = 1) {
  const brief = await startCluster({ nodes: 2, settings: { 'grace-ms': 600 * pace } });
  try {
    await story(brief);
  } finally {
    await brief.stop();
  }
}

/** What Redis is told from now on, line by line; `close` ends it. */
async function monitor() {
  const socket = connect(cluster.redis.socket);
  const lines = [];
  let rest = '';
  socket.on('data', (bytes) => {
    const parts = (rest + bytes).split('\r\n');
    rest = parts.pop();
    lines.push(...parts);
  });
  socket.write('MONITOR\r\n');
  await until(() => lines.includes('+OK'), 'MONITOR to begin');
  return { lines, close: () => socket.destroy() };
}

describe('a watcher', () => {
  test('is told the state of one who was never there', async () => {
    const bob = await join(nodes[1], fresh('bob'));
    assert.deepEqual(await watch(bob, fresh('alice')), [OFFLINE]);
  });

  test('is told the states in the order of the users', async () => {
    const [anna, ben] = [fresh('anna'), fresh('ben')];
    await join(nodes[0], ben);
    const bob = await join(nodes[1], fresh('bob'));
    assert.deepEqual(await watch(bob, anna, ben), [OFFLINE, here('available')]);
  });

  test('at another node hears of each change once', async () => {
    const user = fresh('alice');
    const bob = await watcher(user);
    const alice = await join(nodes[0], user);
    assert.deepEqual(await change(bob, user), here('available'));
    await alice.request('presence.set', { status: 'away', note: 'at lunch' });
    assert.deepEqual(await change(bob, user), here('away', { note: 'at lunch' }));
    await alice.request('presence.set', { status: 'away', note: 'at lunch' });
    await alice.request('presence.set', { status: 'dnd' });
    assert.deepEqual(await change(bob, user), here('dnd'));
    await alice.request('bye');
    assert.deepEqual(await change(bob, user), SEEN);
    await silent(bob);
  });

  test('hears how many devices there are', async () => {
    const user = fresh('alice');
    const bob = await watcher(user);
    await join(nodes[0], user, { device: 'phone' });
    const laptop = await join(nodes[2], user, { device: 'laptop' });
    assert.deepEqual(await change(bob, user), here('available'));
    assert.deepEqual(await change(bob, user), { ...here('available'), devices: 2 });
    await laptop.request('bye');
    assert.deepEqual(await change(bob, user), here('available'));
  });

  test('may watch again, is told the truth, and hears no change twice', async () => {
    const user = fresh('alice');
    const bob = await watcher(user);
    const alice = await join(nodes[0], user);
    await change(bob, user);
    await Promise.all([alice.request('presence.set', { status: 'dnd' }), watch(bob, user)]);
    await until(async () => plain((await bob.request('presence.watch', { users: [user] })).states[0]).status === 'dnd', 'the state to be told');
    await hearAll(bob);
    assert.ok(bob.events.length <= 1, JSON.stringify(bob.events));
    assert.deepEqual(await watch(bob, user), [here('dnd')]);
  });

  test('may watch again to learn what was set, whether or not its node has heard of it', async () => {
    const alice = await join(nodes[0], fresh('alice'));
    const bob = await watcher(alice.user);
    for (let i = 0; i < 30; i += 1) {
      await alice.request('presence.set', { status: 'away', note: `${i}` });
      const { states } = await bob.request('presence.watch', { users: [alice.user] });
      assert.equal(states[0].note, `${i}`);
    }
  });

  test('may watch itself', async () => {
    const alice = await join(nodes[0], fresh('alice'), { claims: { call: [] } });
    assert.deepEqual(await watch(alice, alice.user), [here('available')]);
    await alice.request('presence.set', { status: 'away' });
    assert.deepEqual(await change(alice, alice.user), here('away'));
  });

  test('hears nothing any more after presence.unwatch, and its node listens no more', async () => {
    const user = fresh('alice');
    const bob = await watcher(user);
    assert.equal((await channels(user)).length, 1);
    await bob.request('presence.unwatch', { users: [user, fresh('nobody')] });
    await until(async () => (await channels(user)).length === 0, 'the node to leave the channel');
    await join(nodes[0], user);
    await silent(bob);
  });

  test('that loses its socket watches no more, and watches again after its resume', async () => {
    const user = fresh('alice');
    const bob = await watcher(user);
    await bob.drop();
    await until(async () => (await channels(user)).length === 0, 'the node to leave the channel');
    await bob.resume(nodes[2]);
    const alice = await join(nodes[0], user);
    assert.deepEqual(await watch(bob, user), [here('available')]);
    await alice.request('presence.set', { status: 'away' });
    assert.deepEqual(await change(bob, user), here('away'));
    await silent(bob);
  });
});

describe('presence.set', () => {
  test('outlasts the session', async () => {
    const user = fresh('alice');
    const alice = await join(nodes[0], user);
    await alice.request('presence.set', { status: 'dnd', note: 'writing' });
    await alice.request('bye');
    const bob = await watcher(user);
    await join(nodes[2], user);
    assert.deepEqual(await change(bob, user), here('dnd', { note: 'writing' }));
  });

  test('sent again after a resume has its effect once', async () => {
    const user = fresh('alice');
    const phone = await join(nodes[0], user);
    const laptop = await join(nodes[1], user, { device: 'laptop' });
    const id = phone.lastId + 1;
    const first = await phone.ask('presence.set', { status: 'away' }, id);
    await laptop.request('presence.set', { status: 'dnd' });
    await phone.drop();
    await phone.resume(nodes[2]);
    assert.deepEqual(await phone.ask('presence.set', { status: 'away' }, id), first);
    const bob = await join(nodes[1], fresh('bob'));
    assert.equal((await watch(bob, user))[0].status, 'dnd');
  });

  test('refuses what is no status, and a note that is too long', async () => {
    const alice = await join(nodes[0], fresh('alice'));
    await alice.refused('presence.set', { status: 'offline' }, 'bad_request');
    await alice.refused('presence.set', {}, 'bad_request');
    await alice.refused('presence.set', { status: 'away', note: 7 }, 'bad_request');
    await alice.refused('presence.set', { status: 'away', note: 'x'.repeat(129) }, 'too_large');
    await alice.request('presence.set', { status: 'away', note: 'x'.repeat(128) });
  });
});

describe('presence.watch', () => {
  test('is for those whom one may call, all or none', async () => {
    const user = fresh('alice');
    const bob = await join(nodes[1], fresh('bob'), { claims: { call: ['alice-*'] } });
    await watch(bob, user);
    const { message } = await bob.refused('presence.watch', { users: [fresh('alice'), 'mallory'] }, 'forbidden');
    assert.match(message, /users\[1\]/);
    await join(nodes[0], user);
    await change(bob, user);
    await silent(bob);
  });

  test('holds no more users than a session may watch', async () => {
    const bob = await join(nodes[1], fresh('bob'));
    const users = Array.from({ length: 8 }, () => fresh('alice'));
    await watch(bob, ...users);
    await watch(bob, ...users);
    const { retry_after_ms: wait } = await bob.refused('presence.watch', { users: [fresh('carol')] }, 'rate_limited');
    assert.ok(wait > 0);
    await bob.request('presence.unwatch', { users: users.slice(0, 1) });
    await watch(bob, fresh('carol'));
  });

  test('refuses lists that are no lists of users', async () => {
    const bob = await join(nodes[1], fresh('bob'));
    await bob.refused('presence.watch', { users: 'alice' }, 'bad_request');
    await bob.refused('presence.watch', { users: ['al ice'] }, 'bad_request');
    await bob.refused('presence.watch', { users: Array.from({ length: 201 }, (_, i) => `u${i}`) }, 'too_large');
    await bob.settle();
  });
});

describe('in_call', () => {
  test('follows the seats by itself', async () => {
    const alice = await join(nodes[0], fresh('alice'));
    const carol = await join(nodes[3], fresh('carol'));
    const bob = await watcher(alice.user);
    await watch(bob, carol.user);
    const call = await room(alice, [carol]);
    assert.deepEqual(await change(bob, alice.user), here('available', { in_call: true }));
    assert.deepEqual(await change(bob, carol.user), here('available', { in_call: true }));
    const second = await room(alice, []);
    await alice.request('call.leave', { call: second });
    await alice.request('call.leave', { call });
    assert.deepEqual(await change(bob, alice.user), here('available'));
    await carol.request('call.leave', { call });
    assert.deepEqual(await change(bob, carol.user), here('available'));
    await silent(bob);
  });

  test('ends with the session that sat there', async () => {
    const alice = await join(nodes[0], fresh('alice'));
    const carol = await join(nodes[3], fresh('carol'));
    await room(carol, [alice]);
    const bob = await watcher(alice.user);
    await alice.request('bye');
    assert.deepEqual(await change(bob, alice.user), SEEN);
    await carol.expect('call.left');
    await join(nodes[1], alice.user);
    assert.deepEqual(await change(bob, alice.user), here('available'));
    await silent(bob);
  });
});

describe('online', () => {
  const short = (story) => unhurried((pace) => briefly(story, pace));

  test('is a user until the grace of the lost socket is over', () =>
    short(async ({ nodes: [n1, n2] }) => {
      const user = fresh('alice');
      const alice = await join(n1, user);
      const bob = await watcher(user, n2);
      await alice.drop();
      assert.deepEqual(await watch(bob, user), [here('available')]);
      assert.deepEqual(await change(bob, user), SEEN);
      await silent(bob);
    }));

  test('stays one who resumes, and one whose device comes with a new session', () =>
    short(async ({ nodes: [n1, n2], redis }) => {
      const user = fresh('alice');
      const alice = await join(n1, user);
      const bob = await watcher(user, n2);
      await alice.drop();
      await alice.resume(n2);
      await join(n1, user);
      const superseded = `{${alice.session.slice(0, 2)}}:session:${alice.session}`;
      await until(async () => (await redis.command('EXISTS', superseded)) === 0, 'the superseded session to be forgotten');
      assert.deepEqual(await watch(bob, user), [here('available')]);
      await silent(bob);
    }));
});

describe('an invisible user', () => {
  test('looks as if gone offline, at that time, and whatever comes after shows nothing', async () => {
    const user = fresh('alice');
    const alice = await join(nodes[0], user);
    const carol = await join(nodes[3], fresh('carol'));
    const bob = await watcher(user);
    await alice.request('presence.set', { status: 'invisible', note: 'hush' });
    const gone = await bob.expect('presence');
    assert.deepEqual(plain(gone), SEEN);
    const call = await room(alice, [carol]);
    await alice.request('call.leave', { call });
    const laptop = await join(nodes[2], user, { device: 'laptop' });
    await laptop.request('presence.set', { status: 'invisible', note: 'hush, hush' });
    await Promise.all([laptop.request('bye'), alice.request('bye')]);
    const back = await join(nodes[1], user);
    const dave = await join(nodes[2], fresh('dave'));
    const { states } = await dave.request('presence.watch', { users: [user] });
    assert.deepEqual(states, [{ user, ...OFFLINE, last_seen_ms: gone.last_seen_ms }]);
    await bob.quiet('presence');
    await back.request('presence.set', { status: 'available' });
    for (const one of [bob, dave]) assert.deepEqual(await change(one, user), here('available'));
  });

  test('can be called, and is as reachable as one who waits for a socket', async () => {
    const alice = await join(nodes[0], fresh('alice'));
    await alice.request('presence.set', { status: 'invisible' });
    const bob = await join(nodes[1], fresh('bob'));
    const { reach } = await bob.request('call.start', { to: [alice.user] });
    assert.deepEqual(reach, { [alice.user]: 'waiting' });
    await alice.expect('call.incoming');
  });
});

describe('a watcher who is blocked', () => {
  test('sees the user go offline, and nothing of what comes after', async () => {
    const user = fresh('alice');
    const alice = await join(nodes[0], user);
    const bob = await watcher(user);
    const carol = await watcher(user);
    await alice.request('block.set', { users: [bob.user] });
    const { type, ...gone } = await bob.expect('presence', (event) => event.user === user);
    assert.deepEqual(plain(gone), SEEN);
    await alice.request('presence.set', { status: 'away', note: 'from bob' });
    assert.deepEqual(await change(carol, user), here('away', { note: 'from bob' }));
    await alice.request('bye');
    assert.deepEqual(await change(carol, user), SEEN);
    await join(nodes[0], user);
    assert.deepEqual((await bob.request('presence.watch', { users: [user] })).states, [gone]);
    await silent(bob);
  });

  test('sees the state again when that is over', async () => {
    const user = fresh('alice');
    const alice = await join(nodes[0], user);
    const bob = await join(nodes[1], fresh('bob'));
    await alice.request('block.set', { users: [bob.user] });
    assert.deepEqual(await watch(bob, user), [SEEN]);
    await alice.request('presence.set', { status: 'dnd' });
    await alice.request('block.set', { users: [fresh('dave')] });
    assert.deepEqual(await change(bob, user), here('dnd'));
    await alice.request('presence.set', { status: 'away' });
    assert.deepEqual(await change(bob, user), here('away'));
    await silent(bob);
  });

  test('by one who looks offline hears nothing of it', async () => {
    const user = fresh('alice');
    const alice = await join(nodes[0], user);
    await alice.request('presence.set', { status: 'invisible' });
    const bob = await join(nodes[1], fresh('bob'));
    const look = async () => (await bob.request('presence.watch', { users: [user] })).states;
    const before = await look();
    assert.deepEqual(before.map(plain), [SEEN]);
    await alice.request('block.set', { users: [bob.user] });
    assert.deepEqual(await look(), before);
    await alice.request('block.set', { users: [] });
    assert.deepEqual(await look(), before);
    await silent(bob);
  });
});

describe('what a change costs', () => {
  test('is one publish, heard once by each node that has watchers, for 1,000 of them', async () => {
    const user = fresh('alice');
    const alice = await join(nodes[0], user);
    const watchers = [];
    const one = async (i) => watchers.push(await watcher(user, nodes[i % nodes.length]));
    for (let i = 0; i < 1000; i += 50) await Promise.all(Array.from({ length: 50 }, (_, k) => one(i + k)));
    assert.equal((await channels(user)).length, 1);
    const before = await sum('presence_changes_total');
    const redis = await monitor();
    await alice.request('presence.set', { status: 'away' });
    for (const each of watchers) assert.deepEqual(await change(each, user), here('away'));
    await cluster.redis.command('ECHO', 'all of it'); // the lines come by a way of their own: those before this one have come with it
    await until(() => redis.lines.some((line) => line.includes('all of it')), 'what Redis was told to be shown');
    const published = redis.lines.filter((line) => /"spublish"/i.test(line) && line.includes(`:watch:${user}"`));
    redis.close();
    assert.equal(published.length, 1);
    assert.equal(await sum('presence_changes_total'), before + nodes.length);
    await Promise.all(watchers.map((each) => each.quiet()));
    await Promise.all(watchers.map((each) => each.close()));
    await until(async () => (await channels(user)).length === 0, 'all nodes to leave the channel');
  });

  test('is nothing at the nodes when nobody watches', async () => {
    const watchers = await Promise.all(nodes.map((node) => watcher(fresh('nobody'), node)));
    const before = await sum('presence_changes_total');
    const alice = await join(nodes[0], fresh('alice'));
    await alice.request('presence.set', { status: 'away' });
    await alice.request('bye');
    await Promise.all(watchers.map(silent)); // one change at each node, behind those that none has heard of
    assert.equal(await sum('presence_changes_total'), before + nodes.length);
  });
});

describe('a bus that is cut', () => {
  test('costs no change, and brings none twice', async () => {
    const user = fresh('alice');
    const alice = await join(nodes[0], user);
    const watchers = await Promise.all(nodes.map((node) => watcher(user, node)));
    for (const [i, status] of ['away', 'dnd', 'available', 'dnd', 'away', 'available'].entries()) {
      await cluster.redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await alice.request('presence.set', { status, note: String(i) });
      for (const each of watchers) assert.deepEqual(await change(each, user), here(status, { note: String(i) }));
    }
    await Promise.all(nodes.map((node) => node.untilReady()));
    await Promise.all(watchers.map(silent));
  });

  test('lets a block through that was set meanwhile', async () => {
    const user = fresh('alice');
    const alice = await join(nodes[0], user);
    const bob = await watcher(user);
    await cluster.redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await alice.request('block.set', { users: [bob.user] });
    assert.deepEqual(await change(bob, user), SEEN);
    await silent(bob);
  });
});

describe('a node that is killed', () => {
  test('takes its users offline once their grace is over, and their watchers hear it once', () =>
    briefly(async ({ nodes: [near, doomed] }) => {
      const user = fresh('alice');
      const bob = await watcher(user, near);
      await join(doomed, user);
      assert.deepEqual(await change(bob, user), here('available'));
      const late = bob.expect('presence', () => true, 60_000);
      await doomed.kill();
      assert.deepEqual(plain(await within(late, 'alice to be offline', 60_000)), SEEN);
      await silent(bob);
    }));
});
