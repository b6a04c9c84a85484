// Redis is emptied under load (promise 9): the nodes put back what they know, everybody sits where they sat, and all see the same again.
import { after, before, describe, test } from 'node:test';
import { startCluster } from '../support/cluster.mjs';
import { CALLS, gather } from '../support/crowd.mjs';
import { stretched } from '../support/wait.mjs';

/** Who is not put back within it is lost, and rightly so: nobody shall be, however slow the machine. */
const GRACE_MS = 120_000;
const LONG = stretched(60_000); // it should take no longer than 10 s, which is printed: a busy machine is no failure

describe(`${4 * CALLS} clients on four nodes, and a Redis that forgets everything`, () => {
  let cluster;
  let crowd;
  before(async () => {
    cluster = await startCluster({ nodes: 4, settings: { 'grace-ms': GRACE_MS } });
  });
  after(() => {
    crowd?.leave();
    return cluster?.stop();
  });

  test('all are seated again as they were, all views agree, and signals flow as before', async (t) => {
    crowd = await gather(cluster, t, { moves: false });
    crowd.startLoad();
    await crowd.talked();
    const emptied = Date.now();
    await cluster.redis.command('FLUSHALL');
    await crowd.agree(LONG);
    crowd.say(`everybody sits and sees as before ${Date.now() - emptied} ms after Redis was emptied`);
    crowd.checkSessions();
    for (const node of cluster.nodes) await node.untilReady();

    crowd.forgive();
    await crowd.talked();
    await crowd.stopLoad();
    await crowd.checkSignals();
    await crowd.agree();
  });
});
