// A node dies under load (promises 3, 4, 5): whoever comes back has missed nothing, whoever does not is gone, and all the others know.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startCluster } from '../support/cluster.mjs';
import { CALLS, gather } from '../support/crowd.mjs';
import { stretched, until } from '../support/wait.mjs';

const LOST = 50;
const GRACE_MS = 9000; // above the lease of six seconds, so that the owner of a partition decides it, not the sweep alone
const LONG = stretched(60_000);

describe(`${4 * CALLS} clients on four nodes, one of which is killed`, () => {
  let cluster;
  let crowd;
  before(async () => {
    cluster = await startCluster({ nodes: 4, settings: { 'grace-ms': stretched(GRACE_MS) } });
  });
  after(() => {
    crowd?.leave();
    return cluster?.stop();
  });

  test(`all resume elsewhere and miss nothing; the seats of ${LOST} who do not are free after the grace time, and the others were told`, async (t) => {
    crowd = await gather(cluster, t);
    const doomed = cluster.nodes[1];
    crowd.startLoad();
    await crowd.talked();

    // One member of each of these calls goes with the node.
    const there = crowd.calls.map((call) => ({ call, lost: call.members.find(({ node }) => node === doomed) }));
    const bereft = there.filter(({ lost }) => lost).slice(0, LOST); // who had to come back meanwhile may be elsewhere
    assert.equal(bereft.length, LOST);
    for (const { call, lost } of bereft) {
      crowd.settled.add(call);
      crowd.dead.add(lost.user);
    }
    await until(() => bereft.every(({ call }) => call.members.every(({ moving }) => !moving)), 'nobody to be on the way in or out');
    const theirs = crowd.clients.filter(({ node }) => node === doomed);
    const killed = Date.now();
    for (const { lost } of bereft) lost.seat = lost.peer;
    const death = doomed.kill();
    for (const { lost } of bereft) lost.quit();
    await death;
    await until(() => theirs.every(({ gone, node, up }) => gone || (up && node !== doomed)), 'all of the dead node to be back', LONG);
    crowd.say(`${theirs.length - LOST} clients of the dead node are back after ${Date.now() - killed} ms`);

    const heard = (one, type, peer) => one.heard.find((event) => event.type === type && event.peer === peer && event.at >= killed);
    const told = ({ call, lost }) => call.members.filter((one) => one !== lost).every((one) => heard(one, 'call.left', lost.seat));
    await until(() => bereft.every(told), () => `the others to hear that ${LOST} are gone; ${bereft.filter((one) => !told(one)).length} calls have not`, LONG);
    crowd.say(`${LOST} who do not come back are gone after ${Date.now() - killed} ms; the grace time is ${stretched(GRACE_MS)} ms`);
    for (const { call, lost } of bereft) {
      for (const one of call.members.filter((member) => member !== lost)) {
        const [suspended, left] = [heard(one, 'call.suspended', lost.seat), heard(one, 'call.left', lost.seat)];
        assert.ok(suspended && suspended.version < left.version, `${one.user} heard first that ${lost.user} is suspended`);
        assert.equal(left.reason, 'lost');
      }
    }
    await crowd.stopLoad();
    await crowd.checkSignals();
    crowd.checkSessions();
    await crowd.agree();
    const sessions = async () => (await cluster.redis.command('KEYS', '*:session:*')).map((key) => key.split(':')[2]).sort();
    const living = crowd.alive.map(({ session }) => session).sort();
    await until(async () => (await sessions()).join() === living.join(), 'Redis to forget the lost sessions, and no other', LONG);
  });
});
