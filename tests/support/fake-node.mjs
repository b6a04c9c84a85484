// A node as a test writes it line by line: for what real ones do rarely, or never in a test's time.
import { WebSocketServer } from 'ws';
import { within } from './wait.mjs';

/** Things that come in, in order, and whoever waits for them. */
class Queue {
  #items = [];
  #takers = [];

  push(item) {
    const taker = this.#takers.shift();
    if (taker) taker(item);
    else this.#items.push(item);
  }

  take(what) {
    if (this.#items.length) return this.#items.shift();
    return within(new Promise((resolve) => this.#takers.push(resolve)), what);
  }

  get waiting() {
    return this.#items;
  }
}

/** One socket at the fake node. */
class Line {
  #socket;
  #frames = new Queue();

  constructor(socket, since) {
    this.#socket = socket;
    this.since = since; // when it was opened
    this.closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('message', (data) => this.#frames.push(JSON.parse(data)));
  }

  /** The next frame of the client; fails if it is of another type. */
  async read(type) {
    const frame = await this.#frames.take(`a ${type} of the client`);
    if (frame.type !== type) throw new Error(`${type} was expected, and came: ${JSON.stringify(frame)}`);
    return frame;
  }

  /** Frames that came and were not read. */
  get unread() {
    return this.#frames.waiting;
  }

  send(frame) {
    this.#socket.send(JSON.stringify(frame));
  }

  ok({ id }, fields = {}) {
    this.send({ type: 'ok', id, ...fields });
  }

  error({ id }, code, fields = {}) {
    this.send({ type: 'error', id, code, message: code, ...fields });
  }

  /** Reads the hello and answers it; gives what came. */
  async welcome(fields = {}) {
    const hello = await this.read('hello');
    const resumed = Boolean(hello.resume);
    const always = { user: 'alice', device: hello.device, session: 'a session', key: 'a key', heartbeat_ms: 25_000, grace_ms: 20_000 };
    const rest = { resumed, seq: hello.resume?.seq ?? 0, ice_servers: [], calls: [], pending: [], limits: {}, server: { node: 'fake', version: '0' } };
    this.send({ type: 'welcome', id: hello.id, ...always, ...rest, ...fields });
    return hello;
  }

  /** All that the client wrote before now has come. */
  async settle() {
    const pong = new Promise((resolve) => this.#socket.once('pong', resolve));
    this.#socket.ping();
    await within(pong, 'the pong of the client');
  }

  close(code) {
    this.#socket.close(code, `closed with ${code}`);
  }
}

export async function startFakeNode() {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  const lines = new Queue();
  server.on('connection', (socket) => lines.push(new Line(socket, Date.now())));
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    /** The next socket that a client opened. */
    line: async () => lines.take('a client to connect'),
    async stop() {
      for (const socket of server.clients) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
