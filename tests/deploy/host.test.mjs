// deploy/systemd, deploy/sysctl, deploy/redis: what a machine is set up with.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join as path } from 'node:path';
import { describe, test } from 'node:test';
import { OFFER, pair } from '../support/calls.mjs';
import { fresh, join } from '../support/client.mjs';
import { BINARY, freePort, run, startCluster } from '../support/cluster.mjs';
import { startLine } from '../support/line.mjs';
import { startRedis } from '../support/redis.mjs';
import { until } from '../support/wait.mjs';
import { defaultOf, inEnvironment, judge, needs, pathOf, scratch, settingNames, textOf } from './tools.mjs';

const UNIT = 'systemd/switchboard.service';
/** Lines of `key = value` without comments. */
const pairs = (text) => [...text.matchAll(/^([^#\s[][^=]*?)\s*=\s*(.*)$/gm)].map(([, key, value]) => [key, value]);
const valueOf = (text, key) => pairs(text).find(([name]) => name === key)?.[1];
// What the node adds to the drain window: node/drain.c.
const AFTER_DRAIN_MS = 6000 + 2000;

describe('switchboard.service', () => {
  test('is what systemd understands', needs('systemd-analyze'), async () => {
    const dir = scratch();
    const file = path(dir, 'switchboard.service');
    writeFileSync(file, textOf(UNIT).replaceAll('/usr/local/bin/switchboard', `"${BINARY}"`));
    const { code, output } = await judge('systemd-analyze', ['verify', '--man=no', file]);
    assert.equal(code, 0, output);
    assert.doesNotMatch(output, /switchboard\.service/, 'no complaint');
  });

  test('leaves little to whoever takes the node over', needs('systemd-analyze'), async () => {
    const { code, output } = await judge('systemd-analyze', ['security', '--offline=yes', '--threshold=20', '--no-pager', pathOf(UNIT)]);
    assert.equal(code, 0, output.trim().split('\n').at(-1));
  });

  test('waits for a node that leaves', async () => {
    assert.ok(Number(valueOf(textOf(UNIT), 'TimeoutStopSec')) * 1000 > (await defaultOf('drain-ms')) + AFTER_DRAIN_MS);
  });

  test('sets nothing that is no setting', async () => {
    const known = new Set([...(await settingNames())].map(inEnvironment));
    for (const [name] of textOf(UNIT).matchAll(/SWITCHBOARD_[A-Z_]+/g)) assert.ok(known.has(name), name);
  });
});

describe('switchboard.conf, its example of settings,', () => {
  test('is understood, and stops at the Redis that is not there', async () => {
    const { code, output } = await run(['serve', '--config', pathOf('systemd/switchboard.conf'), '--redis', 'unix:///nonexistent/redis.sock', '--listen', '127.0.0.1:0']);
    assert.equal(code, 1, `a mistake in the settings would be a 2: ${output}`);
    assert.match(output, /redis/i);
  });

  test('has limits that the unit allows', () => {
    const sockets = Number(valueOf(textOf('systemd/switchboard.conf'), 'sockets-max'));
    assert.ok(Number(valueOf(textOf(UNIT), 'LimitNOFILE')) > sockets);
  });
});

describe('90-switchboard.conf', () => {
  const settings = pairs(textOf('sysctl/90-switchboard.conf'));
  const now = (key) => {
    try {
      return readFileSync(`/proc/sys/${key.replaceAll('.', '/')}`, 'utf8').trim();
    } catch {
      return undefined;
    }
  };

  test('has nothing but settings and comments', () => {
    const lines = textOf('sysctl/90-switchboard.conf').split('\n').filter((line) => line && !line.startsWith('#'));
    assert.equal(lines.length, settings.length);
    for (const line of lines) assert.match(line, /^[a-z]+(\.[a-z0-9_-]+)+ = [0-9, ]+$/);
    assert.equal(new Set(settings.map(([key]) => key)).size, settings.length, 'each once');
  });

  test('names what the kernel knows, with as many values as it takes', () => {
    // Some of net.* are not shown inside of a container's namespace.
    const seen = settings.filter(([key]) => now(key) !== undefined);
    assert.ok(seen.length >= settings.length / 2, `${seen.length} of ${settings.length} can be looked at`);
    for (const [key, value] of seen.filter(([name]) => !/reserved_ports/.test(name))) assert.equal(value.split(/\s+/).length, now(key).split(/\s+/).length, key);
  });

  test('explains each line or group of lines', () => {
    const lines = textOf('sysctl/90-switchboard.conf').split('\n');
    const unexplained = lines.filter((line, i) => /^[a-z]/.test(line) && !/^[#a-z]/.test(lines[i - 1]));
    assert.deepEqual(unexplained, []);
  });

  test('allows one process as many files as the unit asks for, and does not limit the machine', () => {
    const value = (key) => Number(settings.find(([name]) => name === key)[1]);
    const limit = Number(valueOf(textOf(UNIT), 'LimitNOFILE'));
    assert.ok(value('fs.nr_open') >= limit);
    assert.ok(!settings.some(([key]) => key === 'fs.file-max'));
    assert.ok(limit > 1_000_000 && limit < 10_000_000, 'above ten million the library makes do with 2,560');
  });

  test('lets as many wait as the store\'s file says', () => {
    const backlog = Number(/^tcp-backlog (\d+)$/m.exec(textOf('redis/redis.conf'))[1]);
    assert.ok(Number(settings.find(([key]) => key === 'net.core.somaxconn')[1]) >= backlog);
  });
});

describe('redis.conf', () => {
  /** A server with this configuration, and what it says of a setting. */
  async function withServer(text, play) {
    const file = path(scratch(), 'redis.conf');
    writeFileSync(file, text);
    // Behind options that say the opposite, so that it is the file that counts.
    const contrary = ['--save', '60 1', '--maxmemory-policy', 'allkeys-lru', '--timeout', '10', '--min-replicas-to-write', '0', '--tcp-keepalive', '0'];
    const redis = await startRedis({ appendOnly: false, args: [...contrary, '--include', file] });
    try {
      await play(async (name) => (await redis.command('CONFIG', 'GET', name))[1], redis);
    } finally {
      await redis.stop();
    }
  }

  test('gives the promises what they need', () =>
    withServer(textOf('redis/redis.conf'), async (value) => {
      assert.equal(await value('appendonly'), 'yes');
      assert.equal(await value('appendfsync'), 'everysec');
      assert.equal(await value('save'), '');
      assert.equal(await value('maxmemory-policy'), 'noeviction');
      assert.match(await value('client-output-buffer-limit'), /pubsub 67108864 33554432 60$/);
      assert.equal(await value('timeout'), '0');
      assert.equal(await value('tcp-keepalive'), '60');
      assert.equal(await value('min-replicas-to-write'), '0', 'one server alone has to write');
    }));

  test('understands what it has in store for a replica', () => {
    const text = textOf('redis/redis.conf').replace(/^# (min-replicas|maxmemory )/gm, '$1');
    return withServer(text, async (value) => {
      assert.equal(await value('min-replicas-to-write'), '1');
      assert.equal(await value('maxmemory'), String(4 * 2 ** 30));
    });
  });

  test('keeps what was said when the server is killed', () =>
    withServer(textOf('redis/redis.conf'), async (_, redis) => {
      await redis.command('SET', 'said', 'done');
      await redis.kill();
      await redis.start();
      assert.equal(await redis.command('GET', 'said'), 'done');
    }));

  test('moves to another machine as docs/operations.md says, and nothing is lost', async () => {
    const file = path(scratch(), 'redis.conf');
    writeFileSync(file, textOf('redis/redis.conf'));
    const ports = [await freePort(), await freePort()];
    const args = (port, ...more) => ['--port', `${port}`, '--bind', '127.0.0.1', '--include', file, ...more];
    const cluster = await startCluster({ nodes: 0, redis: { args: args(ports[0], '--repl-diskless-sync-delay', '0') } });
    const place = { port: ports[0] }; // where the name leads
    const line = await startLine(place);
    const next = await startRedis({ args: args(ports[1]) });
    try {
      const node = await cluster.add({ redis: `redis://127.0.0.1:${line.port}`, 'grace-ms': 300_000 });
      const [alice, bob] = [await join(node, fresh('alice')), await join(node, fresh('bob'), { ack: false })];
      const call = await pair(alice, bob);
      await bob.drop();
      await alice.expect('call.suspended');
      await alice.request('signal', { call, to: 2, data: 'before' });
      await next.command('REPLICAOF', '127.0.0.1', `${ports[0]}`);
      await until(async () => /master_link_status:up/.test(await next.command('INFO', 'replication')), 'the replica to have all');
      await cluster.redis.command('SHUTDOWN').catch(() => {}); // it waits for the replica
      await next.command('REPLICAOF', 'NO', 'ONE');
      place.port = ports[1];
      await node.untilReady();
      assert.equal((await bob.resume(node)).resumed, true);
      assert.equal((await bob.expect('signal')).data, 'before');
      await until(async () => (await alice.ask('signal', { call, to: 2, data: 'behind' })).type === 'ok', 'a signal to go');
      assert.equal((await bob.expect('signal')).data, 'behind');
      assert.match((await node.get('/metrics')).text, /^switchboard_sessions_restored_total\{[^}]*\} 0$/m);
      await Promise.all([alice.close(), bob.close()]);
    } finally {
      await cluster.stop();
      line.close();
      await next.stop();
    }
  });

  test('has a user with the rights that nodes and operators need, and no others', async () => {
    const [, rights] = /^# user switchboard on >PASSWORD (.*)$/m.exec(textOf('redis/redis.conf'));
    const cluster = await startCluster({ nodes: 0, redis: { args: ['--user', 'switchboard', 'on', '>secret', ...rights.split(' ')] } });
    try {
      const redis = `unix://switchboard:secret@${cluster.redis.socket}`;
      const nodes = [await cluster.add({ redis, dev: true }), await cluster.add({ redis, 'grace-ms': 100 })];
      const [alice, bob] = [await join(nodes[0], fresh('alice')), await join(nodes[1], fresh('bob'))];
      await alice.request('presence.watch', { users: [bob.user] });
      await bob.request('block.set', { users: [fresh('carol')] });
      await bob.request('block.get');
      await alice.request('call.start', { to: [bob.user], offer: OFFER });
      await bob.expect('call.incoming');
      const call = await pair(alice, bob);
      await alice.request('signal', { call, to: 2, data: 'hello' });
      await bob.expect('signal');
      for (const command of [['status'], ['call', 'end', call], ['kick', alice.user], ['drain', '--', bob.welcome.server.node]]) {
        const { code, output } = await run([command[0], '--redis', redis, ...command.slice(1)]);
        assert.equal(code, 0, output);
      }
      await nodes[1].exited;
      const refused = (await cluster.redis.command('INFO', 'errorstats')).match(/errorstat_NOPERM.*/);
      assert.equal(refused, null, 'what a node does is allowed');
      for (const command of [['FLUSHALL'], ['CONFIG', 'GET', '*'], ['GET', 'of-somebody-else'], ['KEYS', '*'], ['PUBLISH', 'elsewhere', 'x']]) {
        assert.match(await cluster.redis.command('ACL', 'DRYRUN', 'switchboard', ...command), /no permissions/, `${command}`);
      }
    } finally {
      await cluster.stop();
    }
  });
});
