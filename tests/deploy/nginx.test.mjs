// deploy/nginx/switchboard.conf in front of real nodes.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join as path } from 'node:path';
import { after, before, test } from 'node:test';
import { Client, fresh, join } from '../support/client.mjs';
import { freePort, startCluster } from '../support/cluster.mjs';
import { stretched, unhurried, until } from '../support/wait.mjs';
import { outlives, startNginx } from './proxies.mjs';
import { defaultOf, judge, pathOf, scratch, suiteNeeding, textOf } from './tools.mjs';

const FILE = 'nginx/switchboard.conf';
const TIMEOUTS = /proxy_(read|send)_timeout (\d+)s/g;
const suite = suiteNeeding('nginx');
const dir = scratch();

/** The file as somebody leaves it who has these nodes and listens on that port of the loopback. */
function withNodes(port, ...nodes) {
  const lines = nodes.map((node) => `    server 127.0.0.1:${node.port} max_fails=2 fail_timeout=5s;`);
  return textOf(FILE).replace(/( +server 10\..*\n)+/, `${lines.join('\n')}\n`).replace('listen 80;', `listen 127.0.0.1:${port};`);
}

suite('switchboard.conf', () => {
  test('is accepted as it stands', async () => {
    const main = path(dir, 'check.conf');
    writeFileSync(main, `pid "${path(dir, 'check.pid')}"; error_log stderr; events {} http { access_log off; include "${pathOf(FILE)}"; }`);
    const { code, output } = await judge('nginx', ['-t', '-p', dir, '-c', main]);
    // Who may not bind port 80 got past the syntax.
    assert.ok(code === 0 || /syntax is ok/.test(output), output);
    assert.doesNotMatch(output, /\[warn\]/);
  });

  test('lets a socket be silent for longer than it takes a node to find out, and for no hour', async () => {
    const heartbeat = (await defaultOf('heartbeat-ms')) / 1000;
    const found = [...textOf(FILE).matchAll(TIMEOUTS)].map(([, , seconds]) => Number(seconds));
    assert.equal(found.length, 2);
    for (const seconds of found) assert.ok(seconds > 2 * heartbeat && seconds < 6 * heartbeat, `${seconds} s`);
  });
});

suite('behind nginx', () => {
  let cluster;
  let proxy;
  let names;
  before(async () => {
    const settings = { 'trust-proxy': '127.0.0.1/32', 'drain-ms': stretched(2000), 'sockets-per-address-max': 12 };
    cluster = await startCluster({ nodes: 3, settings });
    names = await Promise.all(cluster.nodes.map(async (node) => /node="([^"]+)"/.exec((await node.get('/metrics')).text)[1]));
    const port = await freePort();
    proxy = await startNginx(dir, withNodes(port, ...cluster.nodes), port);
  });
  after(async () => {
    await proxy?.stop();
    await cluster?.stop();
  });

  async function arrive(count) {
    const clients = [];
    for (let i = 0; i < count; i += 1) clients.push(await join(proxy, fresh('guest')));
    return { clients, at: (i) => clients.filter((client) => client.welcome.server.node === names[i]) };
  }
  const leave = (clients) => Promise.all(clients.map((client) => client.close()));
  async function comeBack(client, name) {
    const welcome = await until(() => client.resume(proxy).catch(() => undefined), `${client.user} to come back`);
    assert.equal(welcome.resumed, true);
    assert.notEqual(welcome.server.node, name);
  }

  test('clients spread over the nodes', async () => {
    const { clients, at } = await arrive(9);
    for (let i = 0; i < names.length; i += 1) assert.equal(at(i).length, 3);
    await leave(at(0));
    const newcomers = await arrive(3);
    assert.equal(newcomers.at(0).length, 3, 'who has the fewest gets the next');
    await leave([...clients, ...newcomers.clients].filter((client) => client.open));
  });

  test('a silent client stays by its heartbeat', () =>
    unhurried(async (pace) => {
      const quick = await startCluster({ nodes: 1, settings: { 'heartbeat-ms': 250 * pace } });
      const port = await freePort();
      const impatient = await startNginx(dir, withNodes(port, ...quick.nodes).replace(TIMEOUTS, `proxy_$1_timeout ${pace}s`), port);
      try {
        const client = await join(impatient, fresh('silent'));
        await outlives(client, 10, 'more heartbeats than fit into the timeout');
      } finally {
        await impatient.stop();
        await quick.stop();
      }
    }));

  test('the client\'s address is what nginx says, never what the client says', async () => {
    const statusOf = (localAddress, said) =>
      new Client().connect(proxy, { localAddress, headers: { 'X-Forwarded-For': said } }).then(
        (client) => client,
        (error) => Number(/(\d{3})$/.exec(error.message)?.[1]),
      );
    const one = [];
    for (let i = 0; i < 3 * 12 + 1; i += 1) one.push(await statusOf('127.0.0.5', `192.0.2.${i}`));
    const refused = one.filter((each) => each === 429);
    assert.equal(refused.length, 1, 'three nodes with twelve each, and the lie did not help the last one');
    const other = await statusOf('127.0.0.6', '127.0.0.5');
    assert.ok(other instanceof Client);
    await Promise.all([...one, other].filter((each) => each instanceof Client).map((client) => client.drop()));
  });

  const upgrades = {
    h2c: ['Upgrade: h2c', 'Connection: Upgrade, HTTP2-Settings', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA'],
    'anything else': ['Upgrade: foobar', 'Connection: Upgrade'],
    'h2c behind websocket': ['Upgrade: websocket, h2c', 'Connection: Upgrade'],
  };
  for (const [what, headers] of Object.entries(upgrades)) test(`an upgrade to ${what} is refused`, async () => assert.equal(await proxy.upgrade(...headers), 400));
  test('an upgrade of two headers says websocket to the node, if it passes', async () => {
    assert.ok([101, 400].includes(await proxy.upgrade('Upgrade: websocket', 'Upgrade: h2c', 'Connection: Upgrade')));
  });
  for (const hidden of ['/metrics', '/metrics?x=1', '/%6detrics', '//metrics', '/./metrics', '/x/../metrics', '/readyz', '/healthz']) {
    test(`${hidden} is not for clients`, async () => {
      const { status, text } = await proxy.get(hidden);
      assert.ok(status === 400 || status === 404, `${status}`);
      assert.doesNotMatch(text, /switchboard_|ready|\nok/);
    });
  }
  test('the browser client passes', async () => assert.equal((await proxy.get('/client/')).status, 200));

  test('all that a leaving node has are told, and come back at another', async () => {
    const { clients, at } = await arrive(9);
    const told = at(0);
    assert.ok(told.length > 0);
    cluster.nodes[0].signal('SIGTERM');
    for (const client of told) assert.equal((await client.closed()).code, 1012);
    await cluster.nodes[0].exited;
    for (const client of told) await comeBack(client, names[0]);
    await leave(clients);
  });

  test('a killed node\'s clients come back at another one', async () => {
    const { clients, at } = await arrive(6);
    const lost = at(1);
    assert.ok(lost.length > 0);
    await cluster.nodes[1].kill();
    await Promise.all(lost.map((client) => client.closed()));
    const newcomers = await arrive(4); // each at its first try
    for (const client of lost) await comeBack(client, names[1]);
    await leave([...clients, ...newcomers.clients]);
  });
});
