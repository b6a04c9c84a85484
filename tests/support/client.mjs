// A client of the protocol that trusts nothing: every frame is held against the contract as it comes in.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { decode, encode } from '@msgpack/msgpack';
import WebSocket from 'ws';
import { mint } from './token.mjs';
import { DEADLINE_MS, until, within } from './wait.mjs';

/** An error reply, as an exception. */
export class Refused extends Error {
  constructor(type, reply) {
    super(`${type}: ${reply.code}: ${reply.message}`);
    this.code = reply.code;
    this.reply = reply;
  }
}

const FORMATS = {
  json: { protocol: 'switchboard.v1.json', write: (frame) => JSON.stringify(frame), read: (data) => JSON.parse(data.toString()), binary: false },
  msgpack: { protocol: 'switchboard.v1.msgpack', write: (frame) => encode(frame), read: (data) => decode(data), binary: true },
};
/** Events about the connection, not the session: they carry no `seq`. */
const NOTICES = new Set(['reconnect', 'presence']);
const ACK_EVERY = 16;
let names = 0;

/** A user's name that no other test uses. */
export function fresh(name) {
  names += 1;
  return `${name}-${process.pid}-${names}`;
}

/** That the client, {session, seq}, has heard every event that its mailbox holds by now: how many those are Redis knows, and they come by another way than replies. */
export async function caughtUp(redis, client) {
  const last = Number(await redis.command('HGET', `{${client.session.slice(0, 2)}}:session:${client.session}`, 'seq'));
  await until(() => !(client.seq < last), () => `${client.user ?? 'a client'} to hear its event ${last}; it has heard ${client.seq}`);
}

export class Client {
  #socket;
  #format;
  #waiting = new Map(); // request id → {resolve, reject, type, socket}
  #expecting = []; // {matches, resolve}
  #closed;
  #autoAck;
  #unacked = 0;

  /** `format`: 'json' or 'msgpack'; `ack: false` leaves acknowledging to the test. */
  constructor({ format = 'json', ack = true } = {}) {
    this.#format = FORMATS[format];
    this.#autoAck = ack;
    this.events = []; // came in and were not expected yet
    this.seq = 0; // of the last event
    this.lastId = 0; // of the last request
    this.frames = 0; // received
  }

  /** Opens a socket to the node. `options` go to the WebSocket. */
  async connect(node, options = {}) {
    const { protocols = [this.#format.protocol], ...rest } = options;
    const socket = new WebSocket(node.url, protocols, { perMessageDeflate: false, rejectUnauthorized: false, ...rest });
    this.#socket = socket;
    this.node = node;
    node.sockets?.add(socket); // to be closed by a cluster that does not end with the test
    this.#closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => {
        resolve({ code, reason: reason.toString() });
        this.#dropWaiting(socket, code);
      });
    });
    socket.on('message', (data, isBinary) => this.#onFrame(data, isBinary));
    await within(new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject)), `a socket to ${node.name}`);
    socket.on('error', () => {});
    return this;
  }

  /** The end of a socket may be noticed when there is another already: that one's requests go on. */
  #dropWaiting(socket, code) {
    for (const [id, { reject, type, socket: theirs }] of this.#waiting) {
      if (theirs !== socket) continue;
      this.#waiting.delete(id);
      reject(new Error(`${type}: the socket closed with ${code} before the reply`));
    }
  }

  #onFrame(data, isBinary) {
    this.frames += 1;
    assert.equal(isBinary, this.#format.binary, 'the frame is of the kind that the subprotocol says');
    const frame = this.#format.read(data);
    assert.equal(typeof frame.type, 'string', 'every frame has a type');
    if (frame.id !== undefined) return this.#onReply(frame);
    return this.#onEvent(frame);
  }

  #onReply(frame) {
    const waiting = this.#waiting.get(frame.id);
    if (!waiting) throw new Error(`a reply that nobody asked for: ${JSON.stringify(frame).slice(0, 300)}`);
    this.#waiting.delete(frame.id);
    waiting.resolve(frame);
  }

  #onEvent(frame) {
    if (NOTICES.has(frame.type)) {
      assert.equal(frame.seq, undefined, `${frame.type} carries no seq`);
    } else {
      if (frame.seq !== this.seq + 1) this.broken ??= new Error(`seq ${frame.seq} after ${this.seq}: ${JSON.stringify(frame).slice(0, 300)}`);
      this.seq = frame.seq;
      this.#countForAck();
    }
    const i = this.#expecting.findIndex(({ matches }) => matches(frame));
    if (i >= 0) this.#expecting.splice(i, 1)[0].resolve(frame);
    else this.events.push(frame);
  }

  #countForAck() {
    this.#unacked += 1;
    if (this.#autoAck && this.#unacked >= ACK_EVERY && this.open) this.ack();
  }

  get open() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** The underlying socket, for tests of bad input. */
  get socket() {
    return this.#socket;
  }

  /** Sends an object as a frame, as it is. */
  send(frame) {
    this.#socket.send(this.#format.write(frame));
  }

  /** Sends bytes or text as one frame, as they are. */
  sendRaw(data, options = {}) {
    this.#socket.send(data, options);
  }

  /** The reply to a request with that id, whenever it comes. */
  replyTo(id, type = 'a request') {
    const reply = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject, type, socket: this.#socket }));
    return within(reply, `the reply to ${type} (${id})`);
  }

  /** Sends a request, gives its reply whatever it is. */
  ask(type, fields = {}, id = this.lastId + 1) {
    this.lastId = Math.max(this.lastId, id);
    const reply = this.replyTo(id, type);
    this.send({ type, id, ...fields });
    return reply;
  }

  /** Sends a request, gives its `ok`; anything else throws. */
  async request(type, fields = {}) {
    const reply = await this.ask(type, fields);
    if (reply.type === 'error') throw new Refused(type, reply);
    assert.equal(reply.type, type === 'hello' ? 'welcome' : 'ok', `${type} is answered by an ok`);
    return reply;
  }

  /** Sends a request that must be refused with this code; gives the reply. */
  async refused(type, fields, code) {
    const reply = await this.ask(type, fields);
    assert.equal(reply.type, 'error', `${type} is refused with ${code}, but: ${JSON.stringify(reply).slice(0, 300)}`);
    assert.equal(reply.code, code, reply.message);
    assert.equal(typeof reply.message, 'string');
    return reply;
  }

  /** Says hello and keeps what the welcome says. */
  async hello(fields = {}) {
    const welcome = await this.request('hello', { token: this.token, ...fields });
    this.node.secrets.add(welcome.key);
    Object.assign(this, { session: welcome.session, key: welcome.key, user: welcome.user, device: welcome.device, welcome });
    if (!welcome.resumed) {
      this.seq = 0;
      this.events = [];
    }
    return welcome;
  }

  /** The same session in other hands, which may resume it while this socket stands. */
  twin() {
    const { token, session, key, seq, device, user } = this;
    return Object.assign(new Client(), { token, session, key, seq, device, user });
  }

  /** Comes back, at this node or another, with what it had. */
  async resume(node, fields = {}) {
    await this.connect(node);
    const resume = { session: this.session, key: this.key, seq: this.seq };
    return this.hello({ device: this.device, resume, ...fields });
  }

  /** The next event of that type (and that fits), come already or yet to come; it leaves the queue. */
  async expect(type, fits = () => true, ms = DEADLINE_MS) {
    const matches = (event) => event.type === type && fits(event);
    const i = this.events.findIndex(matches);
    if (i >= 0) return this.events.splice(i, 1)[0];
    const coming = new Promise((resolve) => this.#expecting.push({ matches, resolve }));
    const waiting = () => `${type} at ${this.user}; it has ${JSON.stringify(this.events.map((event) => event.type).slice(-20))}, closed: ${!this.open}`;
    return within(coming, waiting, ms);
  }

  /** That `count` events of that type came or come, in order. */
  async expectMany(type, count, ms = DEADLINE_MS) {
    const found = [];
    while (found.length < count) found.push(await this.expect(type, undefined, ms));
    return found;
  }

  ack(seq = this.seq) {
    this.#unacked = 0;
    this.send({ type: 'ack', seq });
  }

  /** Every reply and event that the node sent before now has come. */
  async settle() {
    await this.request('ping');
    if (this.broken) throw this.broken;
  }

  /** Every event that its mailbox holds by now has come. */
  async caughtUp() {
    if (this.node.redis) await caughtUp(this.node.redis, this);
  }

  /** Nothing of that type has come, or of any when none is said. What has no `seq` may be on its way still. */
  async quiet(type) {
    await this.caughtUp();
    await this.settle();
    const found = this.events.filter((event) => !type || event.type === type);
    assert.deepEqual(found, [], `${this.user} hears nothing`);
  }

  /** {code, reason} of the closing, whoever began it. */
  closed(ms = DEADLINE_MS) {
    return within(this.#closed, () => `the socket of ${this.user} to close`, ms);
  }

  /** Cuts the socket without a word. */
  async drop() {
    this.#socket.terminate();
    await this.closed();
  }

  /** A clean end of the socket, not of the session. */
  async close() {
    if (!this.#socket) return;
    if (this.open) this.#socket.close(1000);
    await this.closed();
    if (this.broken) throw this.broken;
  }
}

/** A client with a session at the node. `claims` go into its token. A node that is too busy is come back to when it says. */
export async function join(node, user, { device = 'phone', claims = {}, hello = {}, ...options } = {}) {
  for (;;) {
    const client = new Client(options);
    client.token = mint(user, claims);
    await client.connect(node);
    try {
      await client.hello({ device, ...hello });
      return client;
    } catch (error) {
      const away = client.events.find(({ type, retry_after_ms: ms }) => type === 'reconnect' && ms);
      if (!away) throw error;
      await sleep(away.retry_after_ms);
    }
  }
}
