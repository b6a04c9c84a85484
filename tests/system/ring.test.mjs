// Ringing people: all devices of a user ring, one answers, whichever node they are at.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ANSWER, OFFER } from '../support/calls.mjs';
import { join } from '../support/client.mjs';
import { startCluster } from '../support/cluster.mjs';

const CANDIDATES = ['candidate:1 1 udp 2122260223 192.0.2.7 50123 typ host', 'candidate:2 1 udp 2122260223 192.0.2.8 50124 typ host'];

describe('ringing', () => {
  let cluster;
  let nodes;
  let clients = [];
  const come = async (node, user, options) => {
    const client = await join(nodes[node], user, options);
    clients.push(client);
    return client;
  };
  before(async () => {
    cluster = await startCluster({ nodes: 2 });
    nodes = cluster.nodes;
  });
  after(() => cluster.stop());
  const story = (name, play) =>
    it(name, async () => {
      clients = [];
      try {
        await play();
        for (const client of clients) if (client.open) await client.settle();
      } finally {
        for (const client of clients) {
          if (client.open) await client.request('bye').catch(() => {});
          await client.close().catch(() => {});
        }
      }
    });

  story('a callee is rung with the offer, and the answer goes to the caller with call.joined', async () => {
    const alice = await come(0, 'alice', { claims: { name: 'Alice' } });
    const bob = await come(1, 'bob');
    const meta = { topic: 'lunch' };
    const started = await alice.request('call.start', { to: ['bob'], offer: OFFER, candidates: CANDIDATES, meta });
    assert.deepEqual([started.peer, started.reach], [1, { bob: 'ringing' }]);
    const incoming = await bob.expect('call.incoming');
    const { seq, version, expires_ms: expires, ...rest } = incoming;
    assert.deepEqual(rest, {
      type: 'call.incoming', call: started.call, from: 'alice', name: 'Alice', offer: OFFER, seats: 2, meta, in_call: false,
      members: [{ peer: 1, user: 'alice', device: 'phone', name: 'Alice', state: 'here' }],
    });
    assert.ok(expires > Date.now() - 5000 && expires < Date.now() + 120_000, String(expires));
    await bob.request('call.alert', { call: started.call });
    assert.equal((await alice.expect('call.ringing')).user, 'bob');
    await alice.request('signal', { call: started.call, to: 0, candidates: ['candidate:3 1 udp 1 192.0.2.9 50125 typ host'] });
    const accepted = await bob.request('call.accept', { call: started.call, answer: ANSWER });
    assert.deepEqual([accepted.peer, accepted.members.length, accepted.offer, accepted.candidates.length], [2, 2, OFFER, 3]);
    const joined = await alice.expect('call.joined');
    assert.deepEqual([joined.peer, joined.user, joined.answer], [2, 'bob', ANSWER]);
    await alice.request('signal', { call: started.call, to: 0, candidates: CANDIDATES });
    await bob.expect('signal');
    await bob.request('signal', { call: started.call, to: 1, data: 'hi' });
    await alice.expect('signal');
    await bob.request('call.leave', { call: started.call });
    await alice.expect('call.left', (event) => event.reason === 'hangup');
    await alice.expect('call.ended', (event) => event.reason === 'hangup');
    await alice.quiet();
    await bob.quiet();
  });

  story('of all devices that ring one answers, and the others hear answered_elsewhere', async () => {
    const alice = await come(0, 'alice');
    const bobs = await Promise.all(['phone', 'laptop', 'tablet'].map((device, i) => come(i % 2, 'bob', { device })));
    const { call } = await alice.request('call.start', { to: ['bob'], offer: OFFER });
    for (const bob of bobs) await bob.expect('call.incoming');
    const replies = await Promise.all(bobs.map((bob) => bob.ask('call.accept', { call, answer: ANSWER })));
    assert.deepEqual(replies.map((reply) => reply.code ?? 'ok').sort(), ['gone', 'gone', 'ok']);
    for (const [i, bob] of bobs.entries()) {
      if (replies[i].type === 'ok') await bob.quiet();
      else assert.equal((await bob.expect('call.cancelled')).reason, 'answered_elsewhere');
    }
    await alice.expect('call.joined');
    await alice.quiet();
  });

  story('a rejection stops all devices and ends the call', async () => {
    const alice = await come(0, 'alice');
    const phone = await come(1, 'bob');
    const laptop = await come(0, 'bob', { device: 'laptop' });
    const { call } = await alice.request('call.start', { to: ['bob'] });
    await phone.expect('call.incoming');
    await laptop.expect('call.incoming');
    await phone.request('call.reject', { call, reason: 'busy' });
    assert.equal((await laptop.expect('call.cancelled')).reason, 'rejected_elsewhere');
    assert.deepEqual((({ user, reason }) => [user, reason])(await alice.expect('call.rejected')), ['bob', 'busy']);
    assert.equal((await alice.expect('call.ended')).reason, 'busy');
    await phone.quiet();
    await laptop.refused('call.accept', { call }, 'gone');
    await laptop.refused('call.reject', { call }, 'gone');
    await laptop.refused('call.alert', { call }, 'gone');
  });

  story('the caller hangs up: the devices stop ringing', async () => {
    const alice = await come(0, 'alice');
    const bob = await come(1, 'bob');
    for (const type of ['call.leave', 'call.cancel']) {
      const { call } = await alice.request('call.start', { to: ['bob'] });
      await bob.expect('call.incoming');
      await alice.request(type, { call });
      assert.equal((await bob.expect('call.cancelled', (event) => event.call === call)).reason, 'cancelled');
      await bob.refused('call.accept', { call }, 'gone');
      await alice.quiet();
    }
  });

  story('nobody answers: the ring times out', async () => {
    const alice = await come(0, 'alice');
    const bob = await come(1, 'bob');
    const { call } = await alice.request('call.start', { to: ['bob'], ring_ms: 5000 });
    await bob.expect('call.incoming');
    assert.equal((await bob.expect('call.cancelled')).reason, 'timeout');
    assert.equal((await alice.expect('call.rejected')).reason, 'timeout');
    assert.equal((await alice.expect('call.ended')).reason, 'timeout');
    await bob.refused('call.accept', { call }, 'gone');
  });

  story('a device that comes during the ring finds it in pending, with the offer and early candidates', async () => {
    const alice = await come(0, 'alice');
    await alice.refused('call.start', { to: ['bob'], offer: OFFER }, 'unreachable');
    const started = await alice.request('call.start', { to: ['bob'], offer: OFFER, candidates: CANDIDATES.slice(0, 1), wait: true });
    assert.deepEqual(started.reach, { bob: 'waiting' });
    await alice.request('signal', { call: started.call, to: 0, candidates: CANDIDATES.slice(1) });
    const bob = await come(1, 'bob');
    const [pending] = bob.welcome.pending;
    assert.deepEqual([pending.type, pending.call, pending.from, pending.offer, pending.candidates, pending.in_call],
      ['call.incoming', started.call, 'alice', OFFER, CANDIDATES, false]);
    const late = await come(0, 'bob', { device: 'laptop' });
    assert.equal(late.welcome.pending.length, 1);
    await bob.request('call.accept', { call: started.call, answer: ANSWER });
    assert.equal((await late.expect('call.cancelled')).reason, 'answered_elsewhere');
    await alice.expect('call.joined');
    const later = await come(0, 'bob', { device: 'tablet' });
    assert.deepEqual(later.welcome.pending, []);
  });

  story('a third, fourth and fifth are invited into a running call, and rings count as seats', async () => {
    const people = [];
    for (const [i, user] of ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'].entries()) people.push(await come(i % 2, user));
    const [alice, bob, carol] = people;
    const { call } = await alice.request('call.start', { to: ['bob'], seats: 5 });
    await bob.expect('call.incoming');
    await bob.request('call.accept', { call });
    await alice.expect('call.joined');
    assert.deepEqual((await bob.request('call.invite', { call, to: 'carol' })).reach, { carol: 'ringing' });
    assert.deepEqual((({ user, from }) => [user, from])(await alice.expect('call.invited')), ['carol', 'bob']);
    await carol.expect('call.incoming', (event) => event.from === 'bob' && event.members.length === 2);
    assert.deepEqual((await carol.request('call.get', { call })).ringing, ['carol']);
    await alice.refused('call.invite', { call, to: 'carol' }, 'conflict');
    await alice.refused('call.invite', { call, to: 'bob' }, 'conflict');
    await alice.refused('call.invite', { call, to: 'nobody' }, 'unreachable');
    await alice.request('call.invite', { call, to: 'dave' });
    await alice.request('call.invite', { call, to: 'erin' });
    await alice.refused('call.invite', { call, to: 'frank' }, 'call_full');
    for (const one of people.slice(2, 5)) await one.request('call.accept', { call });
    await alice.expectMany('call.joined', 3);
    const { members, state } = await alice.request('call.get', { call });
    assert.deepEqual([members.map((member) => member.user), state], [['alice', 'bob', 'carol', 'dave', 'erin'], 'active']);
    await carol.request('call.leave', { call });
    await carol.request('call.join', { call });
    for (const client of people) client.events = [];
  });

  story('a user who sits in a call elsewhere is rung with in_call', async () => {
    const alice = await come(0, 'alice');
    const bob = await come(1, 'bob');
    const tablet = await come(0, 'bob', { device: 'tablet' });
    const { call } = await bob.request('call.start', { to: [], allow: 'anyone' });
    await alice.request('call.start', { to: ['bob'] });
    assert.equal((await bob.expect('call.incoming')).in_call, true);
    assert.equal((await tablet.expect('call.incoming')).in_call, true);
    assert.equal((await come(1, 'bob', { device: 'watch' })).welcome.pending[0].in_call, true);
    await bob.request('call.leave', { call });
  });

  story('one invitation is taken back, the others ring on', async () => {
    const alice = await come(0, 'alice');
    const bob = await come(1, 'bob');
    const carol = await come(0, 'carol');
    const { call } = await alice.request('call.start', { to: ['bob', 'carol'] });
    await bob.expect('call.incoming');
    await carol.expect('call.incoming');
    await alice.request('call.cancel', { call, to: 'bob' });
    await bob.expect('call.cancelled', (event) => event.reason === 'cancelled');
    assert.deepEqual((await alice.request('call.get', { call })).ringing, ['carol']);
    await carol.request('call.reject', { call });
    await alice.expect('call.rejected', (event) => event.user === 'carol');
    await alice.expect('call.ended', (event) => event.reason === 'rejected');
  });

  story('crossing calls become one', async () => {
    const alice = await come(0, 'alice');
    const bob = await come(1, 'bob');
    const [a, b] = await Promise.all([
      alice.request('call.start', { to: ['bob'], offer: OFFER }),
      bob.request('call.start', { to: ['alice'], offer: OFFER }),
    ]);
    assert.equal(a.call, b.call);
    const [first, second, winner, loser] = a.glare ? [b, a, bob, alice] : [a, b, alice, bob];
    assert.deepEqual([first.glare, second.glare, first.peer, second.peer, second.offer], [undefined, true, 1, 2, OFFER]);
    await winner.expect('call.joined');
    await winner.quiet();
    await loser.request('signal', { call: a.call, to: 1, description: { type: 'answer', sdp: ANSWER } });
    await winner.expect('signal');
    const events = loser.events.map((event) => event.type);
    assert.ok(events.every((type) => ['call.incoming'].includes(type)), events.join());
    loser.events = [];
    assert.equal((await alice.request('call.get', { call: a.call })).state, 'active');
  });
});
