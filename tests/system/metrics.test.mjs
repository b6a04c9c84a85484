// What /metrics says is what happened: how sockets end, why requests fail, how many calls there are, how long a signal takes.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { pair, room } from '../support/calls.mjs';
import { Client, fresh, join } from '../support/client.mjs';
import { startCluster } from '../support/cluster.mjs';
import { until } from '../support/wait.mjs';

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
    assert.equal(await sum('sockets_closed_total', closed('4006')), 0, 'what a client claims is not what an administrator did');
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
