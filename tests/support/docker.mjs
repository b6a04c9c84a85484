// Switchboard's image and its compose file, on a real engine: each test file has a project of its own name, with secrets and a port of its own, and nothing of
// it is left.
//
// Where a public image is neither there nor can be pulled, a stand-in is made of Debian's package of the same program, under a name of the tests' own.
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { after, before, test as nodeTest } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fresh, join } from './client.mjs';
import { cleanEnvironment, freePort } from './cluster.mjs';
import { SECRET } from './token.mjs';
import { stretched, until } from './wait.mjs';

export const TOP = fileURLToPath(new URL('../..', import.meta.url));
/** TEST_DOCKER_IMAGE: one that is there already, instead of one of this tree. */
export const IMAGE = process.env.TEST_DOCKER_IMAGE ?? 'switchboard:test';
const BASE = 'debian:trixie-slim';
const BUILD_MS = 600_000;
const CROWD = 100; // calls of the load tests: all three nodes, HAProxy and the clients are on one machine
const OUTPUT_MAX = 8000; // of a failure: the end of what it wrote
const DOWN = ['--profile', '*', 'down', '-v', '--timeout', '1', '--remove-orphans'];
const STAND_INS = {
  REDIS_IMAGE: ['redis:7', 'redis-server'],
  HAPROXY_IMAGE: ['haproxy:3.0', 'haproxy'],
  COTURN_IMAGE: ['coturn/coturn:4.6', 'coturn'],
  PROMETHEUS_IMAGE: ['prom/prometheus:v2.53.0', 'prometheus'],
};
const run = promisify(execFile);

/** Runs docker to its end; what it wrote. A failure says what it was and what it wrote. */
export async function docker(args, { env = {}, ms = 120_000 } = {}) {
  const { stdout, stderr } = await run('docker', args, { env: { ...process.env, ...env }, timeout: ms, maxBuffer: 64 << 20 }).catch((error) => {
    throw new Error(`docker ${args.join(' ')}: ${error.killed ? `not done after ${ms} ms` : error.code}\n${`${error.stdout}${error.stderr}`.slice(-OUTPUT_MAX)}`);
  });
  return { stdout: stdout.trim(), output: stdout + stderr };
}

const works = (args, options) => docker(args, options).then(() => true, () => false);
const isThere = (image) => works(['image', 'inspect', image]);

/** Why these tests can't run here, or undefined. Asked once, at the start, and in no time where there is no engine. */
export const reason = (() => {
  const asked = (args) => {
    try {
      execFileSync('docker', args, { timeout: 10_000, stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  };
  if (!asked(['info'])) return 'no Docker engine answers here';
  if (!asked(['compose', 'version'])) return 'docker has no compose (version 2) here';
  if (!asked(['image', 'inspect', BASE]) && !asked(['pull', BASE])) return `the image ${BASE} is not there and can't be pulled`;
  return undefined;
})();

/** As node:test's, but skipped with a sentence where there is no engine. */
export function test(name, play) {
  nodeTest(name, { skip: reason ?? false }, play);
}

/** Hooks that run only where the tests do. */
export function around(setUp, takeDown) {
  if (reason) return;
  before(setUp);
  after(takeDown);
}

/** Builds IMAGE of this tree. What did not change since the last time is not built again. */
export async function buildImage() {
  if (process.env.TEST_DOCKER_IMAGE) return;
  await docker(['build', '--network=host', '-f', path(TOP, 'docker/Dockerfile'), '-t', IMAGE, TOP], { ms: BUILD_MS });
}

/** The environment that names an image for a variable of the compose file. */
async function imageFor(variable) {
  const [image, packages] = STAND_INS[variable];
  const own = `switchboard-test/${packages}`;
  if ((await isThere(image)) || (await works(['pull', '-q', image], { ms: 60_000 }))) return [variable, image];
  if (!(await isThere(own))) {
    const dir = mkdtempSync(path(tmpdir(), 'switchboard-image-'));
    writeFileSync(path(dir, 'Dockerfile'), `FROM ${BASE}\nRUN apt-get update && apt-get install -y --no-install-recommends ${packages} && rm -rf /var/lib/apt/lists/*\n`);
    await docker(['build', '--network=host', '-q', '-t', own, dir], { ms: BUILD_MS }).finally(() => rmSync(dir, { recursive: true }));
  }
  return [variable, own];
}

/** The first three numbers of a network of coturn's own: as many projects as there are may stand beside each other. */
const someNet = () => `10.${[0, 0].map(() => 1 + Math.floor(Math.random() * 250)).join('.')}`;
let projects = 0;
const running = new Set();
// The runner's patience may end before a test's own end.
process.on('exit', () => {
  for (const project of running) project.downNow();
});

/** One `docker compose` project. Where clients connect it is a node like those of cluster.mjs: behind HAProxy, whichever that chooses. */
export class Project {
  #env;
  #files;

  constructor({ file = 'docker/compose.yaml', name = 'haproxy' } = {}) {
    projects += 1;
    this.name = name;
    this.project = `switchboard-test-${process.pid}-${projects}`;
    this.dir = mkdtempSync(path(tmpdir(), 'switchboard-compose-'));
    this.secrets = new Set();
    this.tls = ''; // or 's', as in https
    this.#files = [path(TOP, file)];
  }

  /**
   * Makes secrets and images and starts `services`. `settings` are lines of switchboard.conf; `env` is what else the compose file asks for;
   * `more` is another compose file, as text; `tls` gives HAProxy a certificate for localhost.
   */
  async up({ services = ['haproxy'], scale = 3, settings = {}, env = {}, more, tls = false, images = ['REDIS_IMAGE', 'HAPROXY_IMAGE'] } = {}) {
    execFileSync(path(TOP, 'docker/make-secrets'), [path(this.dir, 'secrets')], { stdio: 'ignore', env: { ...process.env, ...env } });
    this.set(settings);
    if (more) {
      this.#files.push(path(this.dir, 'more.yaml'));
      writeFileSync(this.#files.at(-1), more);
    }
    const own = await Promise.all(images.map(imageFor));
    this.port = await freePort();
    this.#env = {
      ...Object.fromEntries(own),
      COMPOSE_FILE: this.#files.join(':'),
      COMPOSE_PROJECT_NAME: this.project,
      SECRETS: path(this.dir, 'secrets'),
      CERTS: path(this.dir, 'certs'),
      SWITCHBOARD_IMAGE: IMAGE,
      PUBLISH: `127.0.0.1:${this.port}`,
      TURN_NET: someNet(),
      ...(tls ? { HAPROXY_CERT: this.#makeCertificate() } : {}),
      ...env,
    };
    running.add(this);
    await this.compose(['up', '-d', '--no-build', ...(scale ? ['--scale', `node=${scale}`] : []), ...services]);
  }

  /** In the directory of certificates; its path as HAProxy sees it. */
  #makeCertificate() {
    const dir = path(this.dir, 'certs');
    mkdirSync(dir);
    const [cert, key] = [path(dir, 'cert'), path(dir, 'key')];
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=localhost', '-days', '2'];
    execFileSync('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', cert], { stdio: 'pipe' });
    writeFileSync(path(dir, 'site.pem'), readFileSync(cert, 'utf8') + readFileSync(key, 'utf8'));
    rmSync(cert);
    rmSync(key);
    this.tls = 's';
    return '/certs/site.pem';
  }

  /**
   * Lines for switchboard.conf, in place of those that make-secrets wrote; nodes read them when they start. `undefined` takes a line away, a list is as many
   * lines. Tokens are those of the tests.
   */
  set(settings) {
    const file = path(this.dir, 'secrets/switchboard.conf');
    const all = { 'jwt-key': `HS256:${SECRET}`, ...settings };
    const kept = readFileSync(file, 'utf8').split('\n').filter((line) => !(/^([a-z-]+) =/.exec(line)?.[1] in all));
    const lines = Object.entries(all).flatMap(([key, value]) => [value ?? []].flat().map((one) => `${key} = ${one}`));
    writeFileSync(file, [...lines, ...kept].join('\n'));
  }

  /** Other values for the compose file, from the next command on. */
  with(env) {
    Object.assign(this.#env, env);
  }

  compose(args, options = {}) {
    return docker(['compose', '--progress=quiet', ...args], { ...options, env: this.#env });
  }

  /** Runs one of the scripts of docker/: {stdout, stderr}. */
  script(name, args = [], { ms = 180_000 } = {}) {
    return run(path(TOP, 'docker', name), args, { env: { ...process.env, ...this.#env }, timeout: ms });
  }

  /** The containers of a service: ids. */
  async containers(service = 'node') {
    const { stdout } = await this.compose(['ps', '-q', service]);
    return stdout.split('\n').filter(Boolean);
  }

  async inspect(id) {
    return JSON.parse((await docker(['inspect', id])).stdout)[0];
  }

  async health(id) {
    return (await this.inspect(id)).State.Health.Status;
  }

  /** What the compose file is told. */
  get env() {
    return this.#env;
  }

  get url() {
    return `ws${this.tls}://127.0.0.1:${this.port}/v1/signal`;
  }

  /** Status, headers and text of a request through the proxy; status 0 when nobody answers. */
  get(path, { headers = {} } = {}) {
    return new Promise((resolve) => {
      const nobody = () => resolve({ status: 0, headers: {}, text: '' });
      const options = { host: '127.0.0.1', port: this.port, path, headers, agent: false, timeout: 5000, rejectUnauthorized: false };
      const asked = (this.tls ? https : http).get(options, (response) => {
        let text = '';
        response.on('data', (bytes) => (text += bytes)).on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }));
      });
      asked.on('timeout', () => asked.destroy()).on('error', nobody).on('upgrade', (response, socket) => {
        socket.destroy();
        resolve({ status: response.statusCode, headers: response.headers, text: '' });
      });
    });
  }

  /** Waits until new clients land on `count` nodes, no more and no fewer, and gives their names. */
  async untilOn(count) {
    let names;
    let trouble;
    const look = async () => {
      const clients = await Promise.all(Array.from({ length: 3 * count }, () => join(this, fresh('look')).catch((error) => (trouble = error) && undefined)));
      names = new Set(clients.map((client) => client?.welcome.server.node));
      await Promise.all(clients.map((client) => client?.request('bye').then(() => client.close())));
      await sleep(200); // each look is some work for both sides
      return names.size === count && !names.has(undefined);
    };
    // HAProxy gives a node that is new its share over half a minute.
    await until(look, () => `new clients to land on ${count} nodes; they land on ${[...names].join(' ')}; ${trouble ?? 'all came in'}`, stretched(120_000));
    return names;
  }

  /** How many sockets a node has, by its own count: asked at its own address, since the proxy tells nobody. */
  async socketsOf(id) {
    const { front } = Object.fromEntries(Object.entries((await this.inspect(id)).NetworkSettings.Networks).map(([name, network]) => [name.split('_').pop(), network]));
    const answer = await fetch(`http://${front.IPAddress}:8080/metrics`);
    return Number(/^switchboard_sockets(?:\{.*\})? (\d+)$/m.exec(await answer.text())[1]);
  }

  /** The node that has most of them. */
  async busiest() {
    const nodes = await Promise.all((await this.containers()).map(async (id) => ({ id, sockets: await this.socketsOf(id) })));
    return nodes.sort((a, b) => b.sockets - a.sockets)[0].id;
  }

  /** Waits until `count` nodes run and each can take clients. */
  async untilReady(count) {
    const ready = (id) => works(['exec', id, '/usr/bin/switchboard', 'health', 'ready']);
    const all = async () => {
      const nodes = await this.containers();
      return nodes.length === count && (await Promise.all(nodes.map(ready))).every(Boolean);
    };
    await until(all, `${count} nodes to be ready`, stretched(60_000));
  }

  /** Where its Redis is, as openResp() takes it. Containers are reached by their addresses: no port of it is published. */
  async redis() {
    const [id] = await this.containers('redis');
    const [{ IPAddress: host }] = Object.values((await this.inspect(id)).NetworkSettings.Networks);
    const [, password] = /requirepass (\S+)/.exec(readFileSync(path(this.dir, 'secrets/redis.conf'), 'utf8'));
    return { host, port: 6379, password };
  }

  /**
   * Plays a file of whole-system tests against this cluster, whose `settings` are told to it: [{title, outcome}], as outcomes.mjs has them, and what else it
   * wrote. `name` as in 'system/call'.
   */
  async play(name, settings, ms) {
    const outside = JSON.stringify({ url: this.url, redis: await this.redis(), settings });
    const { NODE_TEST_CONTEXT: ours, ...env } = { ...cleanEnvironment(), TEST_CROWD: CROWD, TEST_OUTSIDE: outside };
    // By force: a test that failed at once may have left waits behind.
    const args = ['--test', '--test-force-exit', `--test-reporter=${path(TOP, 'tests/support/outcomes.mjs')}`, path(TOP, `tests/${name}.test.mjs`)];
    const { stdout, stderr } = await run(process.execPath, args, { env, timeout: ms, maxBuffer: 64 << 20 }).catch((error) => error);
    const lines = stdout.split('\n');
    const told = lines.filter((line) => line.startsWith('{"title"')).map((line) => JSON.parse(line));
    return { told, more: lines.filter((line) => line && !line.startsWith('{"title"')).join('\n') + stderr };
  }

  /** Everything that the nodes wrote; a service's, when one is named. */
  async log(service = 'node') {
    return (await this.compose(['logs', '--no-color', '--no-log-prefix', service])).output;
  }

  /** Whatever happened: containers, networks and volumes go. */
  async down() {
    try {
      if (running.has(this)) await this.compose(DOWN);
      running.delete(this);
    } finally {
      rmSync(this.dir, { recursive: true, force: true });
    }
  }

  downNow() {
    execFileSync('docker', ['compose', ...DOWN], { env: { ...process.env, ...this.#env }, stdio: 'ignore', timeout: 60_000 });
  }
}
