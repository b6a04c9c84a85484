// Calls of up to five (docs/protocol.md): seats, who may do what, and what the others are told.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { pair, room } from '../support/calls.mjs';
import { fresh, join } from '../support/client.mjs';
import { startCluster } from '../support/cluster.mjs';

let cluster;
let nodes;
before(async () => {
  cluster = await startCluster({ nodes: 2 });
  nodes = cluster.nodes;
});
after(() => cluster?.stop());

/** That many people, spread over the nodes. */
const people = (count) => Promise.all(Array.from({ length: count }, (_, i) => join(nodes[i % 2], fresh('user'), { claims: { name: `User ${i}` } })));

describe('call.start with nobody to ring', () => {
  test('makes a call that waits with its starter on seat 1', async () => {
    const [alice] = await people(1);
    const started = await alice.request('call.start', { to: [], allow: 'anyone' });
    assert.equal(started.peer, 1);
    const snapshot = await alice.request('call.get', { call: started.call });
    assert.equal(snapshot.state, 'waiting');
    assert.equal(snapshot.seats, 5);
    assert.deepEqual(snapshot.members.map(({ peer, user, state }) => [peer, user, state]), [[1, alice.user, 'here']]);
  });

  test('takes as many seats as it says', async () => {
    const [alice, bob, carol, dave] = await people(4);
    const call = await room(alice, [bob, carol], { seats: 3 });
    await dave.refused('call.join', { call }, 'call_full');
  });

  for (const seats of [1, 6, 0, -1]) {
    test(`refuses ${seats} seats`, async () => {
      const [alice] = await people(1);
      const reply = await alice.refused('call.start', { to: [], allow: 'anyone', seats }, 'bad_request');
      assert.match(reply.message, /seats/);
    });
  }
});

describe('call.join', () => {
  test('gives each newcomer the lowest free seat and all who are there, and tells the others', async () => {
    const [alice, bob, carol] = await people(3);
    const { call } = await alice.request('call.start', { to: [], allow: 'anyone' });
    const second = await bob.request('call.join', { call });
    assert.equal(second.peer, 2);
    assert.deepEqual(second.members.map(({ user }) => user), [alice.user, bob.user]);
    const third = await carol.request('call.join', { call });
    assert.equal(third.peer, 3);
    assert.deepEqual(third.members.map(({ peer }) => peer), [1, 2, 3]);
    for (const one of [alice, bob]) {
      const joined = await one.expect('call.joined', ({ peer }) => peer === 3);
      assert.deepEqual([joined.call, joined.user, joined.device, joined.name], [call, carol.user, 'phone', 'User 2']);
    }
    await carol.quiet();
  });

  test('never seats a sixth', async () => {
    const [alice, ...others] = await people(6);
    const call = await room(alice, others.slice(0, 4));
    await others[4].refused('call.join', { call }, 'call_full');
    const { members } = await alice.request('call.get', { call });
    assert.deepEqual(members.map(({ peer }) => peer), [1, 2, 3, 4, 5]);
  });

  test('of ten at the same moment seats four', async () => {
    const [alice, ...others] = await people(11);
    const call = await room(alice, []);
    const replies = await Promise.all(others.map((other) => other.ask('call.join', { call })));
    assert.deepEqual(replies.filter(({ type }) => type === 'ok').map(({ peer }) => peer).sort(), [2, 3, 4, 5]);
    for (const { type, code } of replies) if (type === 'error') assert.equal(code, 'call_full');
  });

  test('is for those who are allowed', async () => {
    const [alice, bob, carol] = await people(3);
    const { call } = await alice.request('call.start', { to: [], allow: [bob.user] });
    await carol.refused('call.join', { call }, 'forbidden');
    assert.equal((await bob.request('call.join', { call })).peer, 2);
  });

  test('does not find what never was', async () => {
    const [alice] = await people(1);
    await alice.refused('call.join', { call: 'B'.repeat(22) }, 'not_found');
  });

  test('twice keeps the seat', async () => {
    const [alice, bob] = await people(2);
    const call = await room(alice, [bob]);
    assert.equal((await bob.request('call.join', { call })).peer, 2);
    assert.equal((await alice.request('call.get', { call })).members.length, 2);
  });
});

describe('call.leave', () => {
  test('frees the seat for the next and tells the others', async () => {
    const [alice, bob, carol, dave] = await people(4);
    const call = await room(alice, [bob, carol]);
    await bob.request('call.leave', { call });
    for (const one of [alice, carol]) {
      const left = await one.expect('call.left');
      assert.deepEqual([left.call, left.peer, left.reason], [call, 2, 'hangup']);
    }
    assert.equal((await dave.request('call.join', { call })).peer, 2);
    await bob.quiet('call.left');
  });

  test('by one of two ends a call that was posted', async () => {
    const [alice, bob] = await people(2);
    const call = await pair(alice, bob);
    await bob.request('call.leave', { call });
    assert.equal((await alice.expect('call.left')).reason, 'hangup');
    const ended = await alice.expect('call.ended');
    assert.deepEqual([ended.call, ended.reason], [call, 'hangup']);
    await alice.refused('signal', { call, to: 2, data: 1 }, 'not_found');
  });

  test('leaves an open call standing while anyone is seated', async () => {
    const [alice, bob, carol] = await people(3);
    const call = await room(alice, [bob]);
    await alice.request('call.leave', { call });
    await bob.expect('call.left');
    assert.equal((await bob.request('call.get', { call })).state, 'waiting');
    assert.equal((await carol.request('call.join', { call })).peer, 1);
    await bob.request('call.leave', { call });
    await carol.request('call.leave', { call });
    await alice.refused('call.join', { call }, 'gone');
  });

  test('lets the starter come back', async () => {
    const [alice, bob] = await people(2);
    const call = await room(alice, [bob]);
    await alice.request('call.leave', { call });
    assert.equal((await alice.request('call.join', { call })).peer, 1);
  });

  test('is for members', async () => {
    const [alice, bob, carol] = await people(3);
    const call = await room(alice, [bob]);
    const reply = await carol.ask('call.leave', { call });
    assert.equal(reply.type, 'error');
    assert.equal((await alice.request('call.get', { call })).members.length, 2);
  });
});

describe('call.remove', () => {
  test('by the starter takes the seat and tells everybody, the removed one too', async () => {
    const [alice, bob, carol] = await people(3);
    const call = await room(alice, [bob, carol]);
    await alice.request('call.remove', { call, peer: 2 });
    for (const one of [bob, carol]) {
      const left = await one.expect('call.left');
      assert.deepEqual([left.peer, left.reason], [2, 'removed']);
    }
    await bob.refused('signal', { call, to: 1, data: 'still there?' }, 'not_found');
  });

  test('by another is forbidden', async () => {
    const [alice, bob, carol] = await people(3);
    const call = await room(alice, [bob, carol]);
    await bob.refused('call.remove', { call, peer: 3 }, 'forbidden');
    await carol.quiet('call.left');
  });

  test('of an empty seat finds nobody', async () => {
    const [alice, bob] = await people(2);
    const call = await room(alice, [bob]);
    await alice.refused('call.remove', { call, peer: 5 }, 'not_found');
  });
});

describe('call.lock', () => {
  test('keeps newcomers out until it is opened again', async () => {
    const [alice, bob, carol] = await people(3);
    const call = await room(alice, [bob]);
    await alice.request('call.lock', { call, locked: true });
    assert.equal((await bob.expect('call.locked')).call, call);
    await carol.refused('call.join', { call }, 'forbidden');
    assert.equal((await bob.request('call.get', { call })).locked, true);
    await alice.request('call.lock', { call, locked: false });
    assert.equal((await carol.request('call.join', { call })).peer, 3);
  });

  test('is for the starter', async () => {
    const [alice, bob] = await people(2);
    const call = await room(alice, [bob]);
    await bob.refused('call.lock', { call, locked: true }, 'forbidden');
  });
});

describe('versions', () => {
  test('rise by one with each change, and the same in every view', async () => {
    const [alice, bob, carol] = await people(3);
    const call = await room(alice, [bob, carol]);
    const { version } = await alice.request('call.get', { call });
    await alice.request('call.lock', { call, locked: true });
    await alice.request('call.lock', { call, locked: false });
    await carol.request('call.leave', { call });
    const seen = [await bob.expect('call.locked'), await bob.expect('call.locked'), await bob.expect('call.left')];
    assert.deepEqual(seen.map((event) => event.version), [version + 1, version + 2, version + 3]);
    for (const one of [alice, bob]) assert.equal((await one.request('call.get', { call })).version, version + 3);
  });

  test('stand in the ok of whoever made the change, and the maker hears no event', async () => {
    const [alice, bob] = await people(2);
    const call = await room(alice, [bob]);
    const { version } = await bob.request('call.get', { call });
    assert.equal((await alice.request('call.lock', { call, locked: true })).version, version + 1);
    await alice.quiet('call.locked');
  });
});

describe('call.get', () => {
  test('is for those who sit there', async () => {
    const [alice, bob, carol] = await people(3);
    const call = await room(alice, [bob]);
    assert.equal((await bob.request('call.get', { call })).state, 'active');
    await carol.refused('call.get', { call }, 'not_found');
    await bob.request('call.leave', { call });
    await bob.refused('call.get', { call }, 'not_found');
  });
});
