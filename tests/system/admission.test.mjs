// Overload refuses newcomers before it harms those inside (promise 8): hellos are let in at a bounded rate, and the rest is told when to come back.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { pair } from '../support/calls.mjs';
import { Client, fresh, join } from '../support/client.mjs';
import { startCluster } from '../support/cluster.mjs';
import { mint } from '../support/token.mjs';
import { stretched, until } from '../support/wait.mjs';

/** On a socket of its own, before its hello. */
async function arrive(node, user) {
  const client = new Client();
  client.token = mint(user);
  return client.connect(node);
}

/** Its hello: {client} that is in, or {after} when it may come back. */
async function knock(client) {
  const closed = client.closed(stretched(30_000));
  const welcome = await client.hello({ device: 'phone' }).catch(() => null);
  if (welcome) return { client };
  const { code } = await closed;
  assert.equal(code, 1013);
  const [notice, ...more] = client.events;
  assert.deepEqual(more, []);
  assert.equal(notice?.type, 'reconnect');
  assert.equal(notice.seq, undefined);
  assert.equal(notice.after_ms, notice.retry_after_ms);
  return { after: notice.after_ms };
}

/** As a good client does: comes back when it was told to. `knocked` is its first try. */
async function comeIn(node, user, told, knocked) {
  for (;;) {
    const { client, after } = await (knocked ?? knock(await arrive(node, user)));
    if (client) return client;
    told.push(after);
    knocked = undefined;
    await pause(after);
  }
}

/** So many at the same moment: however slow this process is, the node finds all their hellos when it wakes. {knocks, began}: when nobody was in yet. */
async function storm(node, count) {
  const clients = await Promise.all(Array.from({ length: count }, () => arrive(node, fresh('stormer'))));
  node.freeze();
  const knocks = clients.map(knock);
  const began = Date.now();
  node.thaw();
  return { knocks, began };
}

describe('a storm of hellos', () => {
  test('is let in at the rate that is set; the others are told different times to come back, and all get in', async () => {
    const cluster = await startCluster({ nodes: 1, settings: { 'hellos-per-second': 100, 'hellos-burst': 20 } });
    try {
      const [node] = cluster.nodes;
      const many = 400;
      const told = [];
      const { knocks, began } = await storm(node, many);
      const clients = await Promise.all(knocks.map((knocked) => comeIn(node, fresh('stormer'), told, knocked)));
      const tookMs = Date.now() - began;
      assert.ok(tookMs >= ((many - 20) / 100) * 1000 - 200, `${many} in ${tookMs} ms`);
      assert.ok(told.length > 0, 'some were told to come back');
      assert.ok(Math.min(...told) >= 500 && Math.max(...told) <= 45_000, `${Math.min(...told)}–${Math.max(...told)} ms`);
      assert.ok(new Set(told).size > told.length / 4, 'they are told different times');
      assert.ok(Math.max(...told) > 2 * Math.min(...told), 'later, the more there are');
      assert.equal(await node.metric('hellos_admitted_total'), many);
      assert.equal(await node.metric('hellos_refused_total'), told.length);
      assert.equal(await node.metric('hellos_waiting'), 0);
      for (const client of clients) await client.close();
    } finally {
      await cluster.stop();
    }
  });

  test('lets those who resume in first', async () => {
    const cluster = await startCluster({ nodes: 1, settings: { 'hellos-per-second': 2, 'hellos-burst': 3 } });
    try {
      const [node] = cluster.nodes;
      const [alice, bob] = [await join(node, fresh('alice')), await join(node, fresh('bob'))];
      const call = await pair(alice, bob);
      await alice.drop();
      await bob.expect('call.suspended');
      let outside = 20; // ten seconds' worth of them
      const newcomers = Array.from({ length: outside }, () => comeIn(node, fresh('newcomer'), []).then(() => (outside -= 1)));
      await until(async () => (await node.metric('hellos_refused_total')) > 0, 'the queue, of two seconds, to be full');
      assert.equal((await alice.resume(node)).resumed, true);
      assert.ok(outside > 0, 'newcomers who came before wait on');
      await bob.expect('call.resumed', (event) => event.call === call);
      await Promise.all(newcomers);
    } finally {
      await cluster.stop();
    }
  });

  test('harms nobody who is inside: signals go on', async () => {
    const cluster = await startCluster({ nodes: 1, settings: { 'hellos-per-second': 50, 'hellos-burst': 10 } });
    try {
      const [node] = cluster.nodes;
      const [alice, bob] = [await join(node, fresh('alice')), await join(node, fresh('bob'))];
      const call = await pair(alice, bob);
      const { knocks } = await storm(node, 300);
      const sent = [];
      for (let n = 0; n < 200; n += 1) sent.push(alice.request('signal', { call, to: 2, data: n }));
      await Promise.all(sent);
      const got = await bob.expectMany('signal', 200);
      assert.deepEqual(got.map(({ data }) => data), got.map((_, i) => i));
      assert.ok((await Promise.all(knocks)).some(({ after }) => after), 'some of the storm were told to come back');
    } finally {
      await cluster.stop();
    }
  });
});

describe('a node that leaves', () => {
  test('tells newcomers to come back and closes with 1013', async () => {
    const cluster = await startCluster({ nodes: 1, settings: { 'drain-ms': 600_000 } });
    try {
      const [node] = cluster.nodes;
      for (let i = 0; i < 5; i += 1) await join(node, fresh('alice')); // they are sent away at random times: somebody is there for a while
      node.signal('SIGTERM');
      await until(async () => (await node.metric('draining')) === 1, 'the node to leave');
      const client = await new Client().connect(node);
      const notice = await client.expect('reconnect');
      assert.equal(notice.after_ms, notice.retry_after_ms);
      assert.equal((await client.closed()).code, 1013);
    } finally {
      await cluster.stop();
    }
  });
});
