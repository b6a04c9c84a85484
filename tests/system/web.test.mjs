// The browser client and the page, as nodes serve them (docs/protocol.md, HTTP beside it).
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, extname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { Client } from '../support/client.mjs';
import { startCluster } from '../support/cluster.mjs';
import { within } from '../support/wait.mjs';

const WEB = fileURLToPath(new URL('../../node/web/', import.meta.url));
const filesOf = (dir) => readdirSync(WEB + dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && !entry.name.startsWith('.')).map((entry) => `${entry.parentPath ?? entry.path}/${entry.name}`.slice(`${WEB}${dir}/`.length));
/** Those that are served as they are; the modules come as one. */
const CLIENT = filesOf('client').filter((name) => extname(name) !== '.js').map((name) => ({ path: `/client/${name}`, bytes: readFileSync(`${WEB}client/${name}`) }));
const PAGE = filesOf('page').map((name) => ({ path: name === 'index.html' ? '/' : `/${name}`, bytes: readFileSync(`${WEB}page/${name}`), kind: extname(name) }));
const ENTRY = '/client/switchboard.js';

let plain;
let dev;
before(async () => {
  [plain, dev] = await Promise.all([startCluster({ nodes: 1 }), startCluster({ nodes: 1, settings: { dev: true } })]);
});
after(async () => {
  await Promise.all([plain?.stop(), dev?.stop()]);
});

/** Status, headers and bytes. */
function ask(cluster, path, { method = 'GET', headers = {} } = {}) {
  const { port } = cluster.nodes[0];
  const answer = new Promise((resolve, reject) => {
    const asked = http.request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
      const parts = [];
      response.on('data', (bytes) => parts.push(bytes));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, bytes: Buffer.concat(parts) }));
      response.on('error', reject);
    });
    asked.on('error', reject).end();
  });
  return within(answer, `an answer to ${method} ${path}`);
}

describe('/client/', () => {
  test('gives each file of the client as it is, to any origin', async () => {
    assert.ok(CLIENT.some(({ path }) => path === '/client/switchboard.d.ts'));
    for (const { path, bytes } of CLIENT) {
      const { status, headers, bytes: got } = await ask(plain, path);
      assert.equal(status, 200, path);
      assert.ok(got.equals(bytes), path);
      assert.equal(headers['access-control-allow-origin'], '*');
      assert.equal(headers['cross-origin-resource-policy'], 'cross-origin');
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.equal(headers['cache-control'], 'no-cache');
      assert.equal(headers.vary, 'Accept-Encoding');
      assert.match(headers.etag, /^"[0-9a-f]{32}"$/);
      assert.equal(headers['content-encoding'], undefined);
    }
  });

  test('is one module, which needs no other and offers what its declarations say', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'switchboard-web-')), 'switchboard.mjs');
    const { bytes } = await ask(plain, ENTRY);
    assert.doesNotMatch(bytes.toString(), /\bimport\s*[{*"'(]|\bfrom\s*["']/);
    writeFileSync(file, bytes);
    const [bundled, source] = [await import(pathToFileURL(file)), await import(pathToFileURL(`${WEB}client/switchboard.js`))];
    assert.deepEqual(Object.keys(bundled), Object.keys(source));
    rmSync(dirname(file), { recursive: true });
  });

  test('is under 10 kB as it is sent', async () => {
    const { bytes } = await ask(plain, ENTRY, { headers: { 'accept-encoding': 'gzip' } });
    assert.ok(bytes.length < 10_000, `${bytes.length} bytes`);
  });

  test('says that a module is JavaScript, in UTF-8', async () => assert.equal((await ask(plain, ENTRY)).headers['content-type'], 'text/javascript; charset=utf-8'));

  test('is gzip for those who take it, the same in fewer bytes, with a tag of its own', async () => {
    const { headers, bytes } = await ask(plain, ENTRY, { headers: { 'accept-encoding': 'gzip, deflate, br' } });
    const whole = await ask(plain, ENTRY);
    assert.equal(headers['content-encoding'], 'gzip');
    assert.equal(Number(headers['content-length']), bytes.length);
    assert.ok(bytes.length < whole.bytes.length);
    assert.ok(gunzipSync(bytes).equals(whole.bytes));
    assert.notEqual(headers.etag, whole.headers.etag);
  });

  for (const coding of ['identity', 'gzip']) {
    test(`is not sent again to who has it (${coding})`, async () => {
      const headers = { 'accept-encoding': coding };
      const { etag } = (await ask(plain, ENTRY, { headers })).headers;
      const { status, bytes, headers: told } = await ask(plain, ENTRY, { headers: { ...headers, 'if-none-match': `"old", ${etag}` } });
      assert.deepEqual([status, bytes.length, told.etag, told['content-length']], [304, 0, etag, undefined]);
      assert.equal(told['access-control-allow-origin'], '*');
      assert.equal((await ask(plain, ENTRY, { headers: { ...headers, 'if-none-match': '"old"' } })).status, 200);
    });
  }

  test('takes HEAD: the same headers, no body', async () => {
    const [head, get] = [await ask(plain, ENTRY, { method: 'HEAD' }), await ask(plain, ENTRY)];
    assert.deepEqual([head.status, head.bytes.length, head.headers['content-length'], head.headers.etag], [200, 0, get.headers['content-length'], get.headers.etag]);
  });

  for (const method of ['POST', 'PUT', 'DELETE']) {
    test(`refuses ${method}`, async () => assert.equal((await ask(plain, ENTRY, { method })).status, 405));
  }

  for (const path of ['/client', '/client/']) {
    test(`${path} tells people what is there`, async () => {
      const { status, bytes, headers } = await ask(plain, path);
      assert.equal(status, 200);
      assert.match(headers['content-type'], /^text\/plain/);
      for (const file of [{ path: ENTRY }, ...CLIENT]) assert.ok(bytes.toString().includes(file.path), file.path);
    });
  }

  for (const path of ['/client/nothing.js', `${ENTRY}/`, '/client/../web.c', '/client/%2e%2e/web.c', '/client/..%2fweb.c', '/client/../../../etc/passwd', '/client/../metrics/x', '/client/Switchboard.js', '/client/switchboard.js%00x']) {
    test(`${path} is not there`, async () => {
      const { status } = await ask(plain, path).catch(() => ({ status: 'hung up' }));
      assert.ok([400, 403, 404, 'hung up'].includes(status), String(status));
    });
  }
});

describe('the page', () => {
  test('is served with --dev, every file of it as it is', async () => {
    assert.ok(PAGE.some(({ path }) => path === '/'));
    for (const { path, bytes } of PAGE) {
      const { status, bytes: got } = await ask(dev, path);
      assert.deepEqual([path, status, got.equals(bytes)], [path, 200, true]);
    }
  });

  test('takes a query', async () => assert.equal((await ask(dev, '/?call=abc')).status, 200));

  test('lets in nothing from elsewhere and nothing inline', async () => {
    const { headers } = await ask(dev, '/');
    assert.equal(headers['content-type'], 'text/html; charset=utf-8');
    const policy = Object.fromEntries(headers['content-security-policy'].split('; ').map((rule) => [rule.split(' ')[0], rule.split(' ').slice(1).join(' ')]));
    assert.equal(policy['default-src'], "'self'");
    assert.equal(policy['connect-src'], "'self' ws: wss:");
    assert.equal(policy['media-src'], "'self' blob: mediastream:");
    assert.equal(policy['style-src'], "'self'");
    assert.doesNotMatch(headers['content-security-policy'], /unsafe|http|\*/);
    assert.equal(headers['referrer-policy'], 'no-referrer');
    assert.equal(headers['access-control-allow-origin'], undefined);
  });

  test('has no script, style or handler of its own in its text, as the policy would refuse it', () => {
    for (const { path, bytes } of PAGE.filter(({ kind }) => kind === '.html')) {
      assert.doesNotMatch(bytes.toString(), /<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|javascript:/i, path);
    }
  });

  test('is not there without --dev, and none of its files', async () => {
    for (const { path } of PAGE) assert.equal((await ask(plain, path)).status, 404, path);
  });

  test('keeps what else is there', async () => {
    assert.equal((await ask(dev, '/healthz')).bytes.toString(), 'ok\n');
    assert.equal((await ask(dev, '/nothing')).status, 404);
    assert.equal((await ask(dev, '/v1/signal')).status, 426);
  });

  test('gets tokens that are signed with the key that was given, so that any node with that key takes them', async () => {
    const client = new Client();
    client.token = JSON.parse((await ask(dev, '/dev/token?user=alice')).bytes).token;
    await client.connect(plain.nodes[0]);
    assert.equal((await client.hello({ device: 'page' })).user, 'alice');
    await client.close();
  });
});

// What a file's size does not fill, the kernel's buffers, tests/unit/node/edge/test_http.c does.
describe('a slow reader', () => {
  test('gets every byte, while others are served', async () => {
    const { path, bytes } = CLIENT.reduce((a, b) => (a.bytes.length > b.bytes.length ? a : b));
    const parts = [];
    const onread = { buffer: Buffer.alloc(512), callback: (n, buffer) => parts.push(Buffer.from(buffer.subarray(0, n))) };
    const socket = connect({ port: dev.nodes[0].port, host: '127.0.0.1', onread }).pause();
    const done = new Promise((resolve, reject) => {
      socket.on('error', reject).on('close', resolve);
    });
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    for (let i = 0; i < 5; i += 1) assert.ok((await ask(dev, path)).bytes.equals(bytes));
    socket.resume();
    await within(done, 'the end');
    const whole = Buffer.concat(parts);
    assert.ok(whole.subarray(whole.indexOf('\r\n\r\n') + 4).equals(bytes));
  });
});
