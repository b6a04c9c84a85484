// Plain HTTP beside the sockets (docs/protocol.md).
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { Client, fresh, join } from '../support/client.mjs';
import { startCluster } from '../support/cluster.mjs';
import { mint } from '../support/token.mjs';
import { until, within } from '../support/wait.mjs';

let cluster;
let dev;
let node;
before(async () => {
  cluster = await startCluster({ nodes: 1, settings: { origin: ['https://app.example.org', 'https://other.example.org'] } });
  dev = await startCluster({ nodes: 2, settings: { dev: true, 'jwt-key': undefined } });
  [node] = cluster.nodes;
});
after(async () => {
  await Promise.all([cluster?.stop(), dev?.stop()]);
});

/** Everything the node answers to these bytes on one connection, until it closes or `enough` fits. */
async function raw(bytes, enough = /$^/) {
  const socket = connect(node.port, '127.0.0.1');
  let answer = '';
  const done = new Promise((resolve) => {
    socket.on('data', (data) => {
      answer += data;
      if (enough.test(answer)) resolve();
    });
    socket.on('close', resolve);
    socket.on('error', resolve);
  });
  socket.write(bytes);
  await within(done, () => `an answer; it said ${answer}`);
  socket.destroy();
  return answer;
}

describe('/healthz', () => {
  test('is 200 while the process lives', async () => assert.equal((await node.get('/healthz')).status, 200));
  test('takes HEAD', async () => assert.deepEqual(await node.get('/healthz', { method: 'HEAD' }).then(({ status, text }) => [status, text]), [200, '']));
  test('refuses POST', async () => assert.equal((await node.get('/healthz', { method: 'POST' })).status, 405));
});

describe('/readyz', () => {
  test('is 200 while messages come back through the bus', () => node.untilReady());
});

describe('/metrics', () => {
  test('is Prometheus text, with a help and a type for each', async () => {
    const { status, text, headers } = await node.get('/metrics');
    assert.equal(status, 200);
    assert.match(headers['content-type'], /^text\/plain/);
    for (const line of text.split('\n').filter((one) => one && !one.startsWith('#'))) assert.match(line, /^switchboard_[a-z_]+(\{[^}]*\})? [0-9.e+-]+$/);
    for (const [, name] of text.matchAll(/^# HELP (\S+)/gm)) assert.match(text, new RegExp(`^# TYPE ${name} (counter|gauge|histogram)$`, 'm'));
  });

  test('counts sockets, and names no user', async () => {
    const alice = await join(node, fresh('alice'));
    const { text } = await node.get('/metrics');
    assert.match(text, /^switchboard_sockets(\{[^}]*\})? 1$/m);
    assert.doesNotMatch(text, new RegExp(`${alice.user}|${alice.session}|127\\.0\\.0\\.1`));
    await alice.close();
  });
});

describe('/dev/token', () => {
  test('is not there without --dev', async () => assert.equal((await node.get('/dev/token?user=alice')).status, 404));

  test('gives a token that every node of the cluster takes', async () => {
    const { status, text, headers } = await dev.nodes[0].get('/dev/token?user=alice');
    assert.equal(status, 200);
    assert.match(headers['content-type'], /^application\/json/);
    assert.equal(headers['access-control-allow-origin'], '*', 'an app on a page of its own can be tried out');
    const { token } = JSON.parse(text);
    for (const one of dev.nodes) {
      const client = new Client();
      client.token = token;
      await client.connect(one);
      assert.equal((await client.hello({ device: 'phone' })).user, 'alice');
      await client.close();
    }
  });

  test('binds the device that it is asked for', async () => {
    const { token } = JSON.parse((await dev.nodes[0].get('/dev/token?user=alice&device=phone')).text);
    assert.equal(JSON.parse(Buffer.from(token.split('.')[1], 'base64url')).device, 'phone');
  });

  for (const query of ['?user=%00', '?user=%zz']) {
    test(`gives nothing for ${query}`, async () => assert.notEqual((await dev.nodes[0].get(`/dev/token${query}`)).status, 200));
  }
  for (const query of ['', '?user=', '?user=al%20ice', `?user=${'x'.repeat(65)}`, '?user=alice&device=my%20phone']) {
    test(`refuses ${query || 'no user'}`, async () => assert.equal((await dev.nodes[0].get(`/dev/token${query}`)).status, 400));
  }

  test('is remembered, so that the page shows who is there, at every node', async () => {
    const names = [fresh('first'), fresh('second')];
    for (const name of names) await dev.nodes[0].get(`/dev/token?user=${name}`);
    let told;
    await until(
      async () => {
        told = JSON.parse((await dev.nodes[1].get('/dev/people')).text).people;
        return names.every((name) => told.includes(name));
      },
      () => `${names} among ${told}`,
    );
    assert.ok(told.indexOf(names[1]) < told.indexOf(names[0]), 'the newest comes first');
    assert.equal((await node.get('/dev/people')).status, 404, 'not without --dev');
  });

  test('is warned of in the log', () => assert.match(dev.nodes[0].output, /dev/));
});

describe('everything else', () => {
  for (const path of ['/', '/v1', '/v1/signal/', '/../etc/passwd', '/%2e%2e/etc/passwd', '/healthz/x']) {
    test(`${path} is not found`, async () => assert.equal((await node.get(path)).status, 404));
  }
});

describe('the handshake', () => {
  const hello = async (origin) => {
    const client = new Client();
    client.token = mint(fresh('alice'));
    await client.connect(node, origin ? { origin } : {});
    await client.hello({ device: 'phone' });
    await client.close();
  };
  test('takes an origin of the list', async () => {
    await hello('https://app.example.org');
    await hello('https://other.example.org');
  });
  test('takes a client without an origin: it is no browser', () => hello());
  for (const origin of ['https://evil.example.org', 'https://app.example.org.evil.org', 'http://app.example.org', 'null', 'https://app.example.org:444']) {
    test(`refuses ${origin}`, () => assert.rejects(hello(origin), /403/));
  }

  test('refuses a version of WebSocket that is not 13', async () => {
    const answer = await raw(
      'GET /v1/signal HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 8\r\n\r\n',
      /\r\n\r\n/,
    );
    assert.match(answer, /^HTTP\/1\.1 (400|426) /);
  });

  test('without an upgrade is no page', async () => assert.ok((await node.get('/v1/signal')).status >= 400));

  // CVE-2025-11677: libwebsockets 4.1 reads freed memory here unless the application looks first.
  test('to an unknown protocol on a connection that was used before harms nothing', async () => {
    for (let i = 0; i < 20; i += 1) {
      await raw('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/signal HTTP/1.1\r\nHost: x\r\nUpgrade: foobar\r\nConnection: Upgrade\r\n\r\n', /HTTP\/1\.1 (4|5)/);
    }
    assert.equal((await node.get('/healthz')).status, 200);
  });

  test('to h2c is refused', async () => {
    const answer = await raw('GET /healthz HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n', /\r\n\r\n/);
    assert.doesNotMatch(answer, /101 Switching/);
  });

  test('that is garbage harms nothing', async () => {
    for (const bytes of ['\r\n\r\n', '\0\0\0\0\r\n\r\n', `GET ${'/x'.repeat(20_000)} HTTP/1.1\r\n\r\n`, `GET / HTTP/1.1\r\nX: ${'y'.repeat(60_000)}\r\n\r\n`, '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03']) {
      const socket = connect(node.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.end(bytes);
      await new Promise((resolve) => socket.once('close', resolve).resume());
    }
    assert.equal((await node.get('/healthz')).status, 200);
  });
});
