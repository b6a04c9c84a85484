// Nobody is left behind by a node that dies or freezes (promise 4): whoever does not come back is gone after the grace time, whoever does keeps the seat.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { pair } from '../support/calls.mjs';
import { fresh, join } from '../support/client.mjs';
import { startCluster } from '../support/cluster.mjs';
import { stretched, until } from '../support/wait.mjs';

/* A node is dead for the others when its lease of six seconds is over; grace counts from its death. */
const LONG = stretched(60_000);

describe('when a node dies', () => {
  let cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 3, settings: { 'grace-ms': 7000 } });
  });
  after(() => cluster?.stop());

  test('its clients are suspended; who resumes keeps the seat, who does not loses it, and nothing of it remains', async () => {
    const [near, doomed, other] = cluster.nodes;
    const [alice, bob, carol, dave] = await Promise.all([join(near, fresh('alice')), join(doomed, fresh('bob')), join(near, fresh('carol')), join(doomed, fresh('dave'))]);
    const kept = await pair(alice, bob);
    const lost = await pair(carol, dave);
    await doomed.kill();
    await Promise.all([bob.closed(), dave.closed()]);
    assert.equal((await bob.resume(other)).resumed, true);

    assert.equal((await carol.expect('call.suspended', undefined, LONG)).peer, 2);
    const left = await carol.expect('call.left', undefined, LONG);
    assert.deepEqual([left.call, left.peer, left.reason], [lost, 2, 'lost']);
    assert.equal((await carol.expect('call.ended', undefined, LONG)).reason, 'lost');

    const { state, members } = await alice.request('call.get', { call: kept });
    assert.deepEqual([state, members.map((one) => one.state)], ['active', ['here', 'here']]);
    await bob.request('signal', { call: kept, to: 1, data: 'still here' });
    assert.equal((await alice.expect('signal')).data, 'still here');
    await until(async () => (await cluster.redis.command('KEYS', `*:${dave.session}*`)).length === 0, 'the lost session to be forgotten', LONG);
    await until(async () => (await cluster.redis.command('KEYS', '*:held:*')).length <= 3, 'what the dead node held to be swept', LONG);
    await Promise.all([alice.close(), bob.close(), carol.close()]);
    await doomed.start();
  });
});

describe('when a node freezes for longer than its lease', () => {
  let cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 2, settings: { 'grace-ms': 60_000 } });
  });
  after(() => cluster?.stop());

  test('its clients seem suspended, and come back to their seats when it wakes', async () => {
    const [near, frozen] = cluster.nodes;
    const [alice, bob] = [await join(near, fresh('alice')), await join(frozen, fresh('bob'))];
    const call = await pair(alice, bob);
    frozen.freeze();
    assert.equal((await alice.expect('call.suspended', undefined, LONG)).peer, 2);
    frozen.thaw();
    assert.equal((await bob.closed(LONG)).code, 1012);
    assert.equal((await bob.resume(frozen)).resumed, true);
    assert.equal((await alice.expect('call.resumed', undefined, LONG)).peer, 2);
    await alice.request('signal', { call, to: 2, data: 'welcome back' });
    assert.equal((await bob.expect('signal')).data, 'welcome back');
    await Promise.all([alice.close(), bob.close()]);
  });
});
