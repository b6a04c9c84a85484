// `switchboard health`: what a container engine runs to know how a node is.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { freePort, run, startCluster } from '../support/cluster.mjs';
import { unhurried } from '../support/wait.mjs';

let cluster;
let secure;
let dir;
before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'switchboard-health-'));
  const certificate = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=node', '-days', '2', '-keyout', join(dir, 'key.pem'), '-out', join(dir, 'cert.pem')];
  execFileSync('openssl', ['req', '-x509', ...certificate], { stdio: 'pipe' });
  cluster = await startCluster({ nodes: 1 });
  secure = await startCluster({ nodes: 1, tls: true, settings: { 'tls-cert': join(dir, 'cert.pem'), 'tls-key': join(dir, 'key.pem') } });
});
after(async () => {
  await Promise.all([cluster?.stop(), secure?.stop()]);
  if (dir) rmSync(dir, { recursive: true });
});

/** Asked as the node itself was told: by the environment. */
function health(node, { ask = [], listen = `127.0.0.1:${node.port}`, env = {} } = {}) {
  return run(['health', ...ask], { env: { SWITCHBOARD_LISTEN: listen, ...env } });
}

describe('health', () => {
  /** That it is 0, and silent. It gives a node three seconds, which one that is kept from running may not have. */
  const isWell = (node, options) =>
    unhurried(async () => {
      const { code, output } = await health(node, options);
      assert.deepEqual([code, output], [0, '']);
    });

  test('is 0 and silent while the node lives', () => isWell(cluster.nodes[0]));

  test('asks over the loopback a node that listens on any address', async () => {
    const [node] = cluster.nodes;
    for (const listen of [`:${node.port}`, `0.0.0.0:${node.port}`]) await isWell(node, { listen });
  });

  test('is 0 for a node with TLS of its own', () =>
    isWell(secure.nodes[0], { env: { SWITCHBOARD_TLS_CERT: join(dir, 'cert.pem'), SWITCHBOARD_TLS_KEY: join(dir, 'key.pem') } }));

  test('is 1, with a sentence, where nobody listens', async () => {
    const { code, output } = await health({ port: await freePort() });
    assert.equal(code, 1);
    assert.match(output, /can't be reached: Connection refused/);
  });

  test('is 1 for a node that does not answer', async () => {
    const [node] = cluster.nodes;
    node.freeze();
    try {
      const { code, output } = await health(node);
      assert.equal(code, 1);
      assert.match(output, /does not answer \/healthz within 3 s/);
    } finally {
      node.signal('SIGCONT');
    }
  });

  test('is 0 without a Redis, for a restart would not help, and `health ready` is 1', async () => {
    const [node] = secure.nodes;
    const env = { SWITCHBOARD_TLS_CERT: join(dir, 'cert.pem') };
    await isWell(node, { ask: ['ready'], env });
    await secure.redis.stop();
    await node.untilReady(false);
    await unhurried(async () => {
      const { code, output } = await health(node, { ask: ['ready'], env });
      assert.equal(code, 1);
      assert.match(output, /says 503 to \/readyz: /);
    });
    await isWell(node, { env });
  });

  test('is 2 for mistakes in the settings', async () => {
    assert.equal((await health({ port: 0 }, { listen: 'nonsense' })).code, 2);
    assert.equal((await run(['health', '--lisen', ':1'])).code, 2);
  });
});
