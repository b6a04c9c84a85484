// A client that a test can have thousands of: it lives on by itself, as an app does, and keeps account of all that it says and hears.
//
// When its socket goes it comes back at another node after a random time that grows (full jitter), resumes, and sends what was not answered once more with the
// same ids. It goes when a node sends it away, says `unavailable` requests again, and acks. What the contract forbids goes to `faults`; nothing throws.
import { decode, encode } from '@msgpack/msgpack';
import WebSocket from 'ws';
import { mint } from './token.mjs';
import { stretched } from './wait.mjs';

const FORMATS = {
  json: { protocol: 'switchboard.v1.json', write: (frame) => JSON.stringify(frame), read: (data) => JSON.parse(data) },
  msgpack: { protocol: 'switchboard.v1.msgpack', write: (frame) => encode(frame), read: (data) => decode(data) },
};
const LIFE_S = 6 * 3600; // of a token: longer than any clock of these tests is wrong
const ENTERS = new Set(['call.join', 'call.accept']);
const ACK_EVERY = 16;
const BACK_OFF_MS = 100;
const BACK_OFF_MAX_MS = 2000;
const HELLO_MS = stretched(10_000);

/** What a member knows of its call: the events that it heard and its own oks, in the order of versions. */
export class View {
  constructor({ version, members }) {
    this.version = version;
    this.#seat(members);
  }

  #seat(members) {
    this.members = new Map(members.map(({ peer, user, state }) => [peer, { user, state }]));
  }

  /** Takes an event in. What is wrong with it, or undefined. */
  apply({ type, version, peer, user, members }) {
    if (version <= this.version) return undefined; // its like was in the ok, which may come before it
    this.version = version;
    const member = this.members.get(peer);
    if (type === 'call.joined') {
      this.members.set(peer, { user, state: 'here' });
      return member && `peer ${peer} joined on the seat of ${member.user}`;
    }
    if (type === 'call.healed') this.#seat(members); // it replaces what was known, and what came meanwhile
    if (type === 'call.ended') this.over = true;
    if (peer === undefined) return undefined;
    if (!member) return `${type} of peer ${peer}, who does not sit there`;
    if (type === 'call.left') this.members.delete(peer);
    else member.state = type === 'call.suspended' ? 'suspended' : 'here';
    return undefined;
  }

  /** As text, to be compared. */
  seats() {
    return seatsText([...this.members].map(([peer, { user, state }]) => ({ peer, user, state })));
  }
}

/** Members as a snapshot lists them, as text to be compared. */
export function seatsText(members) {
  const one = ({ peer, user, state }) => `${peer}=${user}${state === 'here' ? '' : ` (${state})`}`;
  return members.map(one).sort().join(' ');
}

export class LeanClient {
  #socket;
  #format;
  #random;
  #choose;
  #faults;
  #onSignal;
  #unanswered = new Map(); // request id → {type, fields, resolve, again: a timer}
  #asked = new Set(); // request ids that this socket owes an answer
  #failures = 0;
  #unacked = 0;
  #held; // events of the call that is being entered: its ok may come behind them
  #timer;

  /** `choose(not)` gives a node to come back at; `random()` is from 0 to 1; `faults` is a list of texts; `onSignal(client, data)` hears what came for it. */
  constructor({ user, format = 'json', choose, random, faults, onSignal }) {
    Object.assign(this, { user, device: 'phone', token: mint(user, { exp: Math.floor(Date.now() / 1000) + LIFE_S }) });
    this.#format = FORMATS[format];
    this.#choose = choose;
    this.#random = random;
    this.#faults = faults;
    this.#onSignal = onSignal;
    this.seq = 0;
    this.lastId = 0;
    this.up = false;
    this.gone = false; // for good
    this.heard = []; // what happened to its call
    this.closes = []; // [when, code, node]
    this.count = { requests: 0, ok: 0, errors: {}, resumes: 0, unavailable: 0, sessions: 0 };
  }

  #fault(text) {
    if (this.#faults.length < 50) this.#faults.push(`${this.user}: ${text}`);
  }

  // ---- its socket ----

  /** Comes in for the first time; the welcome. */
  start(node) {
    return new Promise((resolve) => {
      this.onWelcome = resolve;
      this.#open(node);
    });
  }

  #open(node) {
    const socket = new WebSocket(node.url, [this.#format.protocol], { perMessageDeflate: false, handshakeTimeout: HELLO_MS });
    this.#socket = socket;
    this.node = node;
    this.#asked.clear();
    socket.on('open', () => this.#hello(socket));
    socket.on('message', (data) => {
      if (socket === this.#socket) this.#onFrame(this.#format.read(data));
    });
    socket.on('error', () => {});
    socket.on('close', (code) => {
      if (socket === this.#socket) this.#onClosed(code);
    });
  }

  #hello(socket) {
    if (socket !== this.#socket) return;
    const resume = this.session && { session: this.session, key: this.key, seq: this.seq };
    this.helloId = this.lastId + 1;
    this.lastId = this.helloId;
    this.#send({ type: 'hello', id: this.helloId, token: this.token, device: this.device, ...(resume && { resume }) });
  }

  #send(frame) {
    this.#socket.send(this.#format.write(frame));
  }

  /** Full jitter: anything from nothing to a time that doubles with each failure. */
  #onClosed(code) {
    this.up = false;
    this.lastClose = code;
    this.closes.push([Date.now(), code, this.node.name]);
    for (const { again } of this.#unanswered.values()) clearTimeout(again);
    if (this.gone) return;
    const most = Math.min(BACK_OFF_MAX_MS, BACK_OFF_MS * 2 ** this.#failures);
    this.#failures += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#elsewhere(), this.#random() * most);
  }

  #elsewhere() {
    const node = this.#choose(this.node);
    if (node) this.#open(node);
    else this.#onClosed(0);
  }

  /** Leaves this socket as a whole and comes back on another. */
  #move() {
    const old = this.#socket;
    this.up = false;
    this.#elsewhere();
    if (old !== this.#socket) old.close(1000);
  }

  /** Cuts the socket without a word; it comes back by itself. */
  cut() {
    this.#socket?.terminate();
  }

  /** Never comes back. `cut`: without a word, as an app that is killed. */
  quit({ cut = true } = {}) {
    this.gone = true;
    this.up = false;
    clearTimeout(this.#timer);
    for (const { again } of this.#unanswered.values()) clearTimeout(again);
    this.#unanswered.clear();
    if (cut) this.#socket?.terminate();
    else this.#socket?.close(1000);
  }

  // ---- what comes in ----

  #onFrame(frame) {
    if (frame.id !== undefined) this.#onReply(frame);
    else if (frame.type === 'reconnect') this.#onSentAway(frame);
    else if (frame.type !== 'presence') this.#onEvent(frame);
  }

  #onSentAway({ after_ms: ms }) {
    const socket = this.#socket;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (socket === this.#socket && socket.readyState === WebSocket.OPEN && !this.gone) this.#move();
    }, ms * this.#random());
  }

  #onWelcome(welcome) {
    const { session, key, resumed, calls } = welcome;
    if (this.session && !resumed) this.lostSession = this.session;
    this.count[this.session && resumed ? 'resumes' : 'sessions'] += 1;
    Object.assign(this, { session, key, welcome, up: true });
    if (!resumed) this.seq = 0;
    this.#failures = 0;
    this.told = new Map(calls.map(({ call, version }) => [call, version]));
    if (this.call) this.known = Math.max(this.known, this.told.get(this.call) ?? 0);
    for (const id of this.#unanswered.keys()) this.#transmit(id);
    this.onWelcome?.(welcome);
    this.onWelcome = undefined;
  }

  #onReply(reply) {
    if (reply.id === this.helloId && !this.up) {
      if (reply.type === 'welcome') this.#onWelcome(reply);
      else this.#socket.terminate(); // and again a little later
      return;
    }
    const request = this.#unanswered.get(reply.id);
    if (!this.#asked.delete(reply.id) || !request) {
      this.#fault(`an answer that it did not wait for: ${JSON.stringify(reply).slice(0, 200)}`);
      return;
    }
    if (reply.code === 'unavailable' || reply.code === 'rate_limited') {
      this.count.unavailable += 1;
      request.again = setTimeout(() => this.#transmit(reply.id), reply.retry_after_ms ?? 500);
      return;
    }
    this.#unanswered.delete(reply.id);
    if (reply.type === 'ok') this.count.ok += 1;
    else this.count.errors[reply.code] = (this.count.errors[reply.code] ?? 0) + 1;
    this.#ownChange(request.type, reply);
    request.resolve(reply);
  }

  /** What its own requests did to its view: the ok tells, no event does. */
  #ownChange(type, reply) {
    if (reply.type !== 'ok') {
      if (ENTERS.has(type)) this.#held = undefined;
    } else if (type === 'call.start') {
      this.#enter(reply.call, { version: reply.version ?? 1, members: [{ peer: reply.peer, user: this.user, state: 'here' }] }, reply.peer);
    } else if (ENTERS.has(type)) {
      this.#enter(this.joining, reply, reply.peer);
    } else if (type === 'call.leave') {
      this.view = undefined;
      this.known = undefined;
      this.call = undefined;
    }
  }

  #enter(call, { version, members }, peer) {
    const held = this.#held ?? [];
    // A kept ok may be older than what a welcome told meanwhile.
    Object.assign(this, { call, peer, view: new View({ version, members }), known: Math.max(version, this.told.get(call) ?? 0) });
    this.#held = undefined;
    for (const event of held) this.#onCallEvent(event);
  }

  #onEvent(event) {
    if (event.seq !== this.seq + 1) this.#fault(`seq ${event.seq} after ${this.seq}: ${JSON.stringify(event).slice(0, 200)}`);
    this.seq = event.seq;
    this.#unacked += 1;
    if (this.#unacked >= ACK_EVERY && this.#socket.readyState === WebSocket.OPEN) {
      this.#unacked = 0;
      this.#send({ type: 'ack', seq: this.seq });
    }
    if (event.type === 'signal') this.#onSignal(this, event.data);
    else this.#onCallEvent(event);
  }

  #onCallEvent(event) {
    if (this.#held) {
      this.#held.push(event);
      return;
    }
    this.heard.push({ type: event.type, call: event.call, peer: event.peer, reason: event.reason, version: event.version, at: Date.now() });
    if (event.call !== this.call) return;
    const wrong = this.view.apply(event);
    this.known = Math.max(this.known, event.version);
    if (wrong) this.#fault(`${wrong}: ${JSON.stringify(event)}, it had ${this.view.seats()}`);
  }

  // ---- what it says ----

  #transmit(id) {
    const request = this.#unanswered.get(id);
    if (!request || !this.up || this.#socket.readyState !== WebSocket.OPEN) return;
    if (this.#asked.has(id)) return;
    this.#asked.add(id);
    this.#send({ type: request.type, id, ...request.fields });
  }

  /** The reply to a request, over as many sockets as it takes; an `unavailable` is said again. */
  ask(type, fields = {}) {
    this.lastId += 1;
    const id = this.lastId;
    this.count.requests += 1;
    if (ENTERS.has(type)) {
      this.joining = fields.call;
      this.#held = [];
    }
    return new Promise((resolve) => {
      this.#unanswered.set(id, { type, fields, resolve });
      this.#transmit(id);
    });
  }

  /** How many requests wait for their answers. */
  get waiting() {
    return this.#unanswered.size;
  }

  /** The oldest of them, for messages. */
  get oldest() {
    for (const [id, { type }] of this.#unanswered) return `${type} (${id})`;
    return 'nothing';
  }
}
