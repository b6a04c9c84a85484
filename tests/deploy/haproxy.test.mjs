// deploy/haproxy/haproxy.cfg in front of real nodes.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join as path } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client, fresh, join } from '../support/client.mjs';
import { freePort, Node, startCluster } from '../support/cluster.mjs';
import { SECRET } from '../support/token.mjs';
import { stretched, unhurried, until } from '../support/wait.mjs';
import { outlives, startDns, startHaproxy } from './proxies.mjs';
import { defaultOf, judge, pathOf, scratch, suiteNeeding, textOf } from './tools.mjs';

const FILE = 'haproxy/haproxy.cfg';
const TIMEOUT = /^ +timeout tunnel (\d+)s$/m;
const suite = suiteNeeding('haproxy');
const dir = scratch();

/** The file as somebody leaves it who has these nodes. */
function withNodes(...nodes) {
  const lines = nodes.map(({ port }, i) => `    server node${i + 1} 127.0.0.1:${port}`);
  return textOf(FILE).replace(/( +server node\d .*\n)+/, `${lines.join('\n')}\n`);
}

suite('haproxy.cfg', () => {
  const check = async (env) => {
    const { code, output } = await judge('haproxy', ['-c', '-n', '500', '-f', pathOf(FILE)], { env });
    assert.equal(code, 0, output);
    // A machine without a network reaches no name server; that is not the file's fault.
    const warnings = output.split('\n').filter((line) => /WARNING/.test(line) && !/nameserver/.test(line));
    assert.deepEqual(warnings, []);
  };

  test('is accepted as it stands', () => check({}));
  test('is accepted with a name for the nodes, as in docker/compose.yaml', () => check({ SWITCHBOARD_NODES: 'node:8080' }));
  test('is accepted with a name server of its own', () => check({ SWITCHBOARD_NODES: 'node:8080', SWITCHBOARD_DNS: '127.0.0.1:53' }));
  test('is accepted with TLS, a control socket and a place for Prometheus', async () => {
    const [key, certificate] = [path(dir, 'key.pem'), path(dir, 'cert.pem')];
    const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=localhost', '-days', '2'];
    execFileSync('openssl', [...args, '-keyout', key, '-out', certificate], { stdio: 'ignore' });
    writeFileSync(path(dir, 'both.pem'), readFileSync(certificate) + readFileSync(key));
    await check({ HAPROXY_CERT: path(dir, 'both.pem'), HAPROXY_SOCKET: path(dir, 'check.sock'), HAPROXY_METRICS: '127.0.0.1:8405' });
  });

  test('lets a socket be silent for longer than it takes a node to find out, and for no hour', async () => {
    const seconds = Number(TIMEOUT.exec(textOf(FILE))[1]);
    const heartbeat = (await defaultOf('heartbeat-ms')) / 1000;
    assert.ok(seconds > 2 * heartbeat && seconds < 6 * heartbeat, `${seconds} s`);
  });

  test('is asked often enough to see a node leave while that still listens', async () => {
    const [, every] = /inter (\d+)s/.exec(textOf(FILE));
    assert.ok(2 * Number(every) * 1000 <= (await defaultOf('drain-ms')) / 2);
  });
});

/** Closes of sockets that did not come from the client. */
const closings = (clients) => Promise.all(clients.map((client) => client.closed(stretched(60_000))));

/** The name that a node gives itself in its welcomes. */
async function nameOf(node) {
  return /node="([^"]+)"/.exec((await node.get('/metrics')).text)[1];
}

suite('behind HAProxy', () => {
  const NODES = 3;
  const DRAIN_MS = stretched(12_000); // for half of it the node listens, and HAProxy has to see it leave
  let cluster;
  let dns;
  let proxy;
  let metrics; // where Prometheus would ask the proxy
  let port;
  const names = [];
  const where = (i) => `127.0.0.${i + 2}:${port}`;
  const all = (status) => Object.fromEntries(names.map((_, i) => [where(i), status]));

  /** A node with a port of its own for the test, and the common one at an address of its own, as a container has. */
  async function startNode(i) {
    const own = await freePort();
    const settings = { redis: cluster.redis.url, 'jwt-key': `HS256:${SECRET}`, 'drain-ms': DRAIN_MS, 'grace-ms': 3 * DRAIN_MS, 'trust-proxy': '127.0.0.1/32' };
    const node = new Node(`n${i + 1}`, own, { ...settings, listen: [`127.0.0.1:${own}`, where(i)] });
    cluster.nodes.push(node);
    await node.start();
    names[i] = await nameOf(node);
    return node;
  }

  /** `count` new clients, and how many of them came to each node. */
  async function arrive(count) {
    const clients = [];
    for (let i = 0; i < count; i += 1) clients.push(await join(proxy, fresh('guest')));
    const at = (i) => clients.filter((client) => client.welcome.server.node === names[i]);
    return { clients, at };
  }
  const leave = (clients) => Promise.all(clients.map((client) => client.close()));

  /** Comes back through the proxy with what it had, at another node than `name`. */
  async function comeBack(client, name) {
    const resumes = () => client.resume(proxy).then(
      (welcome) => welcome,
      () => undefined, // not noticed yet
    );
    const welcome = await until(resumes, `${client.user} to come back`);
    assert.equal(welcome.resumed, true);
    assert.notEqual(welcome.server.node, name);
  }

  before(async () => {
    port = await freePort();
    cluster = await startCluster({ nodes: 0, redis: { appendOnly: true } });
    await Promise.all(Array.from({ length: NODES }, (_, i) => startNode(i)));
    dns = await startDns(names.map((_, i) => where(i).split(':')[0]));
    metrics = `127.0.0.1:${await freePort()}`;
    proxy = await startHaproxy(dir, textOf(FILE), { SWITCHBOARD_NODES: `nodes.test:${port}`, SWITCHBOARD_DNS: dns.address, HAPROXY_METRICS: metrics });
    await proxy.untilServers(all('UP'));
  });
  after(async () => {
    await proxy?.stop();
    await dns?.stop();
    await cluster?.stop();
  });

  // A node that does not answer for two seconds gets nobody for a while.
  test('clients spread over all nodes that the name has', () =>
    unhurried(async () => {
      await proxy.untilServers(all('UP'));
      const { clients, at } = await arrive(12);
      const newcomers = [];
      try {
        const counts = names.map((_, i) => at(i).length);
        assert.ok(counts.every((count) => count >= 2), `${counts}`);
        await leave(at(0));
        newcomers.push(...(await arrive(counts[0])).clients);
        const next = newcomers.filter((client) => client.welcome.server.node === names[0]);
        assert.ok(next.length > counts[0] / 2, 'who has the fewest gets the next');
      } finally {
        await leave([...clients, ...newcomers].filter((client) => client.open));
      }
    }));

  // A node that comes back to Redis seconds after the others is taken for dead.
  test('sockets outlive a Redis that is away, when every node says 503', () =>
    unhurried(async () => {
      const { clients } = await arrive(6);
      try {
        await cluster.redis.kill();
        await proxy.untilServers(all('DOWN'));
        assert.equal((await proxy.upgrade('Upgrade: websocket', 'Connection: Upgrade')), 503, 'nobody new');
        for (const client of clients) assert.ok(await client.ask('ping'), 'is answered, whatever the answer is');
        await cluster.redis.start();
        await proxy.untilServers(all('UP'));
        for (const client of clients) await until(async () => (await client.ask('ping')).type === 'ok', 'pings to be fine');
      } finally {
        await leave(clients.filter((client) => client.open));
      }
    }));

  test('a node that leaves gets nobody new, and all it has are told', async () => {
    const { clients, at } = await arrive(36);
    const [leaving, staying] = [at(0), clients.filter((client) => !at(0).includes(client))];
    assert.ok(leaving.length >= 6, `${leaving.length}`);
    cluster.nodes[0].signal('SIGTERM');
    await proxy.untilServers({ [where(0)]: 'NOLB' });
    assert.ok(leaving.some((client) => client.open), 'its sockets live on');
    const newcomers = await arrive(6);
    assert.equal(newcomers.at(0).length, 0);
    const closed = await closings(leaving);
    assert.deepEqual(new Set(closed.map(({ code }) => code)), new Set([1012]), 'by the node, not by the proxy');
    for (const client of leaving) await client.expect('reconnect');
    for (const client of leaving) await comeBack(client, names[0]);
    for (const client of staying) assert.ok(client.open);
    await leave([...clients, ...newcomers.clients]);
    await cluster.nodes[0].exited;
  });

  test('a killed node\'s clients come back at another one', async () => {
    const { clients, at } = await arrive(8);
    const lost = at(1);
    assert.ok(lost.length > 0);
    await cluster.nodes[1].kill();
    await closings(lost);
    const newcomers = await arrive(4); // each at its first try
    for (const client of lost) await comeBack(client, names[1]);
    await leave([...clients, ...newcomers.clients]);
  });

  test('a node that the name gains is found, one that it loses is forgotten', async () => {
    await startNode(3);
    dns.addresses = [where(2), where(3)].map((one) => one.split(':')[0]);
    await proxy.untilServers({ [where(0)]: undefined, [where(1)]: undefined, [where(2)]: 'UP', [where(3)]: 'UP' });
    const { clients, at } = await arrive(6);
    assert.ok(at(3).length > 0);
    await leave(clients);
  });

  test('Prometheus is told what the alerts ask of the proxy, at a place of its own, and nothing else is there', async () => {
    const text = await (await fetch(`http://${metrics}/metrics`)).text();
    const asked = new Set(textOf('prometheus/alerts.yml').match(/\bhaproxy_\w+/g));
    assert.ok(asked.size > 0);
    for (const name of asked) assert.match(text, new RegExp(`^${name} \\d+$`, 'm'));
    for (const other of ['/', '/client/', '/v1/signal']) assert.equal((await fetch(`http://${metrics}${other}`)).status, 404);
  });

  describe('refused is', () => {
    test('an upgrade to anything but websocket', async () => assert.equal(await proxy.upgrade('Upgrade: foobar', 'Connection: Upgrade'), 400));
    test('HTTP/2 without asking', async () => assert.match(await proxy.raw('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), /^HTTP\/1\.1 400/));

    const paths = ['/metrics', '/metrics?x=1', '/metrics/', '/%6detrics', '//metrics', '/./metrics', '/x/../metrics', '/readyz', '/healthz'];
    for (const hidden of [...paths, 'http://switchboard/metrics']) {
      test(`${hidden}, to a client`, async () => {
        const { status, text } = await proxy.get(hidden);
        assert.ok(status === 400 || status === 404, `${status}`);
        assert.doesNotMatch(text, /switchboard_|ready|\nok/);
      });
    }
  });

  test('the browser client and WebSockets pass', async () => {
    assert.equal((await proxy.get('/client/')).status, 200);
    assert.equal(await proxy.upgrade('Upgrade: websocket', 'Connection: Upgrade'), 101);
  });
});

suite('no node hears of HTTP/2', () => {
  // HAProxy 2.6 leaves h2c to the file, which refuses it; 3.0 takes it out by itself, and what is left of the request may pass.
  const upgrades = {
    'in an upgrade': ['Upgrade: h2c', 'Connection: Upgrade, HTTP2-Settings', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA'],
    'behind websocket': ['Upgrade: websocket, h2c', 'Connection: Upgrade'],
    'in a header of its own': ['Upgrade: websocket', 'Upgrade: h2c', 'Connection: Upgrade'],
  };
  const heard = [];
  let node;
  let proxy;
  before(async () => {
    node = createServer((request, response) => {
      heard.push(request.headers.upgrade);
      response.end();
    });
    node.on('upgrade', (request, socket) => {
      heard.push(request.headers.upgrade);
      socket.on('error', () => {}); // the proxy is killed at the end
      socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
    });
    await new Promise((resolve) => node.listen(0, '127.0.0.1', resolve));
    const { port } = node.address();
    proxy = await startHaproxy(dir, withNodes({ port }));
    await proxy.untilServers({ [`127.0.0.1:${port}`]: 'UP' });
  });
  after(async () => {
    await proxy?.stop();
    node?.close();
  });

  for (const [where, headers] of Object.entries(upgrades)) {
    test(where, async () => {
      await proxy.upgrade(...headers);
      assert.doesNotMatch(heard.join(), /h2c/);
    });
  }
  test('but of WebSockets they do', async () => {
    await proxy.upgrade('Upgrade: websocket', 'Connection: Upgrade');
    assert.ok(heard.includes('websocket'));
  });
});

suite('the client\'s address', () => {
  const LIMIT = 2;
  let cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 0, settings: { 'sockets-per-address-max': LIMIT } });
  });
  after(() => cluster?.stop());

  const from = (localAddress, headers = {}) => ({ localAddress, headers });
  /** Whether one more socket is let in. */
  async function taken(proxy, options) {
    const client = new Client();
    const status = await client.connect(proxy, options).then(
      () => 101,
      (error) => Number(/(\d{3})$/.exec(error.message)?.[1]),
    );
    return { client, status };
  }
  /** The statuses that sockets get, opened in this order and kept. */
  async function statuses(settings, attempts) {
    const node = await cluster.add({ 'hello-timeout-ms': 60_000, ...settings });
    const proxy = await startHaproxy(dir, withNodes(node));
    await proxy.untilServers({ [`127.0.0.1:${node.port}`]: 'UP' });
    const results = [];
    for (const attempt of attempts) results.push(await taken(proxy, attempt));
    await Promise.all(results.filter(({ status }) => status === 101).map(({ client }) => client.drop()));
    await proxy.stop();
    return results.map(({ status }) => status);
  }

  // Where a node does not answer for two seconds the proxy refuses them all.
  const get = (settings, attempts, wanted) => unhurried(async () => assert.deepEqual(await statuses(settings, attempts), wanted));

  test('is what the proxy says, to nodes that are told to believe it', () =>
    get({ 'trust-proxy': '127.0.0.1/32' }, [from('127.0.0.5'), from('127.0.0.5'), from('127.0.0.5'), from('127.0.0.6')], [101, 101, 429, 101]));

  test('is never what the client says', () => {
    const liar = (name) => from('127.0.0.5', { 'X-Forwarded-For': name, Forwarded: `for=${name}` });
    return get({ 'trust-proxy': '127.0.0.0/8' }, [liar('192.0.2.1'), liar('192.0.2.2'), liar('192.0.2.3')], [101, 101, 429]);
  });

  test('is the proxy\'s own to nodes that trust other networks', () =>
    get({ 'trust-proxy': '10.0.0.0/8' }, [from('127.0.0.5'), from('127.0.0.6'), from('127.0.0.7')], [101, 101, 429]));
});

suite('an idle socket', () => {
  const text = (node, pace) => withNodes(node).replace(TIMEOUT, `    timeout tunnel ${pace}s`).replace(/timeout (client|server) 30s/g, `timeout $1 ${pace}s`);
  let cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 0 });
  });
  after(() => cluster?.stop());

  async function idle(heartbeat, pace = 1) {
    const node = await cluster.add({ 'heartbeat-ms': heartbeat });
    const proxy = await startHaproxy(dir, text(node, pace));
    await proxy.untilServers({ [`127.0.0.1:${node.port}`]: 'UP' });
    return { proxy, client: await join(proxy, fresh('idle')) };
  }

  test('outlives the proxy\'s timeouts by the heartbeat alone', () =>
    unhurried(async (pace) => {
      const { proxy, client } = await idle(250 * pace, pace);
      try {
        await outlives(client, 12, 'as many heartbeats as three times the timeout takes');
      } finally {
        await proxy.stop();
      }
    }));

  test('whose node is silent is ended by the proxy, so that its client comes back', async () => {
    const { proxy, client } = await idle(60_000);
    assert.equal((await client.closed()).code, 1006);
    await proxy.stop();
  });
});
