// A node that can't start says in a sentence what is wrong and what to do, and its exit code is not 0.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client, fresh, join } from '../support/client.mjs';
import { Node, freePort, run, startCluster, toArguments } from '../support/cluster.mjs';
import { startProcess } from '../support/processes.mjs';
import { startRedis } from '../support/redis.mjs';
import { readResp } from '../support/resp.mjs';
import { SECRET } from '../support/token.mjs';
import { until, within } from '../support/wait.mjs';

let dir;
let redis;
before(async () => {
  dir = mkdtempSync(joinPath(tmpdir(), 'switchboard-startup-'));
  redis = await startRedis();
});
after(async () => {
  await redis?.stop();
  if (dir) rmSync(dir, { recursive: true, force: true });
});

/** Runs `serve` with settings that would do but for what the test changes. */
async function serve(settings, options) {
  const good = { listen: `127.0.0.1:${await freePort()}`, redis: redis.url, 'jwt-key': `HS256:${SECRET}` };
  return run(['serve', ...toArguments({ ...good, ...settings })], options);
}

/** That it ended at once, with words that fit, and without giving a secret away. */
function saysWhy({ code, signal, output }, ...words) {
  assert.equal(signal, null, output);
  assert.notEqual(code, 0, output);
  for (const word of words) assert.match(output, word);
  assert.ok(!output.includes(SECRET), 'the secret is in the message');
  assert.doesNotMatch(output, /Sanitizer|runtime error/);
  assert.ok(output.trim().split('\n').length <= 5, `a sentence, not a novel: ${output}`);
}

test('a mistake in the settings ends with 2, all else that is wrong with 1', async () => {
  const code = async (settings) => (await serve(settings)).code;
  for (const wrong of [{ 'grace-ms': 'long' }, { 'jwt-key': 'HS256:short' }, { redis: 'nonsense' }]) assert.equal(await code(wrong), 2, JSON.stringify(wrong));
  const away = `redis://127.0.0.1:${await freePort()}`;
  for (const wrong of [{ 'jwt-key': 'HS256:@/nowhere' }, { redis: away }]) assert.equal(await code(wrong), 1, JSON.stringify(wrong));
});

describe('serve says what is wrong with', () => {
  test('an option that is none, and which one may be meant', async () => {
    saysWhy(await serve({ 'grace-sm': 1 }), /--grace-sm/, /did you mean --grace-ms/);
  });
  test('a word that stands alone', async () => saysWhy(await run(['serve', 'please']), /please/));
  test('a command that is none', async () => saysWhy(await run(['sreve']), /sreve/));
  test('a number that is none', async () => saysWhy(await serve({ 'grace-ms': 'long' }), /grace-ms/, /number/));
  test('a number out of its bounds', async () => saysWhy(await serve({ partitions: 0 }), /partitions/));
  test('a choice that is none', async () => saysWhy(await serve({ media: 'smell' }), /media/, /audio/));
  test('a variable of the environment', async () => {
    saysWhy(await serve({}, { env: { SWITCHBOARD_GRACE_MS: 'long' } }), /SWITCHBOARD_GRACE_MS/);
  });
  test('a config file that is not there', async () => saysWhy(await serve({ config: joinPath(dir, 'none.conf') }), /none\.conf/));
  test('a line of a config file', async () => {
    const file = joinPath(dir, 'bad.conf');
    writeFileSync(file, '# settings\nmedia = audio\ngrace-ms = long\n');
    saysWhy(await serve({ config: file }), /bad\.conf:3/);
  });

  test('a port that is taken', async () => {
    const server = createServer();
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address();
    try {
      saysWhy(await serve({ listen: `127.0.0.1:${port}` }), new RegExp(`${port}`), /in use|taken/);
    } finally {
      server.close();
    }
  });
  test('a port where another node listens, which would share it', async () => {
    const other = new Node('other', await freePort(), { redis: redis.url, 'jwt-key': `HS256:${SECRET}`, 'drain-ms': 0 });
    await other.start();
    try {
      for (const workers of [1, 2]) saysWhy(await serve({ listen: `127.0.0.1:${other.port}`, workers }), new RegExp(`${other.port}`), /taken/);
      saysWhy(await serve({ listen: `:${other.port}` }), new RegExp(`${other.port}`), /taken/);
    } finally {
      await other.stop();
    }
  });
  test('an address that is none', async () => saysWhy(await serve({ listen: 'nowhere' }), /nowhere/));
  test('an address of another machine', async () => saysWhy(await serve({ listen: `192.0.2.1:${await freePort()}` }), /192\.0\.2\.1/));

  test('a key file that is not there', async () => saysWhy(await serve({ 'jwt-key': `ES256:@${dir}/none.pem` }), /none\.pem/));
  test('a key file that can not be read', async () => {
    const path = joinPath(dir, 'directory.pem');
    mkdirSync(path, { recursive: true });
    chmodSync(path, 0o000);
    saysWhy(await serve({ 'jwt-key': `ES256:@${path}` }), /directory\.pem/);
  });
  test('a key file that holds no key', async () => {
    const path = joinPath(dir, 'poem.pem');
    writeFileSync(path, 'Roses are red\n');
    saysWhy(await serve({ 'jwt-key': `ES256:@${path}` }), /poem\.pem/);
  });
  test('a secret that is too short', async () => saysWhy(await serve({ 'jwt-key': 'HS256:short' }), /jwt-key/, /32/));
  test('a key of an algorithm that is none', async () => saysWhy(await serve({ 'jwt-key': `none:${SECRET}` }), /jwt-key/));
  test('no key at all', async () => saysWhy(await serve({ 'jwt-key': undefined }), /jwt-key/));
  test('a certificate without its key', async () => saysWhy(await serve({ 'tls-cert': '/dev/null' }), /tls-key/));
  test('an ICE file that is no JSON', async () => {
    const path = joinPath(dir, 'ice.json');
    writeFileSync(path, '{"urls": stun}');
    saysWhy(await serve({ 'ice-config': path }), /ice\.json/);
  });

  test('a Redis that can not be reached', async () => saysWhy(await serve({ redis: `unix://${dir}/nobody.sock` }), /[Rr]edis/, /nobody\.sock/));
  test('a Redis port where nobody listens', async () => saysWhy(await serve({ redis: `redis://127.0.0.1:${await freePort()}` }), /[Rr]edis/, /127\.0\.0\.1|refused/));
  test('a Redis URL that is none', async () => saysWhy(await serve({ redis: 'mysql://localhost' }), /--redis/));
  test('a Redis that refuses the login, without the password', async () => {
    const locked = await startRedis({ args: ['--requirepass', 'open-sesame-1234'] });
    const proxy = createServer((socket) => {
      socket.on('error', () => {});
      readResp(socket, ([name]) => socket.write(/^AUTH$/i.test(name) ? '-WRONGPASS invalid username-password pair\r\n' : '-NOAUTH Authentication required.\r\n'));
    });
    await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    try {
      saysWhy(await serve({ redis: locked.url }), /[Rr]edis/, /NOAUTH|password|login|[Aa]uthentication/);
      const result = await serve({ redis: `redis://:wrong-sesame@127.0.0.1:${proxy.address().port}` });
      saysWhy(result, /[Rr]edis/);
      assert.ok(!result.output.includes('wrong-sesame'));
    } finally {
      proxy.close();
      await locked.stop();
    }
  });
  test('a Redis older than 7', async () => {
    const info = '# Server\r\nredis_version:6.2.14\r\nredis_mode:standalone\r\n';
    const old = createServer((socket) => {
      socket.on('error', () => {});
      readResp(socket, ([name]) => socket.write(/^INFO$/i.test(name) ? `$${info.length}\r\n${info}\r\n` : '+OK\r\n'));
    });
    await new Promise((resolve) => old.listen(0, '127.0.0.1', resolve));
    try {
      saysWhy(await serve({ redis: `redis://127.0.0.1:${old.address().port}` }), /6\.2/, /7/);
    } finally {
      old.close();
    }
  });
  test('a number of partitions that disagrees with the store', async () => {
    const cluster = await startCluster({ nodes: 1 });
    try {
      saysWhy(await serve({ redis: cluster.redis.url, partitions: 32 }), /partitions/, /64/, /32/);
    } finally {
      await cluster.stop();
    }
  });
});

describe('the other commands', () => {
  test('version prints one', async () => {
    const { code, stdout } = await run(['version']);
    assert.equal(code, 0);
    assert.match(stdout, /\d+\.\d+\.\d+/);
  });

  test('help lists every setting', async () => {
    const { code, stdout } = await run(['serve', '--help']);
    assert.equal(code, 0);
    for (const name of ['--listen', '--redis', '--workers', '--tls-cert', '--jwt-key', '--ice-config', '--origin', '--trust-proxy', '--media', '--dev']) {
      assert.ok(stdout.includes(name), name);
    }
  });

  test('no command at all is no success', async () => assert.notEqual((await run([])).code, 0));

  test('token mints one that a node takes', async () => {
    const { code, stdout } = await run(['token', '--user', 'alice', '--device', 'phone', '--key', `HS256:${SECRET}`]);
    assert.equal(code, 0);
    const cluster = await startCluster({ nodes: 1 });
    try {
      const client = new Client();
      client.token = stdout.trim();
      await client.connect(cluster.nodes[0]);
      assert.equal((await client.hello({ device: 'phone' })).user, 'alice');
    } finally {
      await cluster.stop();
    }
  });

  test('token without a user says so', async () => saysWhy(await run(['token', '--key', `HS256:${SECRET}`]), /user/));
});

describe('serve without --redis', () => {
  const childOf = async (node) => {
    const listed = startProcess('pgrep', ['-P', `${node.pid}`]);
    await within(listed.exited, 'pgrep');
    return Number(listed.stdout.trim().split('\n')[0]);
  };

  test('brings its own, which ends with it', async () => {
    const node = new Node('embedded', await freePort(), { 'jwt-key': `HS256:${SECRET}`, 'drain-ms': 0 });
    await node.start();
    const child = await childOf(node);
    assert.ok(child > 0, 'there is a child');
    const alice = await join(node, fresh('alice'));
    await alice.request('ping');
    await alice.close();
    await node.stop();
    node.checkLog();
    assert.throws(() => process.kill(child, 0), /ESRCH/);
  });

  test('its Redis ends when the node is killed', async () => {
    const node = new Node('embedded-killed', await freePort(), { 'jwt-key': `HS256:${SECRET}` });
    await node.start();
    const child = await childOf(node);
    await node.kill();
    await until(() => {
      try {
        // In a container whose process 1 is no init nobody takes the last word of one that ended: it stays, as a zombie.
        return /\) Z /.test(readFileSync(`/proc/${child}/stat`, 'utf8'));
      } catch {
        return true;
      }
    }, 'the private Redis to end');
  });
});

test('a node that is told to end again and again ends well', async () => {
  const node = new Node('n1', await freePort(), { redis: redis.url, 'jwt-key': `HS256:${SECRET}`, 'drain-ms': 0 });
  await node.start();
  const telling = setInterval(() => node.signal('SIGTERM'), 1);
  const end = await within(node.exited, 'it to end').finally(() => clearInterval(telling));
  assert.deepEqual(end, { code: 0, signal: null }, node.output);
});
