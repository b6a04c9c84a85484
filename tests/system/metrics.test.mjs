// What /metrics says is what happened: how sockets end, why requests fail, how many calls there are, how long a signal takes.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { OFFER, pair, room } from '../support/calls.mjs';
import { Client, fresh, join } from '../support/client.mjs';
import { run, startCluster } from '../support/cluster.mjs';
import { stretched, until } from '../support/wait.mjs';

describe('/metrics', () => {
  let cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 2 });
  });
  after(() => cluster?.stop());

  /** The sum of a metric over these nodes; `label` as in code="1000". */
  const sum = async (name, { nodes = cluster.nodes, label = '' } = {}) => {
    const texts = await Promise.all(nodes.map(async (node) => (await node.get('/metrics')).text));
    const found = texts.map((text) => new RegExp(`^switchboard_${name}\\{node="[^"]*"${label && `,${label}`}\\} (\\d+)$`, 'm').exec(text));
    assert.ok(found.every(Boolean), `${name} ${label} is there`);
    return found.reduce((total, [, n]) => total + Number(n), 0);
  };
  const becomes = (name, wanted, options) => {
    let last;
    return until(
      async () => {
        last = await sum(name, options);
        return last === wanted;
      },
      () => `${name} ${options?.label ?? ''} to be ${wanted}, not ${last}`,
    );
  };

  test('says which version runs since when, that the node is ready, and what it sees of the cluster', async () => {
    const [node] = cluster.nodes;
    const { text } = await node.get('/metrics');
    assert.match(text, /^switchboard_build_info\{node="[^"]+",version="[\w.-]+"\} 1$/m);
    assert.ok(Math.abs((await sum('start_time_seconds', { nodes: [node] })) - Date.now() / 1000) < 600);
    assert.ok((await sum('resident_memory_bytes', { nodes: [node] })) > 1_000_000);
    await becomes('ready', 2);
    assert.deepEqual([await sum('draining'), await sum('store_up')], [0, 2]);
    await becomes('cluster_nodes', 4);
    await becomes('partitions_owned', 64);
  });

  test('counts sockets by the code of who closed first', async () => {
    const [node] = cluster.nodes;
    const hasty = await cluster.add({ 'hello-timeout-ms': 200 });
    const closed = (code) => ({ label: `code="${code}"` });
    const before = Object.fromEntries(await Promise.all(['1000', '1005', '1006', '4001', '4002', '4005', 'other'].map(async (code) => [code, await sum('sockets_closed_total', closed(code))])));
    const user = fresh('alice');
    const first = await join(node, user);
    const second = await join(cluster.nodes[1], user);
    assert.equal((await first.closed()).code, 4005);
    await second.close();
    const silent = await new Client().connect(hasty);
    assert.equal((await silent.closed()).code, 4001);
    const wrong = await new Client().connect(node);
    wrong.sendRaw('nonsense');
    assert.equal((await wrong.closed()).code, 4002);
    for (const end of [(socket) => socket.close(), (socket) => socket.close(4006, 'as if'), (socket) => socket.terminate()]) {
      const client = await new Client().connect(node);
      end(client.socket);
      await client.closed();
    }
    for (const [code, n] of Object.entries(before)) await becomes('sockets_closed_total', n + 1, closed(code));
    assert.equal(await sum('sockets_closed_total', closed('4006')), 0, 'what a client claims is not what an operator did');
  });

  test('counts errors by their code', async () => {
    const failed = (code) => sum('requests_failed_total', { label: `code="${code}"` });
    const before = [await failed('bad_request'), await failed('not_found')];
    const alice = await join(cluster.nodes[0], fresh('alice'));
    await alice.refused('call.get', {}, 'bad_request');
    await alice.refused('call.get', { call: 'nothing' }, 'not_found');
    assert.deepEqual([await failed('bad_request'), await failed('not_found')], before.map((n) => n + 1));
    await alice.close();
  });

  test('counts each call once over all nodes, and its seats where they are', async () => {
    const [n1, n2] = cluster.nodes;
    const people = await Promise.all([join(n1, fresh('alice')), join(n2, fresh('bob')), join(n2, fresh('carol'))]);
    const call = await room(people[0], people.slice(1));
    await becomes('seats', 3);
    await becomes('seats', 2, { nodes: [n2] });
    await becomes('calls', 1);
    await becomes('calls', 1, { nodes: [n1] });
    await people[0].request('call.leave', { call });
    await becomes('calls', 1, { nodes: [n2] });
    await becomes('calls', 1);
    await people[1].request('call.leave', { call });
    await people[2].request('call.leave', { call });
    await becomes('calls', 0);
    await becomes('seats', 0);
    await Promise.all(people.map((one) => one.close()));
  });

  test('measures a signal from socket to socket at the node of the recipient', async () => {
    const [n1, n2] = cluster.nodes;
    const [alice, bob] = await Promise.all([join(n1, fresh('alice')), join(n2, fresh('bob'))]);
    const call = await pair(alice, bob);
    const says = async () => {
      await alice.request('signal', { call, to: 2, data: 'hello' });
      await bob.expect('signal');
      return (await sum('delivery_seconds_count', { nodes: [n2] })) > 0;
    };
    await until(says, 'both nodes to know the time');
    const before = [await sum('delivery_seconds_count', { nodes: [n1] }), await sum('delivery_seconds_count', { nodes: [n2] })];
    for (let i = 0; i < 5; i += 1) {
      await alice.request('signal', { call, to: 2, data: i });
      await bob.expect('signal');
    }
    await becomes('delivery_seconds_count', before[1] + 5, { nodes: [n2] });
    assert.equal(await sum('delivery_seconds_count', { nodes: [n1] }), before[0]);
    const total = Number(/^switchboard_delivery_seconds_sum\S* (\S+)$/m.exec((await n2.get('/metrics')).text)[1]);
    assert.ok(total < 60, `${total} s for a few signals: two nodes mean the same time`);
    await Promise.all([alice.close(), bob.close()]);
  });
});

/** All samples of a node whose name and labels (but for the node's) are these: 'sockets', 'store_scripts_total{script="ring"}'. */
async function samplesOf(node) {
  const { text } = await node.get('/metrics');
  const lines = [...text.matchAll(/^switchboard_(\w+)\{node="[^"]*",?(.*)\} (\S+)$/gm)];
  return new Map(lines.map(([, name, labels, value]) => [labels ? `${name}{${labels}}` : name, Number(value)]));
}

/** Does something, and then waits until each sample has grown by what is said; [n] is n or more. */
async function moves(node, wanted, something) {
  const before = await samplesOf(node);
  const result = await something();
  let grown;
  await until(
    async () => {
      const now = await samplesOf(node);
      grown = Object.fromEntries(Object.keys(wanted).map((name) => [name, now.get(name) - before.get(name)]));
      return Object.entries(wanted).every(([name, by]) => (Array.isArray(by) ? grown[name] >= by[0] : grown[name] === by));
    },
    () => `${JSON.stringify(wanted)}, not ${JSON.stringify(grown)}`,
  );
  return result;
}

describe('what is counted is what happened', () => {
  let cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 2, settings: { 'grace-ms': stretched(60_000) } });
  });
  after(() => cluster?.stop());
  const two = async () => [await join(cluster.nodes[0], fresh('alice')), await join(cluster.nodes[1], fresh('bob'))];
  const close = (...all) => Promise.all(all.map((one) => one.close()));

  test('signals: at the node of who sends them, events at the node of who gets them', async () => {
    const [n1, n2] = cluster.nodes;
    const [alice, bob] = await two();
    const call = await pair(alice, bob);
    await alice.settle();
    const send = async () => {
      for (let i = 0; i < 7; i += 1) await alice.request('signal', { call, to: 2, data: 'x'.repeat(100) });
      await bob.expectMany('signal', 7);
    };
    const sent = { frames_in_total: 7, requests_total: 7, signals_total: 7, relay_seconds_count: 7, events_total: 0, 'store_scripts_total{script="signal"}': 7 };
    const taken = { frames_out_total: 7, events_total: 7, signals_total: 0, bytes_out_total: [700] };
    await moves(n1, { ...sent, frames_out_total: 7, bytes_in_total: [700], store_seconds_count: [7], store_commands_total: [7], store_writes_total: [1] }, () => moves(n2, taken, send));
    await close(alice, bob);
  });

  test('presence: watched users where they are watched, changes and events there', async () => {
    const [n1] = cluster.nodes;
    const [alice, bob] = await two();
    await moves(n1, { watched_users: 1 }, () => alice.request('presence.watch', { users: [bob.user] }));
    await moves(n1, { presence_changes_total: 1, presence_events_total: 1 }, () => bob.request('presence.set', { status: 'dnd' }));
    await moves(n1, { watched_users: -1, sockets: -1, sessions: -1 }, () => alice.close());
    await bob.close();
  });

  test('resumes, those that come too late, and holes in what the bus brought', async () => {
    const [n1, n2] = cluster.nodes;
    const [alice, bob] = await two();
    const call = await pair(alice, bob);
    await alice.drop();
    await bob.expect('call.suspended');
    await moves(n2, { resumes_total: 1, resumes_refused_total: 0 }, () => alice.resume(n2));
    await bob.expect('call.resumed');
    // An event that is stored, and of which the bus says nothing.
    const copy = `local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
      redis.call('XADD', KEYS[2], redis.call('HINCRBY', KEYS[1], 'seq', 1) .. '-0', unpack(last[2]))`;
    const keys = await cluster.redis.command('KEYS', `*${bob.session}`);
    const [session, mailbox] = ['session', 'mailbox'].map((kind) => keys.find((key) => key.includes(`:${kind}:`)));
    await moves(n2, { gaps_healed_total: 1 }, async () => {
      await alice.request('signal', { call, to: 2, data: 'one' });
      await bob.expect('signal');
      await cluster.redis.command('EVAL', copy, '2', session, mailbox);
      await alice.request('signal', { call, to: 2, data: 'three' });
      assert.deepEqual((await bob.expectMany('signal', 2)).map(({ data }) => data), ['one', 'three']);
    });
    await alice.request('bye');
    await close(alice, bob);
    await moves(n1, { resumes_total: 0, resumes_refused_total: 1 }, () => alice.resume(n1));
    await alice.close();
  });

  test('what is refused at the door, for its rate, and for what waits unread', async () => {
    const small = await cluster.add({ 'sockets-max': 2, 'frames-burst': 20, 'frames-per-second': 1, 'mailbox-events-max': 8 });
    assert.equal((await samplesOf(small)).get('sockets_limit'), 2);
    const greedy = await join(small, fresh('greedy'));
    const failed = { rate_limited_total: [1], 'requests_failed_total{code="rate_limited"}': [1] };
    await moves(small, failed, () => Promise.all(Array.from({ length: 40 }, () => greedy.ask('ping'))));
    await moves(small, { handshakes_refused_total: 1, sockets_opened_total: 0 }, () => assert.rejects(new Client().connect(small, { protocols: ['telnet'] })));
    const silent = await new Client({ ack: false }).connect(small);
    await moves(small, { handshakes_refused_total: 1, sockets_opened_total: 0 }, () => assert.rejects(new Client().connect(small)));
    await close(greedy, silent);
    const [alice, bob] = [await join(cluster.nodes[0], fresh('alice')), await join(small, fresh('bob'), { ack: false })];
    const call = await pair(alice, bob);
    // As many as the sender's node lets into a mailbox.
    await moves(small, { mailbox_overruns_total: 1, slow_readers_total: 0, 'sockets_closed_total{code="4008"}': 1 }, async () => {
      const fill = `redis.call('HSET', KEYS[1], 'acked', redis.call('HGET', KEYS[1], 'seq') - 4096)`;
      const keys = await cluster.redis.command('KEYS', `*:session:${bob.session}`);
      await cluster.redis.command('EVAL', fill, '1', keys[0]);
      await alice.refused('signal', { call, to: 2, data: 'too much' }, 'not_found');
      assert.equal((await bob.closed()).code, 4008);
    });
    await alice.close();
    await small.stop();
    cluster.nodes.pop();
  });

  test('calls that an operator ends are told by the owner of their partition', async () => {
    const [alice, bob] = await two();
    const call = await pair(alice, bob);
    const sum = async (name) => (await Promise.all(cluster.nodes.map(samplesOf))).reduce((total, samples) => total + samples.get(name), 0);
    const before = [await sum('timers_fired_total'), await sum('fanouts_finished_total')];
    assert.equal((await run(['call', 'end', '--redis', cluster.redis.url, call], { ms: stretched(20_000) })).code, 0);
    await alice.expect('call.ended');
    await until(async () => (await sum('timers_fired_total')) > before[0] && (await sum('fanouts_finished_total')) > before[1], 'both to grow');
    await close(alice, bob);
  });

  test('a node that dies leaves sessions to sweep, one that stood still finds its lease lapsed', async () => {
    const [n1] = cluster.nodes;
    const [dying, frozen] = [await cluster.add(), await cluster.add()];
    const guests = [await join(dying, fresh('guest')), await join(dying, fresh('guest')), await join(frozen, fresh('guest'))];
    const swept = async () => (await samplesOf(n1)).get('sessions_swept_total') + (await samplesOf(cluster.nodes[1])).get('sessions_swept_total');
    const before = await swept();
    frozen.freeze();
    await dying.kill();
    await until(async () => (await swept()) - before === guests.length, 'the sessions of both to be swept');
    frozen.thaw();
    await until(async () => (await samplesOf(frozen)).get('leases_lapsed_total') >= 1, 'a lapsed lease');
    await frozen.stop();
    cluster.nodes.length = 2;
  });

  test('what Redis refuses, breaks and leaves without an answer', async () => {
    const [n1] = cluster.nodes;
    const alice = await join(n1, fresh('alice'));
    await moves(n1, { store_reconnects_total: [2] }, () => cluster.redis.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes').then(() => cluster.redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub')));
    await n1.untilReady();
    await moves(n1, { store_errors_total: [1], 'requests_failed_total{code="unavailable"}': [1] }, async () => {
      await cluster.redis.command('CONFIG', 'SET', 'maxmemory', '1');
      await alice.refused('offer.post', { offer: OFFER }, 'unavailable');
      await cluster.redis.command('CONFIG', 'SET', 'maxmemory', '0');
    });
    process.kill(cluster.redis.pid, 'SIGSTOP');
    try {
      await moves(n1, { store_timeouts_total: [1], canary_lost_total: [1], store_pending: [1] }, () => alice.refused('offer.post', { offer: OFFER }, 'unavailable'));
      await until(async () => (await samplesOf(n1)).get('ready') === 0, 'it to say that it is not ready');
    } finally {
      process.kill(cluster.redis.pid, 'SIGCONT');
    }
    await Promise.all(cluster.nodes.map((node) => node.untilReady()));
    assert.ok((await samplesOf(n1)).get('store_resent_total') > 0);
    await until(async () => (await samplesOf(n1)).get('store_up') === 1, 'Redis to be there');
    await alice.close();
  });

  test('the loop: a node that stands still is late, by as much', async () => {
    const [n1] = cluster.nodes;
    await moves(n1, { loop_lag_seconds_count: [1], 'loop_lag_seconds_sum': [0.3] }, async () => {
      n1.freeze();
      await pause(500);
      n1.thaw();
    });
    await moves(n1, { cpu_seconds_total: [0.0001] }, () => n1.get('/metrics'));
  });
});
