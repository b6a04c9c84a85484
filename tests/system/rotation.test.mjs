// What an operator changes while nodes run, by SIGHUP: the keys that tokens are checked with, and the ICE servers that clients are told.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client, fresh } from '../support/client.mjs';
import { startCluster } from '../support/cluster.mjs';
import { mint } from '../support/token.mjs';
import { until } from '../support/wait.mjs';

/** A key pair with a name, as an issuer has it. */
function makeKey(kid) {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { kid, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' } };
}
const tokenOf = (key, user) => mint(user, {}, { alg: 'ES256', key: key.privateKey, header: { kid: key.kid } });

describe('SIGHUP', () => {
  const [old, next] = [makeKey('old'), makeKey('next')];
  let dir;
  let cluster;
  let node;
  const write = (name, value) => writeFileSync(path(dir, name), typeof value === 'string' ? value : JSON.stringify(value));
  const publish = (...keys) => write('jwks.json', { keys: keys.map(({ jwk }) => jwk) });
  const servers = (...urls) => write('ice.json', { iceServers: urls.map((one) => ({ urls: one })) });

  /** The node is told, and says what came of it. */
  async function reload(event) {
    const seen = node.output.length;
    node.signal('SIGHUP');
    await until(() => new RegExp(`event=${event}`).test(node.output.slice(seen)), () => `${event}; it wrote ${node.output.slice(seen)}`);
  }
  async function comesIn(key) {
    const client = new Client();
    client.token = tokenOf(key, fresh('alice'));
    await client.connect(node);
    await client.hello({ device: 'phone' });
    return client;
  }
  async function staysOut(key) {
    const client = await new Client().connect(node);
    await client.refused('hello', { token: tokenOf(key, fresh('alice')), device: 'phone' }, 'unauthorized');
    await client.closed();
  }

  before(async () => {
    dir = mkdtempSync(path(tmpdir(), 'switchboard-rotation-'));
    publish(old);
    servers('stun:one.example.org');
    cluster = await startCluster({ nodes: 1, settings: { 'jwt-key': `jwks:@${path(dir, 'jwks.json')}`, 'ice-config': path(dir, 'ice.json') } });
    [node] = cluster.nodes;
  });
  after(async () => {
    await cluster?.stop();
    if (dir) rmSync(dir, { recursive: true, force: true });
  });

  test('takes keys from one to the next without a moment in which good tokens are refused', async () => {
    const early = await comesIn(old);
    await staysOut(next);
    publish(old, next);
    await reload('secrets.reloaded keys=2');
    const late = await comesIn(next);
    await (await comesIn(old)).close();
    publish(next);
    await reload('secrets.reloaded keys=1');
    await staysOut(old);
    await (await comesIn(next)).close();
    await early.settle(); // who was let in stays
    await Promise.all([early.close(), late.close()]);
  });

  test('brings other ICE servers to those who come, and leaves all as it was when a file is no good', async () => {
    const before = await comesIn(next);
    assert.match(JSON.stringify(before.welcome), /stun:one\.example\.org/);
    servers('stun:two.example.org');
    await reload('secrets.reloaded');
    const later = await comesIn(next);
    assert.match(JSON.stringify(later.welcome), /stun:two\.example\.org/);
    for (const [name, content] of [['ice.json', '{"iceServers": ['], ['jwks.json', '']]) {
      write(name, content);
      await reload(`secrets.kept why=.*${name.replace('.', '\\.')}`);
    }
    const last = await comesIn(next);
    assert.match(JSON.stringify(last.welcome), /stun:two\.example\.org/);
    await Promise.all([before.close(), later.close(), last.close()]);
  });
});
