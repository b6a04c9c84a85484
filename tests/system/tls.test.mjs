// TLS of our own: the same protocol, and a certificate that changes while the node runs.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { after, before, describe, test } from 'node:test';
import tls from 'node:tls';
import { OFFER, pair } from '../support/calls.mjs';
import { fresh, join } from '../support/client.mjs';
import { startCluster } from '../support/cluster.mjs';
import { until } from '../support/wait.mjs';

let dir;
let cluster;
let node;
const cert = () => joinPath(dir, 'cert.pem');
const key = () => joinPath(dir, 'key.pem');

function makeCertificate(name) {
  const subject = ['-subj', `/CN=${name}`, '-days', '2'];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', ...subject, '-keyout', key(), '-out', cert()], { stdio: 'pipe' });
}

/** What the handshake shows: the certificate's name, and the application protocol. */
function handshake(options = {}) {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port: node.port, host: '127.0.0.1', rejectUnauthorized: false, ...options }, () => {
      const seen = { name: socket.getPeerCertificate().subject.CN, alpn: socket.alpnProtocol, version: socket.getProtocol() };
      socket.destroy();
      resolve(seen);
    });
    socket.on('error', reject);
  });
}

before(async () => {
  dir = mkdtempSync(joinPath(tmpdir(), 'switchboard-tls-'));
  makeCertificate('first');
  cluster = await startCluster({ nodes: 2, tls: true, settings: { 'tls-cert': cert(), 'tls-key': key() } });
  [node] = cluster.nodes;
});
after(async () => {
  await cluster?.stop();
  if (dir) rmSync(dir, { recursive: true, force: true });
});

describe('over TLS', () => {
  for (const format of ['json', 'msgpack']) {
    test(`two meet across two nodes in ${format}`, async () => {
      const [alice, bob] = [await join(node, fresh('alice'), { format }), await join(cluster.nodes[1], fresh('bob'), { format })];
      const call = await pair(alice, bob);
      await bob.request('signal', { call, to: 1, description: { type: 'answer', sdp: OFFER } });
      assert.equal((await alice.expect('signal')).description.sdp, OFFER);
      await Promise.all([alice.close(), bob.close()]);
    });
  }

  test('a message of 60 KiB comes through', async () => {
    const alice = await join(node, fresh('alice'));
    await alice.request('ping', { padding: 'x'.repeat(60_000) });
    await alice.close();
  });

  test('files come whole', async () => {
    const { status, text } = await node.get('/client/switchboard.d.ts');
    assert.deepEqual([status, text], [200, readFileSync(new URL('../../node/web/client/switchboard.d.ts', import.meta.url), 'utf8')]);
  });

  test('HTTP/2 is not offered', async () => assert.notEqual((await handshake({ ALPNProtocols: ['h2', 'http/1.1'] })).alpn, 'h2'));

  test('TLS 1.1 is refused', () => assert.rejects(handshake({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })));

  test('plain HTTP gets nothing and harms nothing', async () => {
    const status = await new Promise((resolve) => {
      http.get(`http://127.0.0.1:${node.port}/healthz`, (response) => resolve(response.statusCode)).on('error', () => resolve(0));
    });
    assert.notEqual(status, 200);
    assert.equal((await node.get('/healthz')).status, 200);
  });
});

describe('SIGHUP', () => {
  test('brings a new certificate to new handshakes, and old sockets stay', async () => {
    const alice = await join(node, fresh('alice'));
    assert.equal((await handshake()).name, 'first');
    makeCertificate('second');
    node.signal('SIGHUP');
    await until(async () => (await handshake()).name === 'second', 'the new certificate');
    await alice.settle();
    await alice.close();
  });

  test('with a certificate that is none keeps the old one, and says so', async () => {
    const { name } = await handshake();
    writeFileSync(cert(), 'no certificate\n');
    const seen = node.output.length;
    node.signal('SIGHUP');
    await until(() => /cert/.test(node.output.slice(seen)), 'a word in the log');
    assert.equal((await handshake()).name, name);
  });
});
