// A node's clock is wrong by an hour, and nothing changes (promise 6): what has to end ends when Redis's clock says so. The node's own clock is for tokens and
// logs.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fresh, join } from '../support/client.mjs';
import { startCluster } from '../support/cluster.mjs';
import { CALLS, gather } from '../support/crowd.mjs';
import { OFFER } from '../support/calls.mjs';
import { nowSeconds } from '../support/token.mjs';
import { stretched, unhurried, until } from '../support/wait.mjs';

const GRACE_MS = Math.max(stretched(5000), 10_000); // within which hundreds have to come back
const RING_MS = 5000;
const LOST = 10;
const RENEWALS = 2;
const LONG = stretched(60_000);
const HOUR_MS = 3_600_000;
const claims = { exp: nowSeconds() + 6 * 3600 };

/** Starts the node again with a clock of its own. libfaketime stands where Debian's package has it; ASan would rather be loaded before it. */
async function bendClock(node, offset) {
  await node.stop();
  node.env = { LD_PRELOAD: '/usr/$LIB/faketime/libfaketime.so.1', FAKETIME: offset, FAKETIME_DONT_FAKE_MONOTONIC: '1', ASAN_OPTIONS: 'detect_leaks=0:exitcode=99:verify_asan_link_order=0' };
  await node.start();
}

/** By how much its log is ahead of us. */
function aheadMs(node) {
  const last = node.output.match(/time=(\S+)/g).at(-1).slice('time='.length);
  return Date.parse(last) - Date.now();
}

for (const [offset, sign] of [['+1h', 1], ['-1h', -1]]) {
  describe(`a node whose clock is wrong by ${offset}`, () => {
    let cluster;
    let wrong;
    let crowd;
    before(async () => {
      cluster = await startCluster({ nodes: 4, settings: { 'grace-ms': GRACE_MS } });
      wrong = cluster.nodes[1];
      await bendClock(wrong, offset);
    });
    after(() => {
      crowd?.leave();
      return cluster?.stop();
    });

    test('has such a clock', () => {
      assert.ok(Math.abs(aheadMs(wrong) - sign * HOUR_MS) < HOUR_MS / 2, `its log is ${aheadMs(wrong)} ms ahead; is libfaketime installed?`);
    });

    test('keeps who comes back, and lets the others go when their grace time is over, not before', async (t) => {
      crowd = await gather(cluster, t, { calls: Math.ceil(CALLS / 5) });
      crowd.startLoad();
      await crowd.talked();
      const there = crowd.calls.map((call) => ({ call, lost: call.members.slice(1).find(({ node, up }) => up && node === wrong) }));
      const calls = there.filter(({ lost }) => lost).slice(0, LOST); // who had to come back meanwhile may be elsewhere
      assert.equal(calls.length, LOST);
      const others = crowd.calls.filter((call) => !calls.some((one) => one.call === call));
      for (const { call, lost } of calls) {
        crowd.settled.add(call);
        crowd.dead.add(lost.user);
      }
      await until(() => calls.every(({ call }) => !call.moving), 'nobody to be on the way in or out');
      const { resumes } = crowd;
      const cut = Date.now();
      for (const { lost } of calls) lost.quit();
      for (const { members } of others) members[1].cut();
      await until(() => crowd.resumes >= resumes + others.length, 'the others to come back', LONG);
      const left = ({ call, lost }) => call.members[0].heard.find((event) => event.type === 'call.left' && event.peer === lost.peer && event.at >= cut);
      await until(() => calls.every(left), 'those who do not come back to be gone', LONG);
      for (const one of calls) {
        assert.equal(left(one).reason, 'lost');
        assert.ok(left(one).at >= cut + GRACE_MS, `${one.lost.user} was let go ${left(one).at - cut} ms after its socket went`);
      }
      crowd.say(`${LOST} who do not come back are gone after ${Date.now() - cut} ms; the grace time is ${GRACE_MS} ms`);
      await crowd.stopLoad();
      await crowd.checkSignals();
      crowd.checkSessions();
      await crowd.agree();
    });

    test('lets rings and offers end in time, and tells times as Redis has them', () => unhurried(async (pace) => {
      const ms = RING_MS * pace;
      const [alice, bob] = [await join(wrong, fresh('alice'), { claims }), await join(cluster.nodes[0], fresh('bob'), { claims })];
      const began = Date.now();
      const [{ call }, offer] = await Promise.all([
        alice.request('call.start', { to: [bob.user], ring_ms: ms }),
        alice.request('offer.post', { offer: OFFER, ttl_ms: ms }),
      ]);
      const answered = Date.now();
      const incoming = await bob.expect('call.incoming');
      const isBetween = (at, first, last) => assert.ok(at >= first && at <= last, `${at} is not between ${first} and ${last}`);
      isBetween(incoming.expires_ms, began + ms, answered + ms);
      isBetween((await alice.request('call.get', { call })).created_ms, began, answered);
      assert.equal((await bob.expect('call.cancelled', undefined, LONG)).reason, 'timeout');
      assert.equal((await alice.expect('call.ended', (event) => event.call === call, LONG)).reason, 'timeout');
      assert.equal((await alice.expect('call.ended', (event) => event.call === offer.call, LONG)).reason, 'expired');
      assert.ok(Date.now() >= began + ms, 'not before their time');
      await Promise.all([alice.close(), bob.close()]);
    }));

    // A busy machine may keep a node from its renewals once; a wrong clock would do it each time.
    test('is taken for dead by nobody', async () => {
      const lapses = () => cluster.nodes.map(({ output }) => output.split('lease.lapsed').length - 1);
      const renewals = async (node) => Number(/script="lease_renew"\} (\d+)/.exec((await node.get('/metrics')).text)?.[1]);
      const renewed = async (node) => {
        const from = await renewals(node);
        await until(async () => (await renewals(node)) >= from + RENEWALS, `node ${node.name} to renew its lease`);
      };
      const isWell = async () => {
        const before = lapses();
        await Promise.all(cluster.nodes.map(renewed));
        return lapses().join() === before.join();
      };
      await until(isWell, () => `no lease to lapse any more; so often they did: ${lapses()}`, LONG);
    });
  });
}
