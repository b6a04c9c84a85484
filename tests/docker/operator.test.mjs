// docker/compose.yaml in the hands of somebody who brings a certificate, looks at Prometheus, forgets things and mistypes others.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { connect } from 'node:tls';
import { pair } from '../support/calls.mjs';
import { fresh, join } from '../support/client.mjs';
import { SETTINGS, freePort } from '../support/cluster.mjs';
import { Project, TOP, around, buildImage, docker, test } from '../support/docker.mjs';
import { stretched, until } from '../support/wait.mjs';

const NODES = 2;
const FILES = 12_345;
const settings = { ...SETTINGS, 'ice-config': undefined };
const dashboard = JSON.parse(readFileSync(path(TOP, 'deploy/grafana/dashboards/switchboard.json'), 'utf8'));

let project;
let prometheus;
around(
  async () => {
    await buildImage();
    prometheus = `127.0.0.1:${await freePort()}`;
    project = new Project();
    await project.up({
      services: ['haproxy', 'coturn', 'prometheus'],
      scale: NODES,
      tls: true,
      settings,
      images: ['REDIS_IMAGE', 'HAPROXY_IMAGE', 'COTURN_IMAGE', 'PROMETHEUS_IMAGE'],
      env: { PROMETHEUS_PUBLISH: prometheus, FILES: String(FILES), CLIENTS_MAX: '5000', TURN_BIND: '127.0.0.77', TURN_ADDRESS: '127.0.0.77' },
    });
    await project.untilOn(NODES);
  },
  () => project?.down(),
);

test('with nothing prepared compose says what to run first, and once it ran all is there', async () => {
  const dir = mkdtempSync(path(tmpdir(), 'switchboard-stranger-'));
  try {
    cpSync(path(TOP, 'docker'), path(dir, 'docker'), { recursive: true, filter: (name) => !/\/(secrets|certs|\.env)$/.test(name) });
    const { SECRETS, ...env } = process.env;
    const config = (file) => docker(['compose', '-f', path(dir, 'docker', file), '--profile', 'monitoring', 'config', '--format', 'json'], { env: { ...env, SECRETS: '' } });
    for (const file of ['compose.yaml', 'compose.multihost.yaml']) await assert.rejects(config(file), /run docker\/make-secrets first/);
    for (const time of ['first', 'second']) execFileSync(path(dir, 'docker/make-secrets'), { stdio: 'ignore', env: { ...env, TIME: time } });
    assert.equal(readFileSync(path(dir, 'docker/.env'), 'utf8').match(/^SECRETS=/gm).length, 1);
    const { stdout } = await docker(['compose', '-f', path(dir, 'docker/compose.yaml'), '--profile', 'monitoring', 'config', '--format', 'json'], { env });
    const { secrets, networks } = JSON.parse(stdout);
    for (const { file } of Object.values(secrets)) assert.ok(existsSync(file), file);
    // Docker gives the networks that nobody chose addresses of 172.16.0.0/12 and 192.168.0.0/16, in turn: one that was chosen from there is taken some day.
    assert.match(networks.turn.ipam.config[0].subnet, /^10\./);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('with a certificate HAProxy speaks TLS: the page, sockets, whole calls, and nothing in the clear', async () => {
  const socket = connect({ host: '127.0.0.1', port: project.port, rejectUnauthorized: false });
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  assert.equal(socket.getPeerCertificate().subject.CN, 'localhost');
  socket.destroy();
  const page = await project.get('/');
  assert.deepEqual([page.status, page.headers['content-type']], [200, 'text/html; charset=utf-8']);
  const { told, more } = await project.play('system/call', settings, stretched(120_000));
  assert.ok(told.length > 10, more);
  assert.deepEqual(told.filter(({ outcome }) => outcome !== 'ok'), []);
  await assert.rejects(join({ ...project, name: 'in the clear', secrets: project.secrets, url: project.url.replace('wss', 'ws') }, fresh('alice')));
});

test('docker/operate asks the cluster without being told where Redis is', async () => {
  const client = await join(project, fresh('alice'));
  const { stdout } = await project.script('operate', ['status', '--json']);
  const { nodes, redis } = JSON.parse(stdout);
  assert.ok(redis.memory_max_bytes > 0, 'a Redis without a limit is ended by the kernel, or ends something else');
  assert.equal(nodes.filter(({ state }) => state === 'here').length, NODES);
  await project.script('operate', ['kick', client.user]);
  assert.equal((await client.closed()).code, 4006);
  await assert.rejects(project.script('operate', ['kick', client.user]), /has no session/);
});

test('as many files may be opened as FILES says', async () => {
  for (const service of ['node', 'haproxy', 'redis']) {
    const [id] = await project.containers(service);
    const { State: state } = await project.inspect(id);
    assert.match(readFileSync(`/proc/${state.Pid}/limits`, 'utf8'), new RegExp(`^Max open files +${FILES} +${FILES} `, 'm'), service);
  }
});

const MISTAKES = {
  SWITCHBOARD_LOG_LEVEL: ['loud', /SWITCHBOARD_LOG_LEVEL.*debug.*info.*warn.*error/],
  SWITCHBOARD_DRAIN_MS: ['soon', /SWITCHBOARD_DRAIN_MS.*a number from/],
  SWITCHBOARD_DEV: ['maybe', /SWITCHBOARD_DEV.*true.*false/],
  SWITCHBOARD_REDIS: ['http://redis', /--redis.*redis:\/\//],
  SWITCHBOARD_TRUST_PROXY: ['everybody', /--trust-proxy.*"everybody"/],
  SWITCHBOARD_GRACE_SM: ['1', /SWITCHBOARD_GRACE_MS/],
};
for (const [name, [value, told]] of Object.entries(MISTAKES)) {
  test(`${name}=${value} ends a node at once, with a sentence that names it and what would be right`, async () => {
    const started = project.compose(['run', '--rm', '--no-deps', '-T', '-e', `${name}=${value}`, 'node'], { ms: stretched(30_000) });
    const { message } = await started.then(() => ({ message: 'it started' }), (error) => error);
    assert.match(message, told);
    assert.match(message, /^docker compose .*: [12]$/m);
  });
}

test('every question of the dashboard gets an answer from Prometheus', async () => {
  const questions = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));
  assert.ok(questions.length > 50, `${questions.length}`);
  const ask = async (expr) => {
    const query = expr.replaceAll('$instance', '.*').replaceAll('$__rate_interval', '1m');
    const answer = await fetch(`http://${prometheus}/api/v1/query?${new URLSearchParams({ query })}`).then((response) => response.json(), () => ({}));
    // Of what was not measured yet a quantile is no number.
    return { error: answer.error, found: (answer.data?.result ?? []).filter(({ value }) => value[1] !== 'NaN') };
  };
  const targets = () => ask('up{job="switchboard"} == 1');
  await until(async () => (await targets()).found.length === NODES, 'Prometheus to find the nodes', stretched(60_000));
  await until(async () => (await ask('haproxy_process_max_connections{job="haproxy"}')).found.length === 1, 'Prometheus to find the proxy', stretched(60_000));
  // Some of everything that is counted, again and again until two looks of Prometheus have seen it grow.
  const some = async () => {
    const [alice, bob] = [await join(project, fresh('alice')), await join(project, fresh('bob'))];
    await alice.request('presence.watch', { users: [bob.user] });
    const call = await pair(alice, bob);
    await alice.request('signal', { call, to: 2, data: 'hello' });
    await bob.expect('signal');
    await alice.refused('call.get', { call: 'nonsense' }, 'not_found');
    for (const client of [alice, bob]) await client.request('bye');
  };
  let silent = questions;
  const look = async () => {
    await some();
    const answers = await Promise.all(silent.map(async (one) => ({ ...one, ...(await ask(one.expr)) })));
    for (const { expr, error } of answers) assert.equal(error, undefined, expr);
    silent = answers.filter(({ found }) => found.length === 0);
    return silent.length === 0;
  };
  await until(look, () => `answers to ${silent.map(({ title, expr }) => `${title}: ${expr}`).join('\n')}`, stretched(90_000));
});

test('stopped with clients inside, every program ends by itself: none has to be killed', async () => {
  const clients = await Promise.all(Array.from({ length: 20 }, () => join(project, fresh('guest'))));
  const all = (await Promise.all(['haproxy', 'node', 'redis', 'coturn', 'prometheus'].map((service) => project.containers(service)))).flat();
  await project.compose(['stop']);
  await Promise.all(clients.map((client) => client.closed()));
  const KILLED = 137;
  for (const id of all) {
    const { Name: name, State: state } = await project.inspect(id);
    assert.notEqual(state.ExitCode, KILLED, name);
    if (/node/.test(name)) assert.equal(state.ExitCode, 0, name);
  }
});
