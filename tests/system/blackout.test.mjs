// Every node dies at once (promises 3, 4, 6): Redis keeps what was, and the first node that comes back does what was due meanwhile. Or Redis goes away
// from one of them (promise 9).
import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { OFFER, pair } from '../support/calls.mjs';
import { Client, fresh, join } from '../support/client.mjs';
import { startCluster } from '../support/cluster.mjs';
import { stretched, unhurried, until } from '../support/wait.mjs';

const LONG = stretched(60_000);
const TTL_MS = 1000;
const KNOWN_TO_MS = stretched(500); // more than a question to Redis takes: so well do nodes know its time

/** So much time goes by at Redis. */
async function later(redis, ms) {
  const now = async () => {
    const [seconds, micros] = await redis.command('TIME');
    return Number(seconds) * 1000 + Number(micros) / 1000;
  };
  const from = await now();
  await until(async () => (await now()) > from + ms, 'time to go by', LONG);
}

/** All nodes are killed, and one starts again once so much time has gone by at Redis. */
async function blackout({ nodes, redis }, ms) {
  await Promise.all(nodes.map((node) => node.kill()));
  await later(redis, ms);
  await nodes[0].start();
}

describe('when every node dies', () => {
  let cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 2, settings: { 'grace-ms': stretched(60_000) } });
  });
  after(() => cluster?.stop());

  test('whoever comes back within the grace time has missed nothing, and what was due meanwhile is done', async () => {
    const [alice, bob] = [await join(cluster.nodes[0], fresh('alice')), await join(cluster.nodes[1], fresh('bob'))];
    const call = await pair(alice, bob);
    const posted = await alice.request('offer.post', { offer: OFFER, ttl_ms: TTL_MS });
    await bob.drop();
    await alice.expect('call.suspended');
    await alice.request('signal', { call, to: 2, data: 'before the dark' });
    await blackout(cluster, TTL_MS);

    assert.equal((await alice.resume(cluster.nodes[0])).resumed, true);
    assert.equal((await bob.resume(cluster.nodes[0])).resumed, true);
    assert.equal((await bob.expect('signal')).data, 'before the dark');
    assert.equal((await alice.expect('call.ended', (event) => event.call === posted.call, LONG)).reason, 'expired');
    await bob.request('signal', { call, to: 1, data: 'after it' });
    assert.equal((await alice.expect('signal')).data, 'after it');
    assert.equal((await alice.request('call.get', { call })).state, 'active');
    await cluster.nodes[1].start();
    await Promise.all([alice.close(), bob.close()]);
  });
});

describe('when every node is dead for longer than the grace time', () => {
  const GRACE_MS = 1000;
  let cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 2, settings: { 'grace-ms': GRACE_MS } });
  });
  after(() => cluster?.stop());

  test('the first that comes back ends what is left of their sessions and calls', async () => {
    const [alice, bob] = [await join(cluster.nodes[0], fresh('alice')), await join(cluster.nodes[1], fresh('bob'))];
    const call = await pair(alice, bob);
    await blackout(cluster, GRACE_MS);
    for (const { session } of [alice, bob]) await until(async () => (await cluster.redis.command('KEYS', `*:${session}*`)).length === 0, 'the session to be forgotten', LONG);
    assert.equal((await alice.resume(cluster.nodes[0])).resumed, false);
    await alice.refused('call.get', { call }, 'not_found');
    await cluster.nodes[1].start();
    await alice.close();
  });
});

/** A way to Redis that can be shut: what a node says meanwhile waits there. */
async function gate(redis) {
  const path = `${redis.dir}/gate.sock`;
  const nodes = new Set();
  let open = true;
  const server = createServer((node) => {
    const upstream = connect(redis.socket);
    nodes.add(node);
    if (!open) node.pause();
    for (const [from, to] of [[node, upstream], [upstream, node]]) {
      from.on('data', (bytes) => to.write(bytes));
      from.on('error', () => {});
      from.on('close', () => to.destroy());
    }
  });
  await new Promise((resolve) => server.listen(path, resolve));
  return {
    url: `unix://${path}`,
    shut() {
      open = false;
      for (const node of nodes) node.pause();
    },
    open() {
      open = true;
      for (const node of nodes) node.resume();
    },
    close: () => server.close(),
  };
}

describe('when Redis is away from one node only', () => {
  let cluster;
  let way;
  let far;
  before(async () => {
    cluster = await startCluster({ nodes: 1 });
    way = await gate(cluster.redis);
    far = await cluster.add({ redis: way.url });
  });
  after(async () => {
    await cluster?.stop();
    way?.close();
  });

  test('for longer than its lease: its clients seem suspended, and come back to their seats afterwards', async () => {
    const [alice, bob] = [await join(cluster.nodes[0], fresh('alice')), await join(far, fresh('bob'))];
    const call = await pair(alice, bob);
    way.shut();
    assert.equal((await alice.expect('call.suspended', undefined, LONG)).peer, 2);
    way.open();
    assert.equal((await bob.closed(LONG)).code, 1012);
    assert.equal((await bob.resume(far)).resumed, true);
    await alice.expect('call.resumed', undefined, LONG);
    await alice.request('signal', { call, to: 2, data: 'welcome back' });
    assert.equal((await bob.expect('signal')).data, 'welcome back');
    await Promise.all([alice.close(), bob.close()]);
  });

  for (const [what, resumes] of [['resume', true], ['hello', false]]) {
    // A node that is not answered within five seconds says so: then it has to be done faster.
    test(`a ${what} that waits there takes nothing from whoever came in elsewhere meanwhile`, () =>
      unhurried(async () => {
        const [near] = cluster.nodes;
        const frames = async () => Number(/frames_in_total(?:\{[^}]*\})? (\d+)/.exec((await far.get('/metrics')).text)[1]);
        const alice = await join(near, fresh('alice'));
        await alice.drop();
        const resume = { session: alice.session, key: alice.key, seq: 0 };
        const late = await new Client().connect(far);
        const before = await frames();
        way.shut();
        try {
          const answer = late.ask('hello', { token: alice.token, device: 'phone', resume: resumes ? resume : undefined }, 1);
          const unanswered = assert.rejects(answer, /closed with 1012/);
          unanswered.catch(() => {}); // it is waited for below
          await until(async () => (await frames()) > before, 'the hello to come in');
          await later(cluster.redis, KNOWN_TO_MS);
          assert.equal((await alice.resume(near)).resumed, true);
          way.open();
          await unanswered;
        } finally {
          way.open();
        }
        await alice.settle();
        await alice.close();
      }));
  }
});
