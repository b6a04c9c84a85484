// docker/compose.yaml: a whole cluster behind HAProxy, as a stranger starts it.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { answer, call, fact, hangUp, idle, online } from '../browser/desk.mjs';
import { CHROMIUM, startBrowser } from '../support/browser.mjs';
import { ANSWER, OFFER } from '../support/calls.mjs';
import { fresh, join } from '../support/client.mjs';
import { Project, around, buildImage, docker, test } from '../support/docker.mjs';

const NODES = 3;
let project;
let coturn;
let names; // of the nodes that clients came to
around(
  async () => {
    await buildImage();
    project = new Project();
    // Addresses of its own, so that whatever else runs here keeps its ports.
    const some = () => 1 + Math.floor(Math.random() * 250);
    coturn = `127.${some()}.${some()}.${some()}`;
    await project.up({
      services: ['haproxy', 'coturn'],
      scale: NODES,
      images: ['REDIS_IMAGE', 'HAPROXY_IMAGE', 'COTURN_IMAGE'],
      env: { TURN_BIND: coturn, TURN_ADDRESS: coturn },
    });
    names = await project.untilOn(NODES);
  },
  () => project?.down(),
);

test('clients that come through HAProxy end up on different nodes', () => {
  assert.equal(names.size, NODES);
});

test('a call works between two of them', async () => {
  const alice = await join(project, fresh('alice'));
  let bob;
  const others = [];
  do {
    bob = await join(project, fresh('bob'), { format: 'msgpack' });
    others.push(bob);
  } while (bob.welcome.server.node === alice.welcome.server.node);
  const { call: id } = await alice.request('call.start', { to: [bob.user], offer: OFFER });
  assert.equal((await bob.expect('call.incoming')).offer, OFFER);
  await bob.request('call.accept', { call: id, answer: ANSWER });
  assert.equal((await alice.expect('call.joined')).answer, ANSWER);
  await alice.request('signal', { call: id, to: 2, data: 'hello' });
  assert.equal((await bob.expect('signal')).data, 'hello');
  await bob.request('call.leave', { call: id });
  await alice.expect('call.ended');
  for (const client of [alice, ...others]) await client.request('bye');
});

test('two pages at different nodes call each other and hear each other', async (t) => {
  if (!CHROMIUM) return t.skip('there is no chromium on this machine');
  const browser = await startBrowser();
  try {
    await browser.play(t, {}, async (open) => {
      const alice = await online(await open(project, { user: 'alice' }));
      let bob;
      for (let i = 0; !bob || (await fact(bob, 'Node')) === (await fact(alice, 'Node')); i += 1) bob = await online(await open(project, { user: `bob${i}` }));
      await call(alice, bob.name);
      await answer(bob, 'alice');
      await Promise.all([alice.hears(1), bob.hears(1)]);
      await hangUp(alice);
      await Promise.all([idle(alice), idle(bob)]);
    });
  } finally {
    await browser.close();
  }
  return undefined;
});

test('the page and the browser client are on the same port; what is for operators is not', async () => {
  const page = await project.get('/');
  assert.equal(page.status, 200);
  assert.match(page.headers['content-type'], /^text\/html/);
  assert.equal((await project.get('/client/switchboard.js')).status, 200);
  assert.equal((await project.get('/dev/token?user=alice')).status, 200);
  for (const inside of ['/metrics', '/readyz']) assert.ok([403, 404].includes((await project.get(inside)).status), inside);
});

test('nothing is upgraded but to a WebSocket', async () => {
  const { status } = await project.get('/v1/signal', { headers: { connection: 'upgrade', upgrade: 'h2c' } });
  assert.ok(status >= 400 && status < 500, `${status}`);
});

test('coturn relays for whom a node has given credentials, and for nobody else; inside it reaches nothing', async () => {
  const alice = await join(project, fresh('alice'));
  const { username, credential } = alice.welcome.ice_servers.find((one) => one.username);
  const { COTURN_IMAGE: image } = project.env;
  const use = (...args) =>
    docker(['run', '--rm', '--network', 'host', '--entrypoint', 'timeout', image, '20', 'turnutils_uclient', '-n', '4', '-m', '1', ...args, coturn]).catch((error) => ({ output: error.message }));
  const relayed = await use('-y', '-u', username, '-w', credential);
  assert.match(relayed.output, /Total lost packets 0 /, 'two who are both relayed');
  const stranger = await use('-y', '-u', username, '-w', 'wrong');
  assert.match(stranger.output, /Cannot complete Allocation/);
  for (const inside of ['172.17.0.1', '100.64.0.1']) {
    const { output } = await use('-u', username, '-w', credential, '-e', inside, '-r', '6379');
    assert.match(output, /403 \(Forbidden IP\)/, inside);
  }
});

test('Prometheus and Grafana are a profile whose files are there', async () => {
  const { stdout } = await project.compose(['--profile', 'monitoring', 'config', '--format', 'json']);
  const { services } = JSON.parse(stdout);
  for (const name of ['prometheus', 'grafana']) {
    assert.deepEqual(services[name].profiles, ['monitoring']);
    for (const { type, source } of services[name].volumes) if (type === 'bind') assert.ok(existsSync(source), source);
  }
});

test('without SWITCHBOARD_DEV there is no page and no token for whoever asks; clients with tokens come in', async () => {
  project.with({ SWITCHBOARD_DEV: 'false' });
  await project.compose(['up', '-d', '--no-build', '--no-deps', '--scale', 'node=1', 'node']);
  await project.untilOn(1);
  assert.equal((await project.get('/')).status, 404);
  assert.equal((await project.get('/dev/token?user=alice')).status, 404);
  assert.equal((await project.get('/client/switchboard.js')).status, 200);
});
