// Ringing people: all devices of a user ring, one answers, whichever node they are at.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ANSWER, OFFER } from '../support/calls.mjs';
import { join } from '../support/client.mjs';
import { startCluster } from '../support/cluster.mjs';
import { stretched, until } from '../support/wait.mjs';

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
  /** As if its node had died before it kept the answers: the client comes back elsewhere. */
  const loseAnswers = async (client, node) => {
    await client.drop();
    await cluster.redis.command('DEL', `{${client.session.slice(0, 2)}}:replies:${client.session}`);
    await client.resume(nodes[node]);
  };
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
      if (type === 'call.cancel') await alice.expect('call.ended', (event) => event.reason === 'cancelled');
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

  story('a device that takes the place of a ringing one rings in its place', async () => {
    const alice = await come(0, 'alice');
    const old = await come(1, 'bob');
    const { call } = await alice.request('call.start', { to: ['bob'], offer: OFFER });
    await old.expect('call.incoming');
    const bob = await come(0, 'bob');
    assert.equal((await old.closed()).code, 4005);
    assert.equal(bob.welcome.pending[0].call, call);
    await bob.request('call.accept', { call, answer: ANSWER });
    await alice.expect('call.joined');
  });

  story('a ringing device that lost its socket has missed nothing after its resume', async () => {
    const alice = await come(0, 'alice');
    const bob = await come(1, 'bob');
    const laptop = await come(0, 'bob', { device: 'laptop' });
    await bob.drop();
    const first = await alice.request('call.start', { to: ['bob'], offer: OFFER });
    await laptop.expect('call.incoming');
    await laptop.request('call.reject', { call: first.call });
    const second = await alice.request('call.start', { to: ['bob'] });
    const welcome = await bob.resume(nodes[0]);
    assert.deepEqual([welcome.resumed, welcome.pending.map((ring) => ring.call)], [true, [second.call]]);
    await bob.expect('call.incoming', (event) => event.call === first.call && event.offer === OFFER);
    await bob.expect('call.cancelled', (event) => event.call === first.call && event.reason === 'rejected_elsewhere');
    await bob.expect('call.incoming', (event) => event.call === second.call);
    await bob.request('call.accept', { call: second.call });
    await laptop.expect('call.cancelled');
    alice.events = [];
    laptop.events = [];
  });

  story('with only suspended devices one waits', async () => {
    const alice = await come(0, 'alice');
    const bob = await come(1, 'bob');
    await bob.drop();
    await until(async () => (await cluster.redis.command('HGET', `{${bob.session.slice(0, 2)}}:session:${bob.session}`, 'state')) === 'suspended', 'bob to be suspended');
    const { reach, call } = await alice.request('call.start', { to: ['bob'] });
    assert.deepEqual(reach, { bob: 'waiting' });
    await bob.resume(nodes[0]);
    await bob.expect('call.incoming', (event) => event.call === call);
    await bob.request('call.reject', { call });
    alice.events = [];
  });

  story('of several callees those who can be reached are rung', async () => {
    const alice = await come(0, 'alice');
    const bob = await come(1, 'bob');
    const { call, reach } = await alice.request('call.start', { to: ['bob', 'nobody'] });
    assert.deepEqual(reach, { bob: 'ringing', nobody: 'unreachable' });
    assert.deepEqual((await alice.request('call.get', { call })).ringing, ['bob']);
    await alice.refused('call.start', { to: ['nobody', 'noone'] }, 'unreachable');
    await bob.expect('call.incoming');
    await bob.request('call.reject', { call });
    alice.events = [];
  });

  story('a call.start that is sent again stands, though who was rung has gone', async () => {
    const alice = await come(0, 'alice');
    const bob = await come(1, 'bob');
    const carol = await come(1, 'carol');
    const ask = (id) => alice.ask('call.start', { to: ['bob', 'carol', 'nobody'] }, id);
    const first = await ask(alice.lastId + 1);
    assert.deepEqual(first.reach, { bob: 'ringing', carol: 'ringing', nobody: 'unreachable' });
    await bob.expect('call.incoming');
    await bob.request('bye');
    await carol.request('bye');
    await loseAnswers(alice, 1);
    assert.deepEqual(await ask(first.id), { ...first, reach: { bob: 'waiting', carol: 'waiting', nobody: 'unreachable' } });
    assert.deepEqual((await alice.request('call.get', { call: first.call })).ringing, ['bob', 'carol']);
    await alice.request('call.cancel', { call: first.call });
    await alice.expect('call.ended');
  });

  story('a call.invite that is sent again stands, though who was rung has gone', async () => {
    const alice = await come(0, 'alice');
    const bob = await come(1, 'bob');
    const { call } = await alice.request('call.start', { to: [], allow: 'anyone' });
    const first = await alice.ask('call.invite', { call, to: 'bob' });
    assert.deepEqual(first.reach, { bob: 'ringing' });
    await bob.expect('call.incoming');
    await bob.request('bye');
    await loseAnswers(alice, 1);
    assert.deepEqual(await alice.ask('call.invite', { call, to: 'bob' }, first.id), { ...first, reach: { bob: 'waiting' } });
    await alice.refused('call.invite', { call, to: 'bob' }, 'conflict');
    await alice.request('call.leave', { call });
  });

  story('what a ringing device said is answered as before when it is sent again after the end', async () => {
    for (const lost of [false, true]) {
      const alice = await come(0, 'alice');
      const bob = await come(1, 'bob');
      const { call } = await alice.request('call.start', { to: ['bob'], offer: OFFER });
      await bob.expect('call.incoming');
      const alerted = await bob.ask('call.alert', { call });
      await alice.expect('call.ringing');
      const accepted = lost ? undefined : await bob.ask('call.accept', { call, answer: ANSWER });
      await alice.request('call.leave', { call });
      await bob.expect(lost ? 'call.cancelled' : 'call.ended');
      if (lost) await loseAnswers(bob, 0);
      else await bob.drop().then(() => bob.resume(nodes[0]));
      assert.deepEqual(await bob.ask('call.alert', { call }, alerted.id), alerted);
      if (accepted) assert.deepEqual(await bob.ask('call.accept', { call, answer: ANSWER }, accepted.id), accepted);
      for (const client of [alice, bob]) client.events = [];
    }
  });

  story('who joins while being rung accepts by it, and gets the offer', async () => {
    const alice = await come(0, 'alice');
    const bob = await come(1, 'bob');
    const { call } = await alice.request('call.start', { to: ['bob'], offer: OFFER, candidates: CANDIDATES });
    await bob.expect('call.incoming');
    await alice.request('call.lock', { call, locked: true });
    const joined = await bob.ask('call.join', { call });
    assert.deepEqual([joined.peer, joined.offer, joined.candidates], [2, OFFER, CANDIDATES]);
    await loseAnswers(bob, 0);
    assert.equal((await bob.ask('call.join', { call }, joined.id)).offer, OFFER);
    await alice.request('signal', { call, to: 0, candidates: CANDIDATES });
    await bob.expect('signal');
    await bob.request('signal', { call, to: 1, description: { type: 'answer', sdp: ANSWER } });
    await alice.expect('signal');
    for (const client of clients) client.events = [];
  });

  /** Alice's offer rings bob, and carol has joined meanwhile. */
  async function carolCameFirst() {
    const alice = await come(0, 'alice');
    const bob = await come(1, 'bob');
    const carol = await come(0, 'carol');
    const { call } = await alice.request('call.start', { to: ['bob'], offer: OFFER, seats: 3, allow: ['carol'] });
    await bob.expect('call.incoming');
    await carol.request('call.join', { call });
    return { alice, bob, carol, call };
  }

  story('an answer is for the one who made the offer, and for no other member', async () => {
    const { alice, bob, carol, call } = await carolCameFirst();
    await alice.expect('call.joined');
    await bob.request('call.accept', { call, answer: ANSWER });
    const { answer, seq, ...joined } = await alice.expect('call.joined');
    assert.equal(answer, ANSWER);
    const { seq: other, ...told } = await carol.expect('call.joined');
    assert.deepEqual(told, joined);
    for (const client of clients) client.events = [];
  });

  story('an answer to an offer whose maker has left goes nowhere', async () => {
    const { alice, bob, carol, call } = await carolCameFirst();
    await alice.request('call.leave', { call });
    const accepted = await bob.request('call.accept', { call, answer: ANSWER });
    assert.deepEqual([accepted.offer, accepted.candidates, accepted.members.map((member) => member.user)], [undefined, undefined, ['carol', 'bob']]);
    assert.equal((await carol.expect('call.joined')).answer, undefined);
    for (const client of clients) client.events = [];
  });

  story('who was removed comes back only when invited again', async () => {
    const alice = await come(0, 'alice');
    const bob = await come(1, 'bob');
    const { call } = await alice.request('call.start', { to: ['bob'], seats: 3 });
    await alice.request('call.invite', { call, to: 'carol', wait: true });
    await bob.expect('call.incoming');
    await bob.request('call.accept', { call });
    const { version } = await alice.request('call.remove', { call, peer: 2 });
    assert.deepEqual((({ peer, reason, version: at }) => [peer, reason, at])(await bob.expect('call.left')), [2, 'removed', version]);
    await bob.refused('call.join', { call }, 'forbidden');
    await bob.refused('call.accept', { call }, 'not_found');
    await alice.request('call.invite', { call, to: 'bob' });
    await bob.expect('call.incoming');
    await bob.request('call.join', { call });
    for (const client of clients) client.events = [];
  });

  story('whom one may call stands in the token', async () => {
    await come(0, 'bob');
    await come(0, 'team.carol');
    const alice = await come(1, 'alice', { claims: { call: ['team.*'] } });
    await alice.refused('call.start', { to: ['bob'] }, 'forbidden');
    await alice.refused('call.start', { to: ['team.carol', 'bob'] }, 'forbidden');
    const { call } = await alice.request('call.start', { to: ['team.carol'], seats: 5 });
    await alice.refused('call.invite', { call, to: 'bob' }, 'forbidden');
    await (await come(1, 'mallory', { claims: { call: [] } })).refused('call.start', { to: ['alice'] }, 'forbidden');
    await alice.request('call.cancel', { call });
    for (const client of clients) client.events = [];
  });

  story('what makes no sense is refused by name', async () => {
    const alice = await come(0, 'alice');
    const bob = await come(1, 'bob');
    for (const [fields, word] of [
      [{ to: ['alice'] }, /yourself/], [{ to: ['bob', 'bob'] }, /to/], [{ to: ['bob', 'carol'], seats: 2 }, /seats/],
      [{ to: ['bob', 'carol'], offer: OFFER }, /offer/], [{ to: ['bob'], ring_ms: 4999 }, /ring_ms/],
      [{ to: ['bob'], ring_ms: 120001 }, /ring_ms/], [{ to: ['b\u00f6b'] }, /to/], [{ to: 'bob' }, /to/], [{ to: ['bob'], wait: 'yes' }, /wait/],
      [{ to: ['bob'], offer: { type: 'answer', sdp: OFFER } }, /offer/],
      [{ to: ['bob'], candidates: CANDIDATES }, /candidates/],
    ]) assert.match((await alice.refused('call.start', fields, 'bad_request')).message, word, JSON.stringify(fields));
    await alice.refused('call.start', { to: ['a', 'b', 'c', 'd', 'e'] }, 'too_large');
    await alice.refused('call.start', { to: ['bob'], meta: 'x'.repeat(2100) }, 'too_large');
    const { call } = await alice.request('call.start', { to: ['bob'] });
    await bob.expect('call.incoming');
    assert.match((await bob.refused('call.accept', { call, answer: ANSWER }, 'conflict')).message, /offer/);
    for (const what of [{ candidates: CANDIDATES }, { data: 1 }])
      assert.match((await alice.refused('signal', { call, to: 0, ...what }, 'not_found')).message, /there was none/);
    await bob.refused('call.accept', { call, answer: { type: 'offer', sdp: ANSWER } }, 'bad_request');
    await bob.refused('call.reject', { call, reason: 'hangup' }, 'bad_request');
    for (const type of ['call.accept', 'call.reject', 'call.alert']) await (await come(0, 'carol')).refused(type, { call }, 'not_found');
    await bob.refused('call.cancel', { call }, 'not_found');
    await bob.refused('call.invite', { call, to: 'carol' }, 'not_found');
    await bob.request('call.reject', { call });
    alice.events = [];
  });

  story('an invited user may come by the id as well, and come back', async () => {
    const alice = await come(0, 'alice');
    const bob = await come(1, 'bob');
    const laptop = await come(0, 'bob', { device: 'laptop' });
    const carol = await come(1, 'carol');
    const { call } = await alice.request('call.start', { to: ['bob'], seats: 3 });
    await laptop.expect('call.incoming');
    await bob.expect('call.incoming');
    await carol.refused('call.join', { call }, 'forbidden');
    assert.equal((await bob.request('call.join', { call })).peer, 2);
    await laptop.expect('call.cancelled', (event) => event.reason === 'answered_elsewhere');
    await alice.expect('call.joined');
    await alice.request('call.invite', { call, to: 'carol' });
    await carol.expect('call.incoming');
    await laptop.refused('call.join', { call }, 'call_full');
    await carol.request('call.reject', { call });
    assert.equal((await laptop.request('call.join', { call })).peer, 3);
    for (const client of clients) client.events = [];
  });

  story('a locked call is rung for by its starter alone', async () => {
    const alice = await come(0, 'alice');
    const bob = await come(1, 'bob');
    const carol = await come(0, 'carol');
    const { call } = await alice.request('call.start', { to: ['bob'], seats: 5 });
    await bob.expect('call.incoming');
    await bob.request('call.accept', { call });
    await alice.request('call.lock', { call, locked: true });
    await bob.refused('call.invite', { call, to: 'carol' }, 'forbidden');
    await alice.request('call.invite', { call, to: 'carol' });
    await carol.expect('call.incoming');
    await carol.request('call.accept', { call });
    for (const client of clients) client.events = [];
  });

  story('with relay privacy no address passes by ringing either', async () => {
    const alice = await come(0, 'alice');
    const bob = await come(1, 'bob');
    const { call } = await alice.request('call.start', { to: ['bob'], offer: OFFER, candidates: CANDIDATES, privacy: 'relay' });
    const incoming = await bob.expect('call.incoming');
    assert.doesNotMatch(incoming.offer, /typ host|typ srflx/);
    const accepted = await bob.request('call.accept', { call, answer: ANSWER });
    assert.deepEqual(accepted.candidates, []);
    const { answer } = await alice.expect('call.joined');
    assert.match(answer, /^c=IN IP4 0\.0\.0\.0/m);
    assert.doesNotMatch(answer, /typ host|typ srflx/);
  });

  story('a posted offer is taken back by call.cancel', async () => {
    const alice = await come(0, 'alice');
    const bob = await come(1, 'bob');
    const { call } = await alice.request('offer.post', { offer: OFFER });
    await alice.request('call.cancel', { call });
    await bob.refused('offer.take', { call }, 'gone');
    await alice.expect('call.ended', (event) => event.reason === 'cancelled');
  });

  story('who is not the starter takes back the invitations of their own only', async () => {
    const alice = await come(0, 'alice');
    const bob = await come(1, 'bob');
    await come(0, 'carol');
    await come(1, 'dave');
    const { call } = await alice.request('call.start', { to: ['bob'], seats: 5 });
    await bob.expect('call.incoming');
    await bob.request('call.accept', { call });
    await alice.request('call.invite', { call, to: 'carol' });
    await bob.request('call.invite', { call, to: 'dave' });
    await bob.refused('call.cancel', { call, to: 'carol' }, 'forbidden');
    await bob.request('call.cancel', { call });
    assert.deepEqual((await alice.request('call.get', { call })).ringing, ['carol']);
    await alice.request('call.cancel', { call, to: 'carol' });
    await alice.refused('call.cancel', { call, to: 'carol' }, 'gone');
    assert.equal((await alice.request('call.get', { call })).state, 'active');
    for (const client of clients) client.events = [];
  });
});

describe('ringing with a short grace', () => {
  let cluster;
  let nodes;
  before(async () => {
    cluster = await startCluster({ nodes: 2, settings: { 'grace-ms': 300 } });
    nodes = cluster.nodes;
  });
  after(() => cluster.stop());

  it('stops when the caller is lost', async () => {
    const alice = await join(nodes[0], 'alice');
    const bob = await join(nodes[1], 'bob');
    const { call } = await alice.request('call.start', { to: ['bob'] });
    await bob.expect('call.incoming');
    await alice.drop();
    await bob.expect('call.cancelled', (event) => event.call === call && event.reason === 'cancelled');
    await bob.refused('call.accept', { call }, 'gone');
    await bob.close();
  });

  it('goes on though the node of the caller dies, until the caller is lost', async () => {
    const alice = await join(nodes[0], 'alice');
    const bob = await join(nodes[1], 'bob');
    await alice.request('call.start', { to: ['bob'] });
    await bob.expect('call.incoming');
    await nodes[0].kill();
    await bob.expect('call.cancelled', () => true, stretched(30_000));
    await nodes[0].start();
    await bob.close();
  });

  it('times out though the node that set the timer is dead', async () => {
    const alice = await join(nodes[0], 'alice');
    const started = await alice.request('call.start', { to: ['nobody-yet'], wait: true, ring_ms: 5000 });
    await nodes[1].kill();
    assert.equal((await alice.expect('call.ended', (event) => event.call === started.call, stretched(30_000))).reason, 'timeout');
    await nodes[1].start();
    await alice.close();
  });
});
