// Presence, blocks and push as the client's users have them (node/web/client/switchboard.js).
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { leaveAll, signIn } from '../support/app.mjs';
import { fresh, join } from '../support/client.mjs';
import { startCluster } from '../support/cluster.mjs';
import { startFakeNode } from '../support/fake-node.mjs';
import { until, within } from '../support/wait.mjs';

let cluster;
before(async () => {
  cluster = await startCluster({ nodes: 2 });
});
after(() => {
  leaveAll();
  return cluster?.stop();
});

/** A client, and the presence that it is told of. */
async function watcher(nodes = cluster.nodes, user = fresh('alice')) {
  const app = await signIn(nodes, user);
  const told = [];
  app.me.on('presence', (state) => told.push(state));
  const untilTold = (fits, what) => until(() => told.find(fits), () => `${what}; told: ${JSON.stringify(told)}`);
  return { ...app, told, untilTold };
}
const resumes = (me) => within(me.once('resumed'), 'the resume');

describe('presence', () => {
  test('watch() tells how they are, and events what changes', async () => {
    const { me, untilTold, told } = await watcher();
    const bob = fresh('bob');
    assert.deepEqual(await me.watch([bob]), [{ user: bob, status: 'offline', inCall: false, devices: 0 }]);
    const other = await signIn(cluster.nodes, bob);
    await untilTold(({ status }) => status === 'available', 'that bob came');
    await other.me.setStatus('dnd', 'rehearsal');
    await untilTold(({ note }) => note === 'rehearsal', 'his note');
    assert.deepEqual(told.at(-1), { user: bob, status: 'dnd', inCall: false, devices: 1, note: 'rehearsal' });
    await other.me.close();
    await untilTold(({ status }) => status === 'offline', 'that bob went');
    assert.equal(typeof told.at(-1).lastSeenMs, 'number');
    assert.deepEqual(Object.keys(told.at(-1)).filter((key) => key.includes('_')), [], 'words of the protocol');
    await me.close();
  });

  test('what changed while the connection was away is told when it is back, and nothing else', async () => {
    const { me, network, told, untilTold } = await watcher();
    const [bob, carol] = [fresh('bob'), fresh('carol')];
    const still = await join(cluster.nodes[0], carol);
    await me.watch([bob, carol]);
    network.shut = true;
    me.cut();
    const other = await join(cluster.nodes[0], bob);
    network.shut = false;
    await untilTold(({ user, status }) => user === bob && status === 'available', 'that bob came');
    await other.request('presence.set', { status: 'away' });
    await untilTold(({ status }) => status === 'away', 'that bob is away: the watch stands again');
    assert.deepEqual(told.filter(({ user }) => user === carol), [], 'carol did not change');
    assert.equal(told.length, 2);
    await me.close();
    await other.close();
    await still.close();
  });

  test('unwatch() holds after a resume, too', async () => {
    const { me, seen } = await watcher();
    const [bob, carol] = [fresh('bob'), fresh('carol')];
    await me.watch([bob, carol]);
    await me.unwatch([bob]);
    const resumed = resumes(me);
    me.cut();
    await resumed;
    await until(() => seen('out', 'presence.watch').length === 2, 'the second watch');
    assert.deepEqual(seen('out', 'presence.watch')[1].users, [carol]);
    await me.close();
  });

  test('long lists go in parts, also after a resume', async () => {
    const { me, seen } = await watcher();
    const users = Array.from({ length: 450 }, () => fresh('bob'));
    const states = await me.watch(users);
    assert.deepEqual(states.map(({ user }) => user), users);
    const sizes = () => seen('out', 'presence.watch').map(({ users: some }) => some.length);
    assert.deepEqual(sizes(), [200, 200, 50]);
    const resumed = resumes(me);
    me.cut();
    await resumed;
    await until(() => sizes().length === 6, 'three more watches');
    assert.deepEqual(sizes().slice(3), [200, 200, 50]);
    assert.deepEqual(await me.watch([]), []);
    await me.close();
  });

  test('a watch stands again though the server could not do it for a while', async (t) => {
    const fake = await startFakeNode();
    t.after(() => fake.stop());
    const signing = watcher(fake);
    const line = await fake.line();
    await line.welcome();
    const { me, told } = await signing;
    const watching = me.watch(['bob']);
    line.ok(await line.read('presence.watch'), { states: [{ user: 'bob', status: 'offline', in_call: false, devices: 0 }] });
    await watching;
    me.cut();
    const second = await fake.line();
    await second.welcome();
    for (let i = 0; i < 3; i += 1) second.error(await second.read('presence.watch'), 'unavailable', { retry_after_ms: 10 });
    second.ok(await second.read('presence.watch'), { states: [{ user: 'bob', status: 'available', in_call: false, devices: 1 }] });
    await until(() => told.length, 'that bob came');
    assert.deepEqual(told, [{ user: 'bob', status: 'available', inCall: false, devices: 1 }]);
  });
});

describe('blocks', () => {
  test('are set as a whole, and hide the user', async () => {
    const { me } = await watcher();
    const mallory = await watcher();
    assert.deepEqual(await me.blocked(), []);
    assert.equal(await me.setBlocked([mallory.me.user, 'eve']), undefined);
    assert.deepEqual(await me.blocked(), [mallory.me.user, 'eve'].sort());
    assert.deepEqual((await mallory.me.watch([me.user]))[0].status, 'offline');
    await me.setBlocked([]);
    await mallory.untilTold(({ status }) => status === 'available', 'that the block is gone');
    await me.close();
    await mallory.me.close();
  });

  test('of oneself are refused', async () => {
    const { me } = await watcher();
    await assert.rejects(me.setBlocked([me.user]), { name: 'SwitchboardError', code: 'bad_request' });
    await me.close();
  });
});

describe('push', () => {
  test('is not there yet, and says so', async () => {
    const { me } = await watcher();
    await assert.rejects(me.registerPush({ provider: 'fcm', token: 'secret-token' }), { code: 'unsupported' });
    await assert.rejects(me.unregisterPush(), { code: 'unsupported' });
    await me.close();
  });

  test('of a browser is Web Push', async () => {
    const { me, seen } = await watcher();
    const subscription = { endpoint: 'https://push.example.org/1', keys: { p256dh: 'p', auth: 'a' } };
    await assert.rejects(me.registerPush({ toJSON: () => subscription }), { code: 'unsupported' });
    const { provider, subscription: sent } = seen('out', 'push.register')[0];
    assert.deepEqual({ provider, sent }, { provider: 'webpush', sent: subscription });
    await me.close();
  });
});

test('ICE servers are given as the server has them', async () => {
  const { me } = await watcher();
  assert.deepEqual(await me.iceServers(), []);
  await me.close();
});
