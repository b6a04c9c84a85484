// Every node dies at once (promises 3, 4, 6): Redis keeps what was, and the first node that comes back does what was due meanwhile.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { OFFER, pair } from '../support/calls.mjs';
import { fresh, join } from '../support/client.mjs';
import { startCluster } from '../support/cluster.mjs';
import { stretched, until } from '../support/wait.mjs';

const LONG = stretched(20_000);
const TTL_MS = 1000;

/** All nodes are killed, and one starts again once so much time has gone by at Redis. */
async function blackout({ nodes, redis }, ms) {
  const now = async () => Number((await redis.command('TIME'))[0]) * 1000;
  await Promise.all(nodes.map((node) => node.kill()));
  const killed = await now();
  await until(async () => (await now()) > killed + ms, 'time to go by', LONG);
  await nodes[0].start();
}

describe('when every node dies', () => {
  let cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 2, settings: { 'grace-ms': stretched(60_000) } });
  });
  after(() => cluster?.stop());

  test('whoever comes back within the grace time has missed nothing, and what was due meanwhile is done', async () => {
    const [alice, bob] = [await join(cluster.nodes[0], fresh('alice')), await join(cluster.nodes[1], fresh('bob'))];
    const call = await pair(alice, bob);
    const posted = await alice.request('offer.post', { offer: OFFER, ttl_ms: TTL_MS });
    await bob.drop();
    await alice.expect('call.suspended');
    await alice.request('signal', { call, to: 2, data: 'before the dark' });
    await blackout(cluster, TTL_MS);

    assert.equal((await alice.resume(cluster.nodes[0])).resumed, true);
    assert.equal((await bob.resume(cluster.nodes[0])).resumed, true);
    assert.equal((await bob.expect('signal')).data, 'before the dark');
    assert.equal((await alice.expect('call.ended', (event) => event.call === posted.call, LONG)).reason, 'expired');
    await bob.request('signal', { call, to: 1, data: 'after it' });
    assert.equal((await alice.expect('signal')).data, 'after it');
    assert.equal((await alice.request('call.get', { call })).state, 'active');
    await cluster.nodes[1].start();
    await Promise.all([alice.close(), bob.close()]);
  });
});

describe('when every node is dead for longer than the grace time', () => {
  const GRACE_MS = 1000;
  let cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 2, settings: { 'grace-ms': GRACE_MS } });
  });
  after(() => cluster?.stop());

  test('the first that comes back ends what is left of their sessions and calls', async () => {
    const [alice, bob] = [await join(cluster.nodes[0], fresh('alice')), await join(cluster.nodes[1], fresh('bob'))];
    const call = await pair(alice, bob);
    await blackout(cluster, GRACE_MS);
    for (const { session } of [alice, bob]) await until(async () => (await cluster.redis.command('KEYS', `*:${session}*`)).length === 0, 'the session to be forgotten', LONG);
    assert.equal((await alice.resume(cluster.nodes[0])).resumed, false);
    await alice.refused('call.get', { call }, 'not_found');
    await cluster.nodes[1].start();
    await alice.close();
  });
});
