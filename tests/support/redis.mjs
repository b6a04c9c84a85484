// A real redis-server on a Unix socket in a directory of its own.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jittered, startProcess } from './processes.mjs';
import { openResp } from './resp.mjs';
import { until, within } from './wait.mjs';

class Redis {
  #process;
  #resp;
  #args;

  constructor(args) {
    this.dir = mkdtempSync(join(tmpdir(), 'switchboard-redis-'));
    this.socket = join(this.dir, 'redis.sock');
    this.url = `unix://${this.socket}`;
    this.#args = args;
  }

  /** Starts the server and waits until it answers. */
  async start() {
    const fixed = ['--port', '0', '--unixsocket', this.socket, '--dir', this.dir, '--save', '', '--loglevel', 'warning'];
    this.#process = startProcess('redis-server', [...fixed, ...this.#args], { env: jittered(process.env) });
    const started = this.#process;
    await until(async () => {
      if (started.exit) throw new Error(`redis-server ended: ${started.output}`);
      try {
        this.#resp = await openResp(this.socket);
        return (await this.#resp.command('PING')) === 'PONG';
      } catch (error) {
        if (/NOAUTH/.test(error.message)) return true; // it answers, if not to everybody
        this.#resp?.close();
        return false;
      }
    }, 'redis-server to answer');
  }

  command(...args) {
    return this.#resp.command(...args);
  }

  get pid() {
    return this.#process.child.pid;
  }

  /** SIGKILL: nothing is saved but what the append-only file holds. */
  async kill() {
    this.#resp?.close();
    this.#process.child.kill('SIGKILL');
    await within(this.#process.exited, 'redis-server to die');
  }

  /** Ends the server and removes its directory. */
  async stop() {
    if (this.#process && !this.#process.exit) await this.kill();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** `appendOnly`: what was answered survives kill() and start(). `args`: more options, as redis-server takes them. */
export async function startRedis({ appendOnly = false, args = [] } = {}) {
  const durable = appendOnly ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no'];
  const redis = new Redis([...durable, ...args]);
  try {
    await redis.start();
  } catch (error) {
    await redis.stop();
    throw error;
  }
  return redis;
}
