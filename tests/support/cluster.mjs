// Nodes as processes that share one Redis: start, kill, freeze, drain and restart them, and look at what they wrote when they end.
//
// The binary under test stands in SWITCHBOARD (build/switchboard when unset), so that the same tests run against the sanitizer build.
// TEST_LOGS names a directory for the nodes' logs. TEST_OUTSIDE is a cluster that is there already: {url, redis: {host, port, password}, settings}.
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { createServer } from 'node:net';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { jittered, startProcess } from './processes.mjs';
import { startRedis } from './redis.mjs';
import { openResp } from './resp.mjs';
import { SECRET } from './token.mjs';
import { DEADLINE_MS, stretched, until, within } from './wait.mjs';

export const BINARY = process.env.SWITCHBOARD ?? fileURLToPath(new URL('../../build/switchboard', import.meta.url));

/** Settings of every node unless a test says otherwise: times a test can wait for, limits that only their own tests meet. */
export const SETTINGS = {
  'jwt-key': `HS256:${SECRET}`,
  'grace-ms': 20_000,
  'hello-timeout-ms': 60_000,
  'drain-ms': 300,
  'frames-per-second': 100_000,
  'frames-burst': 100_000,
  'bytes-per-second': 1_000_000_000,
  'bytes-burst': 1_000_000_000,
  'sockets-per-address-max': 0,
  'wrong-ids-per-minute': 100_000,
  'calls-per-minute': 100_000,
  'calls-open-max': 1000,
  'hellos-per-second': 100_000,
  'hellos-burst': 100_000,
};

/** What no log may hold at the level that nodes write by default. */
const SECRETS = [/eyJ[A-Za-z0-9_-]{8,}/, /\bv=0\b/, /a=(candidate|ice-|fingerprint|group)/, /\bcandidate:/, /\btyp (host|srflx|relay)\b/, /^(?!.*(level"?[=:]"?debug|event"?[=:]"?(node\.listening|dev\.open)\b)).*\b\d{1,3}(\.\d{1,3}){3}\b/m];
const SANITIZER = /AddressSanitizer|LeakSanitizer|runtime error:|UndefinedBehaviorSanitizer/;
const OPTIONS = {
  ASAN_OPTIONS: 'detect_leaks=1:exitcode=99:detect_stack_use_after_return=1',
  UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1:exitcode=99',
};

/** The environment for a program under test: ours without settings that it would take for its own. */
export function cleanEnvironment(extra = {}) {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('SWITCHBOARD'));
  return { ...Object.fromEntries(kept), ...OPTIONS, ...extra };
}

const portsGiven = new Set();

/** A TCP port of the loopback that was free a moment ago, and another each time: the kernel gives at random, now and then the same to two who have not bound it. */
export async function freePort() {
  for (;;) {
    const server = createServer();
    await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
    const { port } = server.address();
    await new Promise((resolve) => server.close(resolve));
    if (portsGiven.has(port)) continue;
    portsGiven.add(port);
    return port;
  }
}

/** {'a-b': 1, c: true, d: ['x', 'y'], e: undefined} → --a-b=1 --c --d=x --d=y */
export function toArguments(settings) {
  return Object.entries(settings).flatMap(([name, value]) => {
    if (value === undefined || value === false) return [];
    if (value === true) return [`--${name}`];
    return [value].flat().map((one) => `--${name}=${one}`);
  });
}

/** Runs the binary to its end: {code, signal, output, stdout}. */
export async function run(args, { env = {}, ms } = {}) {
  const started = startProcess(BINARY, args, { env: cleanEnvironment(env) });
  try {
    const { code, signal } = await within(started.exited, () => `switchboard ${args[0]} to end; it wrote: ${started.output}`, ms);
    return { code, signal, output: started.output, stdout: started.stdout };
  } finally {
    started.child.kill('SIGKILL');
  }
}

export class Node {
  #process;
  #settings;

  constructor(name, port, settings, { tls = false } = {}) {
    this.name = name;
    this.port = port;
    this.scheme = tls ? 's' : '';
    this.secrets = new Set();
    this.binary = BINARY; // from the next start on
    this.env = {}; // what its process gets beside our own environment, from the next start on
    this.redis = undefined; // of its cluster, for who asks it beside the node
    this.#settings = settings;
  }

  /** Where its clients connect. */
  get url() {
    return `ws${this.scheme}://127.0.0.1:${this.port}/v1/signal`;
  }

  get pid() {
    return this.#process.child.pid;
  }

  get output() {
    return this.#process.output;
  }

  get exited() {
    return this.#process.exited;
  }

  get running() {
    return Boolean(this.#process) && !this.#process.exit;
  }

  /** Starts the process; `ready` waits until it takes clients. */
  async start({ ready = true } = {}) {
    const args = toArguments({ listen: `127.0.0.1:${this.port}`, ...this.#settings });
    this.#process = startProcess(this.binary, ['serve', ...args], { env: jittered(cleanEnvironment(this.env)) });
    if (ready) await this.untilReady();
  }

  /** The first series of what it counts, or measures, under that name. */
  async metric(name) {
    return Number(new RegExp(`^switchboard_${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec((await this.get('/metrics')).text)[1]);
  }

  /** Status, headers and text of a request; status 0 when nobody answers. */
  get(path, { method = 'GET', headers = {} } = {}) {
    const { request } = this.scheme ? https : http;
    const nobody = { status: 0, headers: {}, text: '' };
    return new Promise((resolve) => {
      const url = `http${this.scheme}://127.0.0.1:${this.port}${path}`;
      const asked = request(url, { method, headers, agent: false, rejectUnauthorized: false, timeout: DEADLINE_MS }, (response) => {
        let text = '';
        response.on('data', (bytes) => {
          text += bytes;
        });
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }));
        response.on('error', () => resolve(nobody));
      });
      asked.on('timeout', () => asked.destroy());
      asked.on('error', () => resolve(nobody));
      asked.end();
    });
  }

  async untilReady(ready = true) {
    await until(
      async () => {
        if (!this.running) throw new Error(`node ${this.name} (${this.binary}) ended with ${JSON.stringify(this.#process.exit)}:\n${this.output}`);
        return ((await this.get('/readyz')).status === 200) === ready;
      },
      () => `node ${this.name} to be ${ready ? '' : 'un'}ready; it wrote: ${this.output.slice(-2000)}`,
    );
  }

  signal(name) {
    this.#process.child.kill(name);
  }

  /** SIGKILL. */
  async kill() {
    this.signal('SIGKILL');
    await within(this.exited, `node ${this.name} to die`);
  }

  freeze() {
    this.signal('SIGSTOP');
  }

  thaw() {
    this.signal('SIGCONT');
  }

  /** SIGTERM, and all that an orderly end promises: in time, exit code 0, a clean log. */
  async stop() {
    if (!this.running) return;
    this.signal('SIGCONT');
    this.signal('SIGTERM');
    const { code, signal } = await within(this.exited, () => `node ${this.name} to leave; it wrote: ${this.output.slice(-2000)}`, stretched(30_000));
    assert.deepEqual({ code, signal }, { code: 0, signal: null }, `node ${this.name} left badly:\n${this.output.slice(-4000)}`);
  }

  /** Fails when a sanitizer spoke or the log holds what it must not. */
  checkLog() {
    const log = this.#process?.output ?? '';
    const line = (pattern) => log.split('\n').find((text) => pattern.test(text));
    assert.ok(!SANITIZER.test(log), `node ${this.name}: ${log.slice(Math.max(0, log.search(SANITIZER) - 200), log.search(SANITIZER) + 4000)}`);
    for (const pattern of SECRETS) assert.ok(!pattern.test(log), `node ${this.name} logged what it must not: ${line(pattern)}`);
    for (const secret of this.secrets) assert.ok(!log.includes(secret), `node ${this.name} logged a secret of a client`);
  }

  /** Keeps the log where TEST_LOGS says. */
  saveLog() {
    const dir = process.env.TEST_LOGS;
    if (!dir || !this.#process) return;
    mkdirSync(dir, { recursive: true });
    const test = basename(process.argv[1] ?? 'test').replace(/\.test\.mjs$/, '');
    appendFileSync(join(dir, `${test}-${this.name}.log`), this.output);
  }
}

class Cluster {
  #settings;

  constructor(redis, nodes, settings) {
    this.redis = redis;
    this.nodes = nodes;
    this.#settings = settings;
  }

  /** One more node, with settings of its own. */
  async add(settings = {}) {
    const node = new Node(`n${this.nodes.length + 1}`, await freePort(), { ...this.#settings, ...settings });
    node.redis = this.redis;
    this.nodes.push(node);
    await node.start();
    return node;
  }

  /** Ends everything and checks every log. */
  async stop() {
    try {
      await Promise.all(this.nodes.map((node) => node.stop()));
      for (const node of this.nodes) node.checkLog();
    } finally {
      for (const node of this.nodes) {
        if (node.running) node.signal('SIGKILL');
        node.saveLog();
      }
      await this.redis.stop();
    }
  }
}

/** What stands for a node of a cluster that somebody else runs: the proxy before all of them. Their settings are what they are. */
class Outside extends Node {
  #lacks;

  constructor(url, wanted, settings) {
    super('outside', Number(url.port), {}, { tls: url.protocol === 'wss:' });
    this.sockets = new Set();
    this.#lacks = Object.keys(wanted).filter((name) => !isDeepStrictEqual(wanted[name], settings[name]));
  }

  #check() {
    if (this.#lacks.length) throw new Error(`the cluster outside has other ${this.#lacks.join(', ')}`);
  }

  get url() {
    this.#check();
    return super.url;
  }

  get(path, ...options) {
    this.#check();
    if (/^\/(metrics|readyz|healthz)/.test(path)) throw new Error(`the proxy shows ${path} to nobody`);
    return super.get(path, ...options);
  }

  /** The proxy knows a node that takes clients. */
  async untilReady() {
    await until(async () => (await this.get('/client/')).status === 200, 'the proxy to have a node');
  }
}

/**
 * A cluster that somebody else runs, behind one address: the same tests through a proxy. The one node is as many as asked for; what it cannot do (to be
 * killed, to have settings of its own) fails at once.
 */
async function outside(nodes, wanted) {
  const { url, redis, settings } = JSON.parse(process.env.TEST_OUTSIDE);
  const { command, close } = await openResp(redis);
  const outsider = (asked) => Object.assign(new Outside(new URL(url), asked, settings), { redis: { command } });
  const all = Array(nodes).fill(outsider(wanted));
  const add = (more) => all.push(outsider({ ...wanted, ...more }));
  const stop = () => {
    for (const { sockets } of all) for (const socket of sockets) socket.terminate();
    close();
  };
  return { redis: { command }, nodes: all, add: async (more) => all[add(more) - 1], stop };
}

/**
 * `nodes` nodes on ports of their own, ready. `settings` as on the command line, without the dashes; undefined takes a default of these tests away.
 * `redis` as startRedis() takes it.
 */
export async function startCluster({ nodes = 2, settings = {}, redis = {}, tls = false } = {}) {
  if (process.env.TEST_OUTSIDE) return outside(nodes, settings);
  const server = await startRedis(redis);
  const all = { redis: server.url, ...SETTINGS, ...settings };
  const made = [];
  for (let i = 0; i < nodes; i += 1) made.push(new Node(`n${i + 1}`, await freePort(), all, { tls }));
  for (const node of made) node.redis = server;
  const cluster = new Cluster(server, made, all);
  try {
    await Promise.all(made.map((node) => node.start()));
  } catch (error) {
    for (const node of made) if (node.running) node.signal('SIGKILL');
    await cluster.redis.stop();
    throw error;
  }
  return cluster;
}
