// What an operator sees and does: switchboard status, kick, call end, drain.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join as path } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { OFFER, room } from '../support/calls.mjs';
import { fresh, join } from '../support/client.mjs';
import { BINARY, cleanEnvironment, run, startCluster } from '../support/cluster.mjs';
import { startProcess } from '../support/processes.mjs';
import { startRedis } from '../support/redis.mjs';
import { stretched, until, within } from '../support/wait.mjs';

/** Runs a command of an operator on that cluster. */
const operate = (cluster, command, ...args) => run([command, '--redis', cluster.redis.url, ...args], { ms: stretched(20_000) });
const look = async (cluster) => JSON.parse((await operate(cluster, 'status', '--json')).stdout);
/** status --watch on a terminal of its own; `script` has a shell start it, whichever is the caller's, so that is said too. */
function onTerminal(before, redis) {
  const env = cleanEnvironment({ TERM: 'xterm', SHELL: '/bin/sh', PROGRAM: BINARY, REDIS: redis });
  return startProcess('script', ['-qefc', `${before}exec "$PROGRAM" status --watch --redis "$REDIS"`, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'pipe'] });
}
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
    const owned = async () => {
      const texts = await Promise.all(cluster.nodes.map(async (node) => (await node.get('/metrics')).text));
      return Object.fromEntries(texts.map((text) => /^switchboard_partitions_owned\{node="([^"]+)"\} (\d+)$/m.exec(text).slice(1)));
    };
    const shown = Object.fromEntries(seen.nodes.map(({ node, partitions }) => [node, `${partitions}`]));
    let own;
    // A node hears who lives in the answer to what it told of itself.
    await until(async () => isDeepStrictEqual((own = await owned()), shown), () => `the nodes to own ${JSON.stringify(shown)}, not ${JSON.stringify(own)}`);
    for (const node of seen.nodes) {
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
    const terminal = onTerminal('stty cols 60 rows 6; ', cluster.redis.url);
    await until(() => terminal.output.split('\x1b[H').length > 3, () => `three looks; it wrote ${JSON.stringify(terminal.output)}`);
    assert.match(terminal.output, /\x1b\[32mhere\x1b\[0m/);
    const [, page] = terminal.output.split('\x1b[H');
    for (const line of page.replace(/\x1b\[[0-9]*[A-Za-z]/g, '').split('\r\n')) assert.ok(line.length <= 60, line);
    assert.doesNotMatch(page, /HOST/, 'sixty columns have no room for it');
    assert.match(page, /^\(\d+ more\)/m, 'nor six lines for three nodes');
    terminal.child.stdin.write('\x03');
    assert.equal((await within(terminal.exited, 'Ctrl-C to end it')).code, 0);

    const machine = startProcess(BINARY, ['status', '--watch', '--json', '--redis', cluster.redis.url], { env: cleanEnvironment() });
    await until(() => machine.stdout.split('\n').length > 2, 'two objects');
    for (const line of machine.stdout.split('\n').slice(0, -1)) assert.equal(JSON.parse(line).partitions, 64);
    machine.child.kill('SIGTERM');
    assert.equal((await within(machine.exited, 'SIGTERM to end it')).code, 0);
  });

  test('--watch says that Redis is away where the table stood, shows the table again, and ends at once though Redis is silent', async () => {
    const redis = await startRedis();
    const node = await cluster.add({ redis: redis.url });
    const screen = () => terminal.output.split('\x1b[H').at(-1);
    const terminal = onTerminal('', redis.url);
    const shows = (what) => until(() => what.test(screen()), () => `${what}; it shows ${JSON.stringify(screen())}`);
    try {
      await shows(/here/);
      await redis.kill();
      await shows(/^Redis can't be asked: .*\r\nLooking again/);
      assert.doesNotMatch(screen(), /here/);
      await redis.start();
      await shows(/here/);
      process.kill(redis.pid, 'SIGSTOP');
      await shows(/no answer/);
      terminal.child.stdin.write('\x03');
      assert.equal((await within(terminal.exited, 'Ctrl-C to end it')).code, 0);
      process.kill(redis.pid, 'SIGCONT');
    } finally {
      terminal.child.kill('SIGKILL');
      await node.stop();
      cluster.nodes.pop();
      await redis.stop();
    }
  });

  test('marks a Redis that takes no writes, or may drop what it was told', async () => {
    const { redis } = await look(cluster);
    assert.deepEqual([redis.replica, redis.may_evict], [false, false]);
    await cluster.redis.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    await cluster.redis.command('REPLICAOF', '127.0.0.1', '1');
    assert.match((await operate(cluster, 'status')).stdout, /^Redis \S+, A REPLICA, MAY EVICT: /m);
    await cluster.redis.command('REPLICAOF', 'NO', 'ONE');
    await cluster.redis.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    await Promise.all(cluster.nodes.map((node) => node.untilReady()));
  });

  test('writes where there is something to write to', async () => {
    const into = (where) => startProcess('sh', ['-c', `exec "$0" status --redis "$1" ${where}`, BINARY, cluster.redis.url], { env: cleanEnvironment() });
    const [closed, full] = [into('>&- 2>&- <&-'), into('>/dev/full')];
    assert.equal((await within(closed.exited, 'it to end')).code, 0, 'what was closed is nowhere, not a socket');
    assert.equal((await within(full.exited, 'it to end')).code, 1);
    assert.match(full.output, /can't be written: No space left/);
  });

  test('says what is wrong, and ends with 1 for the world and 2 for its caller', async () => {
    const empty = await startRedis();
    try {
      const cases = [
        [['status', '--redis', 'redis://127.0.0.1:1'], 1, /Redis can't be asked: .*refused/],
        [['status', '--redis', empty.url], 1, /no node was ever at this Redis/],
        [['status', '--redis', 'nonsense'], 2, /--redis/],
        [['status'], 2, /--redis URL is missing: give it, or SWITCHBOARD_REDIS/],
        [['status', '--config', '/nonexistent.conf'], 2, /nonexistent\.conf can't be read: No such file/],
        [['status', '--config', '/dev/null'], 2, /--redis URL is missing: \/dev\/null has none either/],
        [['status', 'alice', '--redis', empty.url], 2, /"alice": status takes no names/],
        [['status', '-x', '--redis', empty.url], 2, /no option -x/],
        [['status', '--format', 'json', '--redis', empty.url], 2, /no option --format/],
        [['status', '--bogus', '--redis', empty.url], 2, /no option --bogus/],
      ];
      for (const [args, code, said] of cases) {
        const ended = await run(args);
        assert.equal(ended.code, code, `${args}: ${ended.output}`);
        assert.match(ended.output, said);
      }
      assert.equal((await run(['status'], { env: { SWITCHBOARD_REDIS: cluster.redis.url, SWITCHBOARD_REDIS_DIR: '/x' } })).code, 0, 'in the environment, as for a node');
      const file = path(empty.dir, 'switchboard.conf');
      writeFileSync(file, `# of a node\nlisten = 0.0.0.0:8080\njwt-key = HS256:@/not/for/us\nredis = ${cluster.redis.url}\n`);
      for (const given of [['--config', file], ['--redis', cluster.redis.url, '--config', '/nonexistent.conf']]) assert.equal((await run(['status', ...given])).code, 0, `${given}`);
      assert.equal((await run(['status'], { env: { SWITCHBOARD_CONFIG: file, SWITCHBOARD_REDIS: '' } })).code, 0, 'as in a container');
    } finally {
      await empty.stop();
    }
  });
});

describe('switchboard kick', () => {
  let cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 2, settings: { 'grace-ms': 60_000 } });
  });
  after(() => cluster?.stop());

  test('ends the session of one device: its socket closes with 4006, its seat is left, the user\'s others stay', async () => {
    const [n1, n2] = cluster.nodes;
    const user = fresh('bob');
    const [alice, phone, laptop] = await Promise.all([join(n1, fresh('alice')), join(n2, user), join(n1, user, { device: 'laptop' })]);
    const call = await room(alice, [phone, laptop]);
    const { code, stdout, output } = await operate(cluster, 'kick', `${user}/phone`);
    assert.equal(code, 0, output);
    assert.equal(stdout, `${user}: 1 session ended (phone), 1 seat left\n`);
    assert.deepEqual(await phone.closed(), { code: 4006, reason: 'ended by an administrator' });
    for (const one of [alice, laptop]) {
      const left = await one.expect('call.left');
      assert.deepEqual([left.call, left.peer, left.reason], [call, 2, 'admin']);
      assert.equal(one.open, true);
    }
    const text = (await n2.get('/metrics')).text;
    assert.match(text, /^switchboard_sockets_closed_total\{node="[^"]+",code="4006"\} 1$/m);
    assert.equal((await phone.resume(n1)).resumed, false, 'nothing of the session is left; it is no ban');
    await Promise.all([alice.close(), laptop.close(), phone.close()]);
  });

  test('ends all sessions of a user, wherever they are, and those that have lost their socket', async () => {
    const [n1, n2] = cluster.nodes;
    const user = fresh('bob');
    const [alice, phone, laptop, tablet] = await Promise.all([join(n1, fresh('alice')), join(n2, user), join(n1, user, { device: 'laptop' }), join(n2, user, { device: 'tablet' })]);
    await room(alice, [tablet]);
    await tablet.drop();
    await alice.expect('call.suspended');
    const { code, stdout, output } = await operate(cluster, 'kick', user);
    assert.equal(code, 0, output);
    assert.match(stdout, new RegExp(`^${user}: 3 sessions ended \\((phone|laptop|tablet), \\w+, \\w+\\), 1 seat left\\n$`));
    assert.deepEqual([(await phone.closed()).code, (await laptop.closed()).code], [4006, 4006]);
    assert.equal((await alice.expect('call.left')).reason, 'admin');
    assert.deepEqual(await cluster.redis.command('KEYS', `*${phone.session}*`), []);
    await alice.close();
  });

  test('ends as many as a user may have', async () => {
    const roomy = await cluster.add({ 'devices-max': 100 });
    const user = fresh('bob');
    const devices = Array.from({ length: 100 }, (_, i) => `device-${i}`);
    const all = await Promise.all(devices.map((device) => join(roomy, user, { device })));
    const { code, stdout, output } = await operate(cluster, 'kick', user);
    assert.equal(code, 0, output);
    assert.match(stdout, new RegExp(`^${user}: 100 sessions ended`));
    for (const one of all) assert.equal((await one.closed()).code, 4006);
    await roomy.stop();
    cluster.nodes.pop();
  });

  test('goes by another node when the one that holds the session is frozen', async () => {
    const [n1, n2] = cluster.nodes;
    const others = await Promise.all(Array.from({ length: 6 }, () => join(n2, fresh('bob'))));
    n2.freeze();
    try {
      const ended = await Promise.all(others.map(({ user }) => operate(cluster, 'kick', user)));
      assert.ok(ended.every(({ code }) => code === 0), ended.map(({ output }) => output).join(''));
    } finally {
      n2.thaw();
    }
    for (const one of others) assert.ok([4006, 1012].includes((await one.closed()).code));
    await n1.untilReady();
  });

  test('says who is not there', async () => {
    const alice = await join(cluster.nodes[0], fresh('alice'));
    const cases = [
      [[fresh('nobody')], 1, /nobody-\S+ has no session\n/],
      [[`${alice.user}/fridge`], 1, /has no session on a device fridge\n/],
      [['no body'], 2, /is no USER or USER\/DEVICE/],
      [[`${alice.user}/`], 2, /is no USER or USER\/DEVICE: names have 1 to 64/],
      [['--bob'], 2, /no option --bob/],
      [['--', '--bob'], 1, /--bob has no session/],
      [[alice.user, 'bob'], 2, /"bob" is one name too many: it is "kick USER/],
      [[], 2, /which user\?/],
    ];
    for (const [args, code, said] of cases) {
      const ended = await operate(cluster, 'kick', ...args);
      assert.equal(ended.code, code, ended.output);
      assert.match(ended.output, said);
    }
    await alice.settle();
    await alice.close();
  });
});

describe('switchboard call end', () => {
  let cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 2 });
  });
  after(() => cluster?.stop());

  test('ends a call in talk for everybody, and what rings for it', async () => {
    const [n1, n2] = cluster.nodes;
    const [alice, bob, carol] = await Promise.all([join(n1, fresh('alice')), join(n2, fresh('bob')), join(n2, fresh('carol'))]);
    const call = await room(alice, [bob]);
    await alice.request('call.invite', { call, to: carol.user });
    await carol.expect('call.incoming');
    const { code, stdout, output } = await operate(cluster, 'call', 'end', call);
    assert.equal(code, 0, output);
    assert.equal(stdout, 'the call is over: 2 members and 1 invitation\n');
    for (const one of [alice, bob]) {
      const ended = await one.expect('call.ended');
      assert.deepEqual([ended.call, ended.reason], [call, 'admin']);
    }
    assert.equal((await carol.expect('call.cancelled')).reason, 'cancelled');
    await bob.refused('call.join', { call }, 'gone');
    assert.match((await operate(cluster, 'call', 'end', call)).output, /over already/);
    await Promise.all([alice.close(), bob.close(), carol.close()]);
  });

  test('ends a call that only rings', async () => {
    const [n1, n2] = cluster.nodes;
    const [alice, bob] = await Promise.all([join(n1, fresh('alice')), join(n2, fresh('bob'))]);
    const { call } = await alice.request('call.start', { to: [bob.user], offer: OFFER });
    await bob.expect('call.incoming');
    const { stdout } = await operate(cluster, 'call', 'end', call);
    assert.equal(stdout, 'the call is over: 1 member and 1 invitation\n');
    assert.equal((await alice.expect('call.ended')).reason, 'admin');
    assert.equal((await bob.expect('call.cancelled')).reason, 'cancelled');
    await bob.refused('call.accept', { call }, 'gone');
    await Promise.all([alice.close(), bob.close()]);
  });

  test('says which call is none', async () => {
    const cases = [
      [['call', 'end', `00${'x'.repeat(22)}`], 1, /there is no such call/],
      [['call', 'end', 'nonsense'], 2, /is no call's id: it is the 24 characters/],
      [['call', 'start', 'x'], 2, /it is "call end CALL"/],
      [['call', 'end'], 2, /which call\?/],
    ];
    for (const [args, code, said] of cases) {
      const ended = await operate(cluster, ...args);
      assert.equal(ended.code, code, ended.output);
      assert.match(ended.output, said);
    }
  });
});

describe('switchboard drain', () => {
  let cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 2, settings: { 'drain-ms': 3000 } });
  });
  after(() => cluster?.stop());

  test('lets a node leave as SIGTERM does, and no other', async () => {
    const [n1, n2] = cluster.nodes;
    const [alice, bob] = await Promise.all([join(n1, fresh('alice')), join(n2, fresh('bob'))]);
    const id = bob.welcome.server.node;
    await sees(cluster, ({ total }) => total.sockets === 2, 'both sockets');
    const { code, stdout, output } = await operate(cluster, 'drain', '--', id.slice(0, 8));
    assert.equal(code, 0, output);
    assert.match(stdout, new RegExp(`^${id} on \\S+ leaves: 1 socket will go elsewhere\\n$`));
    assert.equal(typeof (await bob.expect('reconnect')).after_ms, 'number');
    assert.match((await operate(cluster, 'drain', '--', id)).output, /is (leaving|gone) already|no living node/);
    assert.equal((await bob.closed()).code, 1012);
    assert.deepEqual(await within(n2.exited, 'the node to end'), { code: 0, signal: null });
    assert.equal((await bob.resume(n1)).resumed, true);
    await alice.settle();
    const { gone } = await sees(cluster, (seen) => seen.gone.length === 1, 'the node to be gone');
    assert.deepEqual([gone[0].node, gone[0].state], [id, 'left']);
    assert.match((await operate(cluster, 'drain', '--', id)).output, new RegExp(`${id} is gone already: it left \\d+ s ago`));
    await Promise.all([alice.close(), bob.close()]);
  });

  test('does not say that a node leaves which stands still', async () => {
    const frozen = await cluster.add();
    const [, id] = /node="([^"]+)"/.exec((await frozen.get('/metrics')).text);
    await sees(cluster, ({ nodes }) => nodes.some((one) => one.node === id), 'its lease');
    frozen.freeze();
    const { code, output } = await operate(cluster, 'drain', '--', id);
    assert.equal(code, 1, output);
    assert.match(output, /was lost meanwhile: it is dead, or stands still|does not begin to leave/);
    frozen.thaw();
    assert.deepEqual(await within(frozen.exited, 'it to hear of it after all'), { code: 0, signal: null });
    cluster.nodes.pop();
  });

  test('says which node is none', async () => {
    const cases = [
      [['drain', 'nobody'], 1, /no living node has a name that begins with nobody/],
      [['drain', ''], 2, /which node\?/],
      [['drain', '--all'], 2, /no option --all/],
      [['drain'], 2, /which node\?/],
    ];
    for (const [args, code, said] of cases) {
      const ended = await operate(cluster, ...args);
      assert.equal(ended.code, code, ended.output);
      assert.match(ended.output, said);
    }
  });
});
