// Real proxies with the files of deploy/, on ports of their own. To a client a proxy is a node like those of cluster.mjs: whichever it chooses.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { cleanEnvironment, freePort } from '../support/cluster.mjs';
import { startProcess } from '../support/processes.mjs';
import { until, within } from '../support/wait.mjs';
import { find } from './tools.mjs';

class Proxy {
  constructor(name, port, process) {
    Object.assign(this, { name, port, process });
    this.secrets = new Set();
  }

  get url() {
    return `ws://127.0.0.1:${this.port}/v1/signal`;
  }

  /** Waits until it takes connections. */
  async started() {
    const taken = () =>
      new Promise((resolve) => {
        const socket = connect(this.port, '127.0.0.1', () => resolve(true));
        socket.on('error', () => resolve(false)).on('connect', () => socket.destroy());
      });
    await until(
      () => {
        if (this.process.exit) throw new Error(`${this.name} ended: ${this.process.output}`);
        return taken();
      },
      () => `${this.name} to start; it wrote: ${this.process.output}`,
    );
    return this;
  }

  /** All that it answers to these bytes, until it closes or 1 s after the headers. */
  async raw(bytes) {
    const socket = connect(this.port, '127.0.0.1');
    let answer = '';
    const done = new Promise((resolve) => {
      socket.on('data', (data) => {
        answer += data;
        if (/\r\n\r\n/.test(answer)) setTimeout(resolve, 200);
      });
      socket.on('close', resolve).on('error', resolve);
    });
    socket.write(bytes);
    await within(done, () => `${this.name} to answer ${JSON.stringify(bytes)}; it said ${answer}`);
    socket.destroy();
    return answer;
  }

  /** The status of a GET, its path sent as it stands here, and the text. */
  async get(path, headers = []) {
    const answer = await this.raw([`GET ${path} HTTP/1.1`, 'Host: switchboard', ...headers, 'Connection: close', '', ''].join('\r\n'));
    return { status: Number(answer.slice(9, 12)), text: answer };
  }

  /** The status that an upgrade with these headers gets. */
  async upgrade(...headers) {
    const key = ['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Protocol: switchboard.v1.json'];
    const answer = await this.raw(['GET /v1/signal HTTP/1.1', 'Host: switchboard', ...headers, ...key, '', ''].join('\r\n'));
    return Number(answer.slice(9, 12));
  }

  async stop() {
    this.process.child.kill('SIGKILL');
    await within(this.process.exited, `${this.name} to end`);
  }
}

class Haproxy extends Proxy {
  /** What it says of its servers: name → status (UP, DOWN, NOLB, MAINT…). */
  async servers() {
    const socket = connect(this.control);
    let table = '';
    socket.on('data', (data) => (table += data)).end('show stat nodes 4 -1\n');
    await once(socket, 'close');
    const rows = table.trim().split('\n').map((row) => row.split(','));
    const [status, address] = ['status', 'addr'].map((name) => rows[0].indexOf(name));
    return rows.slice(1).filter((row) => row[address] && row[status] !== 'MAINT').map((row) => ({ address: row[address], status: row[status] }));
  }

  /** Waits until exactly these addresses (host:port) have these statuses. */
  async untilServers(wanted) {
    let now;
    const look = async () => {
      now = Object.fromEntries((await this.servers()).map(({ address, status }) => [address, status.split(' ')[0]]));
      return Object.entries(wanted).every(([address, status]) => (status === undefined ? !now[address] : now[address] === status));
    };
    await until(look, () => `HAProxy to see ${JSON.stringify(wanted)}; it sees ${JSON.stringify(now)}`);
  }
}

/** HAProxy with this configuration (text), files and socket in `dir`. */
export async function startHaproxy(dir, text, env = {}) {
  const port = await freePort();
  const file = join(dir, `haproxy-${port}.cfg`);
  const control = join(dir, `haproxy-${port}.sock`);
  writeFileSync(file, text);
  const own = { HAPROXY_BIND: `127.0.0.1:${port}`, HAPROXY_SOCKET: control, ...env };
  // -n: the machine of a test may open fewer files than one that carries clients.
  const process = startProcess(find('haproxy'), ['-db', '-n', '500', '-f', file], { env: cleanEnvironment(own) });
  const haproxy = Object.assign(await new Haproxy('HAProxy', port, process).started(), { control });
  await until(() => existsSync(control), 'its control socket, which comes last');
  return haproxy;
}

/** nginx with this configuration of a site (text), with which it listens on `port`. */
export async function startNginx(dir, text, port) {
  const site = join(dir, `site-${port}.conf`);
  const main = join(dir, `nginx-${port}.conf`);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path "${join(dir, name)}";`);
  writeFileSync(site, text);
  writeFileSync(
    main,
    `daemon off; master_process off; pid "${join(dir, `nginx-${port}.pid`)}"; error_log stderr notice; events { worker_connections 500; }
     http { access_log off; ${temporary.join(' ')} include "${site}"; }`,
  );
  const process = startProcess(find('nginx'), ['-p', dir, '-c', main], { env: cleanEnvironment() });
  return new Proxy('nginx', port, process).started();
}

/** Hears so many heartbeats, and is connected still. `why`: as many of them. */
export async function outlives(client, heartbeats, why) {
  let pings = 0;
  client.socket.on('ping', () => (pings += 1));
  await until(() => pings >= heartbeats || !client.open, why);
  assert.ok(client.open);
  await client.close();
}

/** A name server that answers every question for addresses with `addresses`, which the test may change. */
export async function startDns(addresses) {
  const server = createSocket('udp4');
  const dns = { addresses, stop: () => new Promise((resolve) => server.close(resolve)) };
  server.on('message', (question, from) => {
    // The question's name ends at the first empty label; type and class follow it. What stands behind (EDNS) is left away.
    const end = question.indexOf(0, 12) + 5;
    const isA = question.readUInt16BE(end - 4) === 1;
    const found = isA ? dns.addresses : [];
    const header = Buffer.from(question.subarray(0, 12));
    header.writeUInt16BE(0x8580, 2); // an answer, authoritative, without error
    header.writeUInt16BE(found.length, 6);
    header.writeUInt16BE(0, 10);
    const answers = found.map((address) => Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ...address.split('.').map(Number)]));
    server.send(Buffer.concat([header, question.subarray(12, end), ...answers]), from.port, from.address);
  });
  await new Promise((resolve) => server.bind(0, '127.0.0.1', resolve));
  dns.address = `127.0.0.1:${server.address().port}`;
  server.unref();
  return dns;
}
