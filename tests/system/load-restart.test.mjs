// Everything restarts under load, one after the other (promises 3, 5, 9): no call ends, no request stays without an answer, all see the same in the end.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startCluster } from '../support/cluster.mjs';
import { CALLS, gather } from '../support/crowd.mjs';
import { stretched, until } from '../support/wait.mjs';

/** What nodes give each other to be back before they take one for dead, and less (node/signaling/owner.c). */
const PATIENCE_MS = 3000;
/** Who is away for longer is lost, and rightly so: nobody shall be, however long the machine takes for a restart. */
const GRACE_MS = 120_000;

describe(`${4 * CALLS} clients on four nodes, all of which restart, and Redis too`, () => {
  let cluster;
  let crowd;
  before(async () => {
    cluster = await startCluster({ nodes: 4, settings: { 'grace-ms': GRACE_MS, 'drain-ms': 1500 }, redis: { appendOnly: true } });
  });
  after(() => {
    crowd?.leave();
    return cluster?.stop();
  });

  test('no call is lost, every request is answered, and all views are those of Redis', async (t) => {
    crowd = await gather(cluster, t);
    crowd.startLoad();
    await crowd.talked();
    for (const node of cluster.nodes) {
      const began = Date.now();
      await node.stop();
      const stopped = Date.now();
      await node.start();
      await crowd.connected();
      crowd.say(`node ${node.name} stopped within ${stopped - began} ms; it is ready again and everybody connected after ${Date.now() - began} ms`);
    }
    const began = Date.now();
    await cluster.redis.kill();
    await until(() => crowd.unavailable > 0, 'its absence to be noticed', stretched(20_000));
    await cluster.redis.start();
    const started = Date.now();
    await crowd.connected();
    for (const node of cluster.nodes) await node.untilReady();
    const took = Date.now() - started;
    crowd.say(`Redis was away for ${started - began} ms; all nodes are ready ${took} ms later`);
    await crowd.talked();
    await crowd.stopLoad();
    const closed = crowd.clients.flatMap(({ closes }) => closes.filter(([at]) => at >= began));
    if (took < PATIENCE_MS) assert.deepEqual(closed, [], 'sockets stay up while Redis is away');
    else crowd.say(`that was too late to ask it of all: ${closed.length} sockets were closed`);
    await crowd.checkSignals();
    crowd.checkSessions();
    await crowd.agree();
  });
});
