// What an operator sees and does: switchboard status, kick, call end, drain.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { room } from '../support/calls.mjs';
import { fresh, join } from '../support/client.mjs';
import { BINARY, cleanEnvironment, run, startCluster } from '../support/cluster.mjs';
import { startProcess } from '../support/processes.mjs';
import { startRedis } from '../support/redis.mjs';
import { until, within } from '../support/wait.mjs';

/** Runs a command of an operator on that cluster. */
const operate = (cluster, ...args) => run([...args, '--redis', cluster.redis.url]);
const look = async (cluster) => JSON.parse((await operate(cluster, 'status', '--json')).stdout);
/** The cluster as status shows it, once it is as wanted. */
async function sees(cluster, wanted, what) {
  let last;
  return until(
    async () => {
      last = await look(cluster);
      return wanted(last) && last;
    },
    () => `${what}; it shows ${JSON.stringify(last)}`,
  );
}

describe('switchboard status', () => {
  let cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 3 });
  });
  after(() => cluster?.stop());

  test('shows what the nodes hold, and whose the partitions are as the nodes themselves see it', async () => {
    const [n1, n2, n3] = cluster.nodes;
    const people = await Promise.all([join(n1, fresh('alice')), join(n1, fresh('bob')), join(n2, fresh('carol')), join(n3, fresh('dave'))]);
    await room(people[0], people.slice(1));
    const seen = await sees(cluster, ({ nodes, total }) => nodes.length === 3 && total.sockets === 4 && total.seats === 4, 'three nodes with four seats');
    assert.deepEqual([seen.total.sessions, seen.total.calls, seen.partitions, seen.gone], [4, 1, 64, []]);
    const texts = await Promise.all(cluster.nodes.map(async (node) => (await node.get('/metrics')).text));
    for (const text of texts) {
      const [, id, owned] = /^switchboard_partitions_owned\{node="([^"]+)"\} (\d+)$/m.exec(text);
      const node = seen.nodes.find((one) => one.node === id);
      assert.equal(node.partitions, Number(owned));
      assert.equal(node.state, 'here');
      assert.match(node.version, /^\d+\.\d+\.\d+$/);
      assert.ok(node.host.length > 0);
    }
    assert.equal(seen.redis.version.split('.')[0] >= '7', true);

    const { code, stdout } = await operate(cluster, 'status');
    assert.equal(code, 0);
    for (const { node } of seen.nodes) assert.match(stdout, new RegExp(`^${node} +here +\\d`, 'm'));
    assert.match(stdout, /^3 nodes +4 +4 +1 /m);
    assert.doesNotMatch(stdout, /\x1b/, 'colours are for terminals');
    await Promise.all(people.map((one) => one.close()));
  });

  test('tells who left from who was lost', async () => {
    const [, n2, n3] = cluster.nodes;
    await n2.stop();
    await n3.kill();
    const { gone } = await sees(cluster, ({ nodes, gone: list }) => nodes.length === 1 && list.length === 2, 'one node, and two that are gone');
    assert.deepEqual(gone.map(({ state }) => state).sort(), ['left', 'lost']);
    assert.match((await operate(cluster, 'status')).stdout, /^\S+ +lost \d+ s ago/m);
    await Promise.all([n2.start(), n3.start()]);
  });

  test('--watch looks again and again: in place on a terminal, an object a line for machines, until it is told to end', async () => {
    const command = `stty cols 60; exec ${BINARY} status --watch --redis ${cluster.redis.url}`;
    const terminal = startProcess('script', ['-qefc', command, '/dev/null'], { env: cleanEnvironment({ TERM: 'xterm' }), stdio: ['pipe', 'pipe', 'pipe'] });
    await until(() => terminal.output.split('\x1b[H').length > 3, () => `three looks; it wrote ${JSON.stringify(terminal.output)}`);
    assert.match(terminal.output, /\x1b\[32mhere\x1b\[0m/);
    const [, page] = terminal.output.split('\x1b[H');
    for (const line of page.replace(/\x1b\[[0-9]*[A-Za-z]/g, '').split('\r\n')) assert.ok(line.length <= 80, line);
    assert.doesNotMatch(page, /HOST/, 'sixty columns have no room for it');
    terminal.child.stdin.write('\x03');
    assert.equal((await within(terminal.exited, 'Ctrl-C to end it')).code, 0);

    const machine = startProcess(BINARY, ['status', '--watch', '--json', '--redis', cluster.redis.url], { env: cleanEnvironment() });
    await until(() => machine.stdout.split('\n').length > 2, 'two objects');
    for (const line of machine.stdout.trimEnd().split('\n')) assert.equal(JSON.parse(line).partitions, 64);
    machine.child.kill('SIGTERM');
    assert.equal((await within(machine.exited, 'SIGTERM to end it')).code, 0);
  });

  test('says what is wrong, and ends with 1 for the world and 2 for its caller', async () => {
    const empty = await startRedis();
    try {
      const cases = [
        [['status', '--redis', 'redis://127.0.0.1:1'], 1, /Redis can't be asked: .*refused/],
        [['status', '--redis', empty.url], 1, /no node was ever at this Redis/],
        [['status', '--redis', 'nonsense'], 2, /--redis/],
        [['status'], 2, /--redis URL is missing/],
        [['status', 'alice', '--redis', empty.url], 2, /more names/],
        [['status', '--bogus', '--redis', empty.url], 2, /no option --bogus/],
      ];
      for (const [args, code, said] of cases) {
        const ended = await run(args);
        assert.equal(ended.code, code, `${args}: ${ended.output}`);
        assert.match(ended.output, said);
      }
      assert.equal((await run(['status'], { env: { SWITCHBOARD_REDIS: cluster.redis.url, SWITCHBOARD_REDIS_DIR: '/x' } })).code, 0, 'in the environment, as for a node');
    } finally {
      await empty.stop();
    }
  });
});
