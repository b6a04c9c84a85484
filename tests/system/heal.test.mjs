// Redis may forget (promise 9): emptied, or back without its newest writes. The nodes put back what they know, and the views of a call agree again.
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join as path } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ANSWER, OFFER, pair, room } from '../support/calls.mjs';
import { fresh, join } from '../support/client.mjs';
import { startCluster } from '../support/cluster.mjs';
import { stretched, unhurried, until } from '../support/wait.mjs';

const LONG = stretched(60_000);
const CALL_OVER = new Set(['not_found', 'gone']);

/** A request that is sent again while the answer is `unavailable`, as an app would do. */
async function insist(client, type, fields) {
  let reply;
  const id = client.lastId + 1;
  await until(
    async () => {
      reply = await client.ask(type, fields, id);
      return reply.type === 'ok' || reply.code !== 'unavailable';
    },
    `${type} to be taken up again`,
    LONG,
  );
  assert.equal(reply.type, 'ok', `${type}: ${JSON.stringify(reply)}`);
  return reply;
}

/** The newest event of the call that says how it stands; what came before it is dropped. */
async function healed(client, call) {
  const event = await client.expect('call.healed', (one) => one.call === call, LONG);
  assert.equal(event.seq !== undefined, true);
  return event;
}

/** The snapshot as everybody sees it, without what belongs to the event. */
function view({ call, version, state, seats, members, ringing, starter, locked, privacy }) {
  return { call, version, state, seats, members, ringing, starter, locked, privacy };
}

/** Every one of them is seated, hears the same of the call, and Redis says so too. */
async function agree(clients, call) {
  for (const client of clients) {
    let last;
    await until(
      async () => {
        await client.settle();
        last = client.events.findLast((event) => event.type === 'call.healed' && event.call === call) ?? last;
        client.events = client.events.filter((event) => event.type !== 'call.healed' || event.call !== call);
        const now = await client.ask('call.get', { call });
        client.snapshot = now;
        return last && now.type === 'ok' && now.version === last.version && now.members.every((one) => one.user !== '');
      },
      () => `${client.user} to be told how the call stands: ${JSON.stringify([last, client.snapshot])}`,
      LONG,
    );
    assert.deepEqual(view(last), view(client.snapshot));
  }
  const [first, ...others] = clients.map((client) => view(client.snapshot));
  for (const other of others) assert.deepEqual(other, first);
  assert.deepEqual(first.members.map((one) => one.user).sort(), clients.map((client) => client.user).sort());
  return first;
}

/** Signals pass between every two of them, both ways. */
async function talk(clients, call) {
  const peers = new Map((await clients[0].request('call.get', { call })).members.map((one) => [one.user, one.peer]));
  for (const from of clients) {
    for (const to of clients) {
      if (from === to) continue;
      const data = `${from.user} to ${to.user} ${Math.random()}`;
      await insist(from, 'signal', { call, to: peers.get(to.user), data });
      assert.equal((await to.expect('signal', (one) => one.data === data)).from, peers.get(from.user));
    }
  }
}

describe('when Redis is emptied', () => {
  let cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 3, settings: { 'grace-ms': 5000 } });
  });
  after(() => cluster?.stop());

  const people = (names, at = (i) => cluster.nodes[i % 3]) => Promise.all(names.map((name, i) => join(at(i), fresh(name))));
  const flush = () => cluster.redis.command('FLUSHALL');
  /** For stories in which a grace must not end too early: played on nodes of their own. */
  const apart = (story) =>
    unhurried(async (pace) => {
      const common = cluster;
      cluster = await startCluster({ nodes: 3, settings: { 'grace-ms': 5000 * pace } });
      try {
        await story();
      } finally {
        await cluster.stop();
        cluster = common;
      }
    });

  test('a call of two is put back, and goes on to its end', async () => {
    const [alice, bob] = await people(['alice', 'bob']);
    const call = await pair(alice, bob);
    await flush();
    const now = await agree([alice, bob], call);
    assert.deepEqual([now.state, now.seats, now.starter], ['active', 2, alice.user]);
    await talk([alice, bob], call);
    await bob.request('call.leave', { call });
    assert.equal((await alice.expect('call.left')).peer, 2);
    await alice.expect('call.ended');
    await Promise.all([alice.close(), bob.close()]);
  });

  test('a call of five on three nodes is put back with its facts; others join and leave it afterwards', async () => {
    const all = await people(['alice', 'bob', 'carol', 'dave', 'erin']);
    const [alice, , , , erin] = all;
    const call = await room(alice, all.slice(1), { privacy: 'relay' });
    await alice.request('call.lock', { call, locked: true });
    await flush();
    const now = await agree(all, call);
    assert.deepEqual([now.state, now.seats, now.locked, now.privacy], ['active', 5, true, 'relay']);
    await talk(all, call);
    await erin.request('call.leave', { call });
    await alice.request('call.lock', { call, locked: false });
    const [frank] = await people(['frank']);
    assert.equal((await frank.request('call.join', { call })).peer, 5);
    for (const one of all.slice(0, 4)) assert.equal((await one.expect('call.joined', (event) => event.user === frank.user)).peer, 5);
    await Promise.all([...all, frank].map((one) => one.close()));
  });

  test('twice in a row is as good as once', async () => {
    const all = await people(['alice', 'bob', 'carol']);
    const call = await room(all[0], all.slice(1));
    await flush();
    await agree(all, call);
    await flush();
    await agree(all, call);
    await flush();
    await until(async () => (await cluster.redis.command('KEYS', '*')).length > 0, 'something to be put back');
    await flush();
    await agree(all, call);
    await talk(all, call);
    await Promise.all(all.map((one) => one.close()));
  });

  test('whoever has no socket then is lost after the grace time, and the others are told', () => apart(async () => {
    const all = await people(['alice', 'bob', 'carol']);
    const [alice, bob, carol] = all;
    const call = await room(alice, [bob, carol]);
    await carol.drop();
    await alice.expect('call.suspended');
    await flush();
    const then = await healed(alice, call);
    assert.deepEqual(then.members.map((one) => [one.peer, one.state]), [[1, 'here'], [2, 'here'], [3, 'suspended']]);
    for (const one of [alice, bob]) {
      const left = await one.expect('call.left', undefined, LONG);
      assert.deepEqual([left.peer, left.reason], [3, 'lost']);
    }
    const { version, members } = await alice.request('call.get', { call });
    assert.deepEqual([members.length, (await bob.request('call.get', { call })).version], [2, version]);
    assert.equal((await carol.resume(cluster.nodes[0])).resumed, false);
    await talk([alice, bob], call);
    await Promise.all(all.map((one) => one.close()));
  }));

  test('a posted offer is lost, and its poster is told', async () => {
    const [alice, bob] = await people(['alice', 'bob']);
    const { call } = await alice.request('offer.post', { offer: OFFER });
    await flush();
    assert.equal((await alice.expect('call.ended', (event) => event.call === call, LONG)).reason, 'lost');
    assert.ok(CALL_OVER.has((await bob.ask('offer.take', { call })).code));
    const again = await pair(alice, bob);
    await talk([alice, bob], again);
    await Promise.all([alice.close(), bob.close()]);
  });

  test('an open room with one member stays open', async () => {
    const [alice, bob] = await people(['alice', 'bob']);
    const call = await room(alice, []);
    await flush();
    const now = await healed(alice, call);
    assert.equal(now.state, 'waiting');
    await bob.request('call.join', { call });
    await alice.expect('call.joined');
    await talk([alice, bob], call);
    await Promise.all([alice.close(), bob.close()]);
  });

  test('what rings rings on, and can be answered', async () => {
    const [alice, bob] = await people(['alice', 'bob']);
    const { call } = await alice.request('call.start', { to: [bob.user], offer: OFFER });
    assert.equal((await bob.expect('call.incoming')).call, call);
    await flush();
    const now = await healed(alice, call);
    assert.deepEqual([now.state, now.ringing], ['ringing', [bob.user]]);
    await bob.request('call.accept', { call, answer: ANSWER });
    assert.equal((await alice.expect('call.joined')).answer, ANSWER);
    await talk([alice, bob], call);
    await Promise.all([alice.close(), bob.close()]);
  });

  test('what rings for a caller who is lost stops', async () => {
    const [alice, bob] = await people(['alice', 'bob']);
    const { call } = await alice.request('call.start', { to: [bob.user] });
    await bob.expect('call.incoming');
    await alice.drop();
    await flush();
    assert.deepEqual([(await bob.expect('call.cancelled', undefined, LONG)).call], [call]);
    assert.ok(CALL_OVER.has((await bob.ask('call.accept', { call })).code));
    await Promise.all([alice.close(), bob.close()]);
  });

  test('requests meanwhile are told to come again, and then succeed', async () => {
    const [alice, bob] = await people(['alice', 'bob']);
    const call = await room(alice, [bob]);
    await flush();
    await insist(alice, 'call.lock', { call, locked: true });
    await insist(bob, 'call.get', { call });
    await insist(bob, 'signal', { call, to: 1, data: 'here' });
    await alice.expect('signal');
    await Promise.all([alice.close(), bob.close()]);
  });

  test('what a new node needs is put back', async () => {
    const partitions = await cluster.redis.command('GET', '{cluster}:partitions');
    await flush();
    await until(async () => (await cluster.redis.command('GET', '{cluster}:partitions')) === partitions, 'the number of partitions to be known again');
  });

  // On nodes that have seen no other loss: what has just been looked for and found is taken for there.
  test('one session alone is missed and put back', () => apart(async () => {
    const [alice, bob] = await people(['alice', 'bob'], (i) => cluster.nodes[i]);
    const call = await room(alice, [bob]);
    await cluster.redis.command('DEL', ...(await cluster.redis.command('KEYS', `*session:${bob.session}`)));
    await insist(bob, 'call.leave', { call });
    assert.equal((await alice.expect('call.left', undefined, LONG)).peer, 2);
    await Promise.all([alice.close(), bob.close()]);
  }));

  test('one call alone is missed and put back', () => apart(async () => {
    const all = await people(['alice', 'bob', 'carol'], (i) => cluster.nodes[i]);
    const call = await room(all[0], all.slice(1));
    await cluster.redis.command('DEL', ...(await cluster.redis.command('KEYS', `*call:${call}`)));
    await insist(all[1], 'call.get', { call });
    await talk(all, call);
    await Promise.all(all.map((one) => one.close()));
  }));

  test('while a node is frozen: its members come back to their seats when it wakes', () => apart(async () => {
    const [near, , frozen] = cluster.nodes;
    const [alice, bob, carol] = await people(['alice', 'bob', 'carol'], (i) => [near, near, frozen][i]);
    const call = await room(alice, [bob, carol]);
    frozen.freeze();
    await flush();
    await healed(alice, call);
    frozen.thaw();
    await agree([alice, bob, carol], call);
    await talk([alice, bob, carol], call);
    await Promise.all([alice, bob, carol].map((one) => one.close()));
  }));
});

describe('when Redis comes back', () => {
  const redis = { args: ['--dbfilename', 'kept.rdb'] };

  test('with what it knew a while ago: nobody hears a number twice, and all sit where they sat', async () => {
    const cluster = await startCluster({ nodes: 2, redis, settings: { 'grace-ms': 5000 } });
    const [near, far] = cluster.nodes;
    const [alice, bob, carol] = [await join(near, fresh('alice')), await join(far, fresh('bob')), await join(near, fresh('carol'))];
    const call = await room(alice, [bob]);
    const over = await pair(carol, bob);
    await cluster.redis.command('SAVE');
    copyFileSync(path(cluster.redis.dir, 'kept.rdb'), path(cluster.redis.dir, 'copy.rdb'));
    await carol.request('call.join', { call });
    await carol.request('call.leave', { call: over });
    await bob.expect('call.ended', (event) => event.call === over);
    for (let i = 0; i < 3; i += 1) await talk([alice, bob, carol], call);
    await cluster.redis.kill();
    copyFileSync(path(cluster.redis.dir, 'copy.rdb'), path(cluster.redis.dir, 'kept.rdb'));
    await cluster.redis.start();
    await agree([alice, bob, carol], call);
    await talk([alice, bob, carol], call);
    for (const one of [alice, bob, carol]) await one.settle();
    await until(async () => CALL_OVER.has((await carol.ask('call.get', { call: over })).code), 'the call that was over to be over again', LONG);
    assert.notEqual(await cluster.redis.command('HGET', `{${over.slice(0, 2)}}:call:${over}`, 'state'), 'active');
    await Promise.all([alice, bob, carol].map((one) => one.close()));
    await cluster.stop();
  });

  test('with all it was told: nothing is put back, and nothing lost', async () => {
    const cluster = await startCluster({ nodes: 2, redis: { appendOnly: true } });
    const [near, far] = cluster.nodes;
    const [alice, bob] = [await join(near, fresh('alice')), await join(far, fresh('bob'))];
    const call = await room(alice, [bob]);
    const { version } = await alice.request('call.get', { call });
    await cluster.redis.kill();
    const asked = insist(bob, 'signal', { call, to: 1, data: 'over the gap' });
    await cluster.redis.start();
    await asked;
    assert.equal((await alice.expect('signal', undefined, LONG)).data, 'over the gap');
    for (const one of [alice, bob]) {
      assert.equal((await insist(one, 'call.get', { call })).version, version);
      await one.quiet();
    }
    for (const node of cluster.nodes) assert.match((await node.get('/metrics')).text, /sessions_restored_total\{[^}]*\} 0\n/);
    await Promise.all([alice.close(), bob.close()]);
    await cluster.stop();
  });
});
