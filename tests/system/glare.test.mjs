// Crossing calls: two who call each other at the same moment get one call, whichever nodes they are at, and whatever crosses as well.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { OFFER } from '../support/calls.mjs';
import { fresh, join } from '../support/client.mjs';
import { startCluster } from '../support/cluster.mjs';

const PAIRS = 500;
const AT_ONCE = 50; // pairs under way at one time

let cluster;
let nodes;
before(async () => {
  cluster = await startCluster({ nodes: 4 });
  nodes = cluster.nodes;
});
after(() => cluster?.stop());

/** Two people on nodes that differ from pair to pair, each with as many devices as are named. */
async function couple(i, { phones = ['phone'] } = {}) {
  const [a, b] = [fresh('a'), fresh('b')];
  const at = (n) => nodes[n % nodes.length];
  const alice = await join(at(i), a);
  const bobs = await Promise.all(phones.map((device, n) => join(at(i * 3 + n + (i >> 2)), b, { device })));
  return { alice, bob: bobs[0], bobs };
}

const start = (client, other, fields = {}) => client.ask('call.start', { to: [other.user], offer: OFFER, ...fields });

async function leave(...clients) {
  await Promise.all(clients.map((client) => client.request('bye').catch(() => {})));
  await Promise.all(clients.map((client) => client.close()));
}

/** The calls that stand for one of them, as Redis's members have it. */
async function seatedIn(...clients) {
  const calls = new Set();
  for (const client of clients) {
    const fields = await cluster.redis.command('HKEYS', `{${client.session.slice(0, 2)}}:session:${client.session}`);
    for (const field of fields) if (field.startsWith('in:')) calls.add(field.slice(3));
  }
  return [...calls];
}

async function inBatches(count, play) {
  for (let done = 0; done < count; done += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - done) }, (_, i) => play(done + i)));
    if (process.stdout.isTTY) process.stdout.write(`\r${done + AT_ONCE} of ${count} pairs`);
  }
}

describe('crossing calls', () => {
  test(`${PAIRS} pairs over four nodes make ${PAIRS} calls, all active`, async () => {
    const calls = new Set();
    await inBatches(PAIRS, async (i) => {
      const { alice, bob } = await couple(i);
      const replies = await Promise.all(i % 2 ? [start(alice, bob), start(bob, alice)] : [start(bob, alice), start(alice, bob)]);
      assert.deepEqual(replies.map((reply) => reply.type), ['ok', 'ok'], JSON.stringify(replies));
      assert.equal(replies[0].call, replies[1].call);
      assert.equal(replies.filter((reply) => reply.glare).length, 1);
      const { state, members } = await alice.request('call.get', { call: replies[0].call });
      assert.deepEqual([state, members.map((member) => member.user).sort()], ['active', [alice.user, bob.user].sort()]);
      assert.deepEqual(await seatedIn(alice, bob), [replies[0].call]);
      calls.add(replies[0].call);
      await leave(alice, bob);
    });
    assert.equal(calls.size, PAIRS);
  });

  test('the answer of the one whose request crossed is that of the early offer', async () => {
    const { alice, bob } = await couple(1);
    const { call } = await alice.request('call.start', { to: [bob.user], offer: OFFER, candidates: ['candidate:1 1 udp 1 192.0.2.7 5 typ host'] });
    const crossed = await bob.request('call.start', { to: [alice.user], offer: OFFER });
    assert.deepEqual([crossed.call, crossed.peer, crossed.glare, crossed.offer, crossed.candidates.length], [call, 2, true, OFFER, 1]);
    assert.equal((await alice.expect('call.joined')).peer, 2);
    await bob.request('signal', { call, to: 1, description: { type: 'answer', sdp: OFFER } });
    await alice.expect('signal');
    await leave(alice, bob);
  });

  test('sent again after a resume, the crossing request gets the same answer', async () => {
    const { alice, bob } = await couple(2);
    const { call } = await alice.request('call.start', { to: [bob.user], offer: OFFER });
    const id = bob.lastId + 1;
    const first = await bob.ask('call.start', { to: [alice.user], offer: OFFER }, id);
    await bob.drop();
    await bob.resume(nodes[3]);
    const again = await bob.ask('call.start', { to: [alice.user], offer: OFFER }, id);
    assert.deepEqual(again, first);
    assert.equal(first.call, call);
    await leave(alice, bob);
  });

  test('sent again when that call is over and the answer was lost, it is gone, and no call is left', async () => {
    for (const over of [false, true]) {
      const { alice, bob } = await couple(over ? 6 : 7);
      const { call } = await alice.request('call.start', { to: [bob.user], offer: OFFER });
      const first = await start(bob, alice);
      assert.equal(first.call, call);
      await bob.drop();
      await cluster.redis.command('DEL', `{${bob.session.slice(0, 2)}}:replies:${bob.session}`, `{${bob.session.slice(0, 2)}}:pair:${alice.user},${bob.user}`,
        `{${alice.session.slice(0, 2)}}:pair:${alice.user},${bob.user}`);
      if (over) await alice.request('call.leave', { call });
      await bob.resume(nodes[3]);
      const again = await bob.ask('call.start', { to: [alice.user], offer: OFFER }, first.id);
      if (over) assert.equal(again.code, 'gone', JSON.stringify(again));
      else assert.deepEqual([again.call, again.glare, again.peer, again.offer], [call, true, 2, OFFER]);
      assert.deepEqual(await seatedIn(alice, bob), over ? [] : [call]);
      await leave(alice, bob);
    }
  });

  test('a hang-up that crosses as well leaves one call or none of the two, and never two', async () => {
    await inBatches(AT_ONCE, async (i) => {
      const { alice, bob } = await couple(i);
      const first = await alice.request('call.start', { to: [bob.user], offer: OFFER });
      const [, second] = await Promise.all([alice.ask('call.leave', { call: first.call }), start(bob, alice)]);
      assert.equal(second.type, 'ok', JSON.stringify(second));
      if (second.glare) {
        await bob.expect('call.ended', (event) => event.call === first.call && event.reason === 'hangup');
        assert.deepEqual(await seatedIn(alice, bob), []);
      } else {
        await alice.expect('call.incoming', (event) => event.call === second.call);
        assert.deepEqual(await seatedIn(alice, bob), [second.call]);
      }
      await leave(alice, bob);
    });
  });

  test('a rejection that crosses as well leaves one call', async () => {
    await inBatches(AT_ONCE, async (i) => {
      const { alice, bob, bobs } = await couple(i, { phones: ['phone', 'tablet'] });
      const first = await alice.request('call.start', { to: [bob.user], offer: OFFER });
      const [second, rejected] = await Promise.all([start(bob, alice), bobs[1].ask('call.reject', { call: first.call })]);
      assert.equal(second.type, 'ok', JSON.stringify(second));
      assert.equal(Boolean(second.glare), rejected.type === 'error', 'one of the two was first');
      assert.deepEqual(await seatedIn(alice, bob), [second.call]);
      await leave(alice, ...bobs);
    });
  });

  test('a third device that answers as well leaves one call, with one of the two devices in it', async () => {
    await inBatches(AT_ONCE, async (i) => {
      const { alice, bob, bobs } = await couple(i, { phones: ['phone', 'tablet'] });
      const first = await alice.request('call.start', { to: [bob.user], offer: OFFER });
      const [second, accepted] = await Promise.all([start(bob, alice), bobs[1].ask('call.accept', { call: first.call })]);
      assert.deepEqual([second.type, accepted.type].sort(), ['error', 'ok'], JSON.stringify([second, accepted]));
      for (const reply of [second, accepted]) if (reply.type === 'error') assert.equal(reply.code, 'gone');
      assert.deepEqual(await seatedIn(alice, ...bobs), [first.call]);
      const { members } = await alice.request('call.get', { call: first.call });
      assert.equal(members.length, 2);
      await leave(alice, ...bobs);
    });
  });

  test('where one of the two wants relay privacy, the call has it', async () => {
    const { alice, bob } = await couple(3);
    const host = 'candidate:1 1 udp 2122260223 192.0.2.7 50123 typ host';
    const relayed = 'candidate:2 1 udp 1 198.51.100.1 5 typ relay raddr 192.0.2.7 rport 5';
    const offer = OFFER.replace(/^c=.*$/m, `c=IN IP4 192.0.2.7\r\na=${host}`);
    const { call } = await alice.request('call.start', { to: [bob.user], offer: { type: 'offer', sdp: offer }, candidates: [host, { candidate: relayed, sdpMid: '0' }, null] });
    const crossed = await bob.request('call.start', { to: [alice.user], privacy: 'relay' });
    assert.equal(crossed.call, call);
    assert.equal((await alice.request('call.get', { call })).privacy, 'relay');
    assert.match(crossed.offer.sdp, /^c=IN IP4 0\.0\.0\.0/m);
    assert.deepEqual(crossed.candidates, [{ candidate: relayed.replace('192.0.2.7 rport 5', '0.0.0.0 rport 0'), sdpMid: '0' }, null]);
    for (const type of ['call.accept', 'offer.take']) {
      assert.deepEqual((({ offer, candidates }) => ({ offer, candidates }))(await bob.request(type, { call })), { offer: crossed.offer, candidates: crossed.candidates });
    }
    assert.doesNotMatch(JSON.stringify(crossed), /192\.0\.2\.7/);
    await bob.request('signal', { call, to: 1, candidates: ['candidate:1 1 udp 1 192.0.2.7 5 typ host'] });
    assert.deepEqual((await alice.expect('signal')).candidates, []);
    await leave(alice, bob);
  });

  test('a later call to the one whom one talks to already is a call of its own', async () => {
    const { alice, bob } = await couple(5);
    const { call } = await alice.request('call.start', { to: [bob.user] });
    assert.equal((await bob.request('call.start', { to: [alice.user] })).call, call);
    const again = await bob.request('call.start', { to: [alice.user] });
    assert.deepEqual([again.glare, again.call === call], [undefined, false]);
    await alice.expect('call.incoming', (event) => event.call === again.call && event.in_call);
    await leave(alice, bob);
  });

  test('calls for more than the two do not cross', async () => {
    const { alice, bob } = await couple(4);
    const carol = await join(nodes[0], fresh('c'));
    const first = await alice.request('call.start', { to: [bob.user, carol.user] });
    const second = await bob.request('call.start', { to: [alice.user] });
    assert.notEqual(second.call, first.call);
    await leave(alice, bob, carol);
  });
});
