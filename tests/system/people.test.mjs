// Whom one may call, whom one has blocked, and limits that all devices of a user share: none is dodged by another device or node.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ANSWER, OFFER, room } from '../support/calls.mjs';
import { fresh, join } from '../support/client.mjs';
import { startCluster } from '../support/cluster.mjs';
import { mint } from '../support/token.mjs';
import { unhurried } from '../support/wait.mjs';

const NOBODYS = 'AAAAAAAAAAAAAAAAAAAAAAA';
const STARTS = 4;
const SEATS = 2;
const GUESSES = 3;

let cluster;
let n1;
let n2;
/** Two devices of one user, each at a node of its own. */
const both = async (name) => {
  const user = fresh(name);
  return [await join(n1, user), await join(n2, user, { device: 'laptop' })];
};
const start = (client) => client.ask('call.start', { to: [], allow: 'anyone' });
const limited = (reply, what) => {
  assert.equal(reply.code, 'rate_limited', `${what}: ${JSON.stringify(reply)}`);
  assert.ok(reply.retry_after_ms > 0 && reply.retry_after_ms <= 60_000, JSON.stringify(reply));
};
/** Starts and leaves at once, so that no seat stands in the way. */
const startAndLeave = async (client) => {
  const reply = await start(client);
  if (reply.type === 'ok') await client.request('call.leave', { call: reply.call });
  return reply;
};

before(async () => {
  const settings = {
    'call-default': ['friend-*', 'alice-*', 'bob-*', 'carol-*'], 'calls-per-minute': STARTS, 'calls-open-max': SEATS, 'wrong-ids-per-minute': GUESSES,
  };
  cluster = await startCluster({ nodes: 2, settings });
  [n1, n2] = cluster.nodes;
});
after(() => cluster?.stop());

describe('whom one may call', () => {
  test('is who the token says, and nobody else', async () => {
    const alice = await join(n1, fresh('alice'), { claims: { call: ['boss', 'team-*'] } });
    await alice.refused('call.start', { to: [fresh('friend')] }, 'forbidden');
    await alice.refused('call.start', { to: ['teams'] }, 'forbidden');
    await alice.refused('call.start', { to: ['team-a', 'boss', 'others'] }, 'forbidden');
    await alice.refused('call.start', { to: ['team-a'] }, 'unreachable');
    await alice.refused('call.start', { to: ['boss'] }, 'unreachable');
  });

  test('is nobody with an empty list', async () => {
    const alice = await join(n1, fresh('alice'), { claims: { call: [] } });
    await alice.refused('call.start', { to: [fresh('friend')] }, 'forbidden');
  });

  test('is who the server says where the token says nothing', async () => {
    const alice = await join(n1, fresh('alice'));
    await alice.refused('call.start', { to: [fresh('friend')] }, 'unreachable');
    await alice.refused('call.start', { to: [fresh('stranger')] }, 'forbidden');
  });

  test('is what the renewed token says from then on', async () => {
    const user = fresh('alice');
    const alice = await join(n1, user, { claims: { call: [] } });
    const friend = fresh('friend');
    await alice.refused('call.start', { to: [friend] }, 'forbidden');
    await alice.request('auth.renew', { token: mint(user, { call: [friend] }) });
    await alice.refused('call.start', { to: [friend] }, 'unreachable');
    await alice.request('auth.renew', { token: mint(user, { call: [] }) });
    await alice.refused('call.start', { to: [friend] }, 'forbidden');
  });

  test('holds for call.invite as well', async () => {
    const alice = await join(n1, fresh('alice'), { claims: { call: [] } });
    const { call } = await start(alice);
    await alice.refused('call.invite', { call, to: fresh('friend') }, 'forbidden');
  });
});

describe('blocks', () => {
  test('are the user\'s, on every device and node, and each list replaces the one before', async () => {
    const [phone, laptop] = await both('bob');
    assert.deepEqual((await laptop.request('block.get')).users, []);
    await phone.request('block.set', { users: ['mallory', 'eve', 'mallory'] });
    assert.deepEqual((await laptop.request('block.get')).users, ['eve', 'mallory']);
    await laptop.request('block.set', { users: ['trudy'] });
    assert.deepEqual((await phone.request('block.get')).users, ['trudy']);
    await laptop.request('block.set', { users: [] });
    assert.deepEqual((await phone.request('block.get')).users, []);
  });

  test('may be a thousand, and are refused whole when one of them is wrong', async () => {
    const [bob] = await both('bob');
    const many = Array.from({ length: 1000 }, (_, i) => `user-${i}`);
    await bob.request('block.set', { users: many });
    assert.deepEqual((await bob.request('block.get')).users, [...many].sort());
    await bob.refused('block.set', { users: [...many, 'one-more'] }, 'too_large');
    await bob.refused('block.set', { users: ['eve', 'not a name'] }, 'bad_request');
    await bob.refused('block.set', { users: ['eve', 7] }, 'bad_request');
    await bob.refused('block.set', { users: 'eve' }, 'bad_request');
    await bob.refused('block.set', {}, 'bad_request');
    await bob.refused('block.set', { users: ['eve', bob.user] }, 'bad_request');
    assert.equal((await bob.request('block.get')).users.length, 1000);
  });

  test('outlive the sessions of their user', async () => {
    const user = fresh('bob');
    const bob = await join(n1, user);
    await bob.request('block.set', { users: ['eve'] });
    await bob.request('bye');
    await bob.closed();
    assert.deepEqual((await (await join(n2, user)).request('block.get')).users, ['eve']);
  });

  test('make their user unreachable for the one who is blocked, and for nobody else', async () => {
    const [phone, laptop] = await both('bob');
    const [alice, carol] = [await join(n2, fresh('alice')), await join(n1, fresh('carol'))];
    await phone.request('block.set', { users: [alice.user] });
    await alice.refused('call.start', { to: [phone.user] }, 'unreachable');
    const waiting = await alice.request('call.start', { to: [phone.user], wait: true });
    assert.deepEqual(waiting.reach, { [phone.user]: 'waiting' }, 'as if no device was there');
    await phone.quiet();
    await laptop.quiet();
    const late = await join(n1, phone.user, { device: 'tablet' });
    assert.deepEqual(late.welcome.pending, []);
    await alice.request('call.cancel', { call: waiting.call });
    const { call } = await carol.request('call.start', { to: [phone.user] });
    for (const bob of [phone, laptop]) await bob.expect('call.incoming', (event) => event.from === carol.user);
    await carol.refused('call.invite', { call, to: phone.user }, 'conflict');
    await carol.request('call.cancel', { call });
    for (const bob of [phone, laptop]) await bob.expect('call.cancelled');
    await phone.request('block.set', { users: [] });
    await alice.request('call.start', { to: [phone.user] });
    for (const bob of [phone, laptop]) await bob.expect('call.incoming', (event) => event.from === alice.user);
  });

  test('let the call of the one who is blocked cross with their user\'s own', async () => {
    const [alice, bob] = [await join(n1, fresh('alice')), await join(n2, fresh('bob'))];
    await bob.request('block.set', { users: [alice.user] });
    const { call } = await bob.request('call.start', { to: [alice.user] });
    await alice.expect('call.incoming');
    const crossed = await alice.request('call.start', { to: [bob.user] });
    assert.deepEqual([crossed.call, crossed.glare, crossed.peer, crossed.reach], [call, true, 2, { [bob.user]: 'ringing' }]);
    await bob.expect('call.joined');
    await bob.request('call.leave', { call });
    await alice.refused('call.start', { to: [bob.user] }, 'unreachable');
  });

  test('keep the one who is blocked from inviting their user', async () => {
    const [bob] = await both('bob');
    const alice = await join(n2, fresh('alice'));
    await bob.request('block.set', { users: [alice.user] });
    const { call } = await start(alice);
    await alice.refused('call.invite', { call, to: bob.user }, 'unreachable');
    await bob.quiet();
  });

  test('do not show in a call where both sit', async () => {
    const [alice, bob, carol] = [await join(n1, fresh('alice')), await join(n2, fresh('bob')), await join(n2, fresh('carol'))];
    const call = await room(carol, [alice, bob]);
    await alice.refused('call.invite', { call, to: bob.user }, 'conflict');
    await bob.request('block.set', { users: [alice.user] });
    await alice.refused('call.invite', { call, to: bob.user }, 'conflict');
  });

  test('that are set again by a resume do not undo what another device has set since', async () => {
    const [phone, laptop] = await both('bob');
    const set = { type: 'block.set', id: phone.lastId + 1, users: ['eve'] };
    await phone.ask(set.type, { users: set.users });
    await phone.drop();
    await laptop.request('block.set', { users: ['mallory'] });
    assert.equal((await phone.resume(n2)).resumed, true);
    const again = phone.replyTo(set.id);
    phone.send(set);
    assert.deepEqual(await again, { type: 'ok', id: set.id });
    assert.deepEqual((await laptop.request('block.get')).users, ['mallory']);
  });
});

describe('a user\'s limits are the same on every device and node', () => {
  // A machine that stands still for long gives the minute the time to bring one more.
  test('calls started in a minute', () => unhurried(async () => {
    const [phone, laptop] = await both('alice');
    for (let i = 0; i < STARTS; i += 1) assert.equal((await startAndLeave(i % 2 ? phone : laptop)).type, 'ok');
    limited(await start(phone), 'the phone');
    limited(await start(laptop), 'the laptop');
    limited(await laptop.ask('offer.post', { offer: OFFER }), 'a post');
    const third = await join(n1, phone.user, { device: 'tablet' });
    limited(await start(third), 'a new device');
    assert.equal((await startAndLeave(await join(n1, fresh('carol')))).type, 'ok', 'another user');
  }));

  test('a start that is sent again is charged once', () => unhurried(async () => {
    const [phone, laptop] = await both('alice');
    const id = phone.lastId + 1;
    const first = await phone.ask('call.start', { to: [], allow: 'anyone' }, id);
    for (let i = 0; i < STARTS; i += 1) assert.deepEqual(await phone.ask('call.start', { to: [], allow: 'anyone' }, id), first);
    await phone.request('call.leave', { call: first.call });
    for (let i = 1; i < STARTS; i += 1) assert.equal((await startAndLeave(laptop)).type, 'ok');
    limited(await start(laptop), 'one more');
  }));

  test('a refused start has left nothing behind, and the same request may succeed later', async () => {
    const [phone, laptop] = await both('alice');
    const calls = [await start(phone), await start(laptop)].map(({ call }) => call);
    const id = phone.lastId + 1;
    limited(await phone.ask('call.start', { to: [], allow: 'anyone' }, id), 'two are open');
    await laptop.request('call.leave', { call: calls[1] });
    assert.equal((await phone.ask('call.start', { to: [], allow: 'anyone' }, id)).type, 'ok');
  });

  test('wrong ids in a minute', () => unhurried(async () => {
    const [phone, laptop] = await both('mallory');
    const guess = (client, i) => client.ask('call.get', { call: `${NOBODYS}${i}` });
    for (let i = 0; i < GUESSES; i += 1) assert.equal((await guess(i % 2 ? phone : laptop, i)).code, 'not_found');
    limited(await guess(phone, 7), 'the phone');
    limited(await guess(laptop, 8), 'the laptop');
    limited(await guess(await join(n2, phone.user, { device: 'tablet' }), 9), 'a new device');
    limited(await phone.ask('call.join', { call: 'nonsense' }), 'no id at all');
    assert.equal((await guess(await join(n1, fresh('carol')), 1)).code, 'not_found', 'another user');
  }));

  test('calls open at a time: starts, joins, takes and answers alike', async () => {
    const [phone, laptop] = await both('alice');
    const [bob, carol] = [await join(n1, fresh('bob')), await join(n2, fresh('carol'))];
    const { call: bobs } = await start(bob);
    const { call: offer } = await carol.request('offer.post', { offer: OFFER });
    const { call: own } = await start(phone);
    await laptop.request('call.join', { call: bobs });
    limited(await start(phone), 'a start');
    limited(await laptop.ask('offer.post', { offer: OFFER }), 'a post');
    limited(await phone.ask('offer.take', { call: offer }), 'a take');
    limited(await phone.ask('call.join', { call: bobs }), 'a second seat in the same call');
    await carol.request('call.start', { to: [phone.user], offer: OFFER });
    const { call: ring } = await phone.expect('call.incoming');
    limited(await phone.ask('call.accept', { call: ring, answer: ANSWER }), 'an answer');
    await laptop.request('call.leave', { call: bobs });
    assert.equal((await phone.request('call.accept', { call: ring, answer: ANSWER })).peer, 2);
    await phone.request('call.leave', { call: own });
    assert.equal((await laptop.request('offer.take', { call: offer })).peer, 2);
  });

  test('a call that somebody else has ended counts no more, whether or not its node has heard of it', async () => {
    for (let i = 0; i < 12; i += 1) {
      const [alice, bob] = [await join(n1, fresh('alice')), await join(n1, fresh('bob'))];
      await start(alice);
      const { call } = await alice.request('call.start', { to: [bob.user] });
      await bob.request('call.reject', { call });
      assert.equal((await start(alice)).type, 'ok');
    }
  });

  test('what took the last seat is no new one when it is sent again', async () => {
    const alice = await join(n1, fresh('alice'));
    for (let seat = 1; seat < SEATS; seat += 1) await start(alice);
    const id = alice.lastId + 1;
    const first = await alice.ask('call.start', { to: [], allow: 'anyone' }, id);
    await alice.drop();
    await cluster.redis.command('DEL', `{${alice.session.slice(0, 2)}}:replies:${alice.session}`);
    await alice.resume(n2);
    assert.deepEqual(await alice.ask('call.start', { to: [], allow: 'anyone' }, id), first);
    limited(await start(alice), 'one more');
  });

  test('a device that comes back to its own seat takes no new one', async () => {
    const [phone, laptop] = await both('alice');
    const bob = await join(n2, fresh('bob'));
    const call = await room(bob, [phone]);
    await start(laptop);
    const again = await join(n2, phone.user);
    assert.equal((await again.request('call.join', { call })).peer, 2);
    limited(await start(again), 'a new seat');
  });
});
