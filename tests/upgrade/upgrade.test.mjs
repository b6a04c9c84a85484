// A rolling upgrade: nodes of the version before this one (tests/data/previous-version) and of this one on one Redis, while one after the other is replaced;
// forth, and back again, as after an upgrade that one regrets. What is promised of it stands in docs/guarantees.md.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ANSWER, OFFER, pair } from '../support/calls.mjs';
import { fresh, join } from '../support/client.mjs';
import { BINARY, startCluster } from '../support/cluster.mjs';
import { gather } from '../support/crowd.mjs';
import { stretched } from '../support/wait.mjs';

const CALLS = 40;

/** The version before, or why it can't be had. */
function previous() {
  try {
    return { binary: execFileSync(fileURLToPath(new URL('../support/previous', import.meta.url)), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim() };
  } catch (error) {
    if (error.status !== 3) throw new Error(`the version before did not build: ${error.stderr}`);
    return { why: 'this checkout has no history to take the version before from' };
  }
}
const { binary: PREVIOUS, why } = previous();

/** The node ends in order, and begins anew as another version. */
async function replace(node, binary) {
  await node.stop();
  node.checkLog();
  node.binary = binary;
  await node.start();
}

const suite = (name, body) => (PREVIOUS ? describe(name, body) : test(name, { skip: why }));

suite('a node of this version and one of the version before', () => {
  let cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 2 });
    await replace(cluster.nodes[1], PREVIOUS);
  });
  after(() => cluster?.stop());

  /** One test for each direction. */
  function both(name, body) {
    test(`${name}, the newer one first`, () => body(...cluster.nodes));
    test(`${name}, the older one first`, () => body(...[...cluster.nodes].reverse()));
  }
  const people = async (near, far) => [await join(near, fresh('alice')), await join(far, fresh('bob'))];
  const close = (...all) => Promise.all(all.map((one) => one.close()));

  both('ring each other, answer and talk', async (near, far) => {
    const [alice, bob] = await people(near, far);
    const { call } = await alice.request('call.start', { to: [bob.user], offer: OFFER });
    await bob.expect('call.incoming');
    await bob.request('call.alert', { call });
    await alice.expect('call.ringing');
    await bob.request('call.accept', { call, answer: ANSWER });
    assert.equal((await alice.expect('call.joined')).answer, ANSWER);
    for (let i = 0; i < 20; i += 1) await alice.request('signal', { call, to: 2, data: i });
    for (let i = 0; i < 20; i += 1) assert.equal((await bob.expect('signal')).data, i);
    await bob.request('call.leave', { call });
    await alice.expect('call.ended');
    await close(alice, bob);
  });

  both('resume each other’s sessions', async (near, far) => {
    const [alice, bob] = await people(near, far);
    const call = await pair(alice, bob);
    await alice.drop();
    await bob.expect('call.suspended');
    await bob.request('signal', { call, to: 1, data: 'while you were away' });
    assert.equal((await alice.resume(far)).resumed, true);
    assert.equal((await alice.expect('signal')).data, 'while you were away');
    await bob.expect('call.resumed');
    await close(alice, bob);
  });

  both('cross', async (near, far) => {
    const [alice, bob] = await people(near, far);
    const [a, b] = await Promise.all([alice.request('call.start', { to: [bob.user] }), bob.request('call.start', { to: [alice.user] })]);
    assert.equal(a.call, b.call);
    assert.deepEqual([a.glare ?? false, b.glare ?? false].sort(), [false, true]);
    await close(alice, bob);
  });

  both('see who is there, and who has blocked them', async (near, far) => {
    const [alice, bob] = await people(near, far);
    await alice.request('presence.watch', { users: [bob.user] });
    await bob.request('presence.set', { status: 'dnd' });
    assert.equal((await alice.expect('presence')).status, 'dnd');
    await bob.request('block.set', { users: [alice.user] });
    assert.equal((await alice.expect('presence')).status, 'offline');
    await alice.refused('call.start', { to: [bob.user] }, 'unreachable');
    await close(alice, bob);
  });

  both('hand over offers', async (near, far) => {
    const [alice, bob] = await people(near, far);
    const { call } = await alice.request('offer.post', { offer: OFFER, candidates: ['candidate:1 1 udp 2122260223 192.0.2.7 50123 typ host'] });
    const taken = await bob.request('offer.take', { call });
    assert.deepEqual([taken.offer, taken.candidates.length], [OFFER, 1]);
    await alice.expect('call.joined');
    await close(alice, bob);
  });
});

suite(`${4 * CALLS} clients while every node is upgraded, and taken back`, () => {
  let cluster;
  let crowd;
  before(async () => {
    cluster = await startCluster({ nodes: 3, settings: { 'grace-ms': stretched(20_000), 'drain-ms': 1000 } });
    for (const node of cluster.nodes) await replace(node, PREVIOUS);
  });
  after(() => {
    crowd?.leave();
    return cluster?.stop();
  });

  test('no call is lost, and no request is without an answer', async (t) => {
    crowd = await gather(cluster, t, { calls: CALLS });
    crowd.startLoad();
    await crowd.talked();
    for (const [what, binary] of [['upgraded', BINARY], ['taken back', PREVIOUS], ['upgraded once more', BINARY]]) {
      for (const node of cluster.nodes) {
        await replace(node, binary);
        await crowd.connected();
      }
      await crowd.talked();
      crowd.say(`every node is ${what}`);
    }
    await crowd.stopLoad();
    await crowd.checkSignals();
    crowd.checkSessions();
    await crowd.agree();
  });
});
