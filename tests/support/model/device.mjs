// A device of a user, as an app is: it keeps itself connected, resumes at whichever node takes it, sends again what was not answered, and gives up on a node
// that says nothing. It writes down all that it says and hears.
import { decode, encode } from '@msgpack/msgpack';
import WebSocket from 'ws';
import { mint } from '../token.mjs';
import { stretched } from '../wait.mjs';
import { Random } from './random.mjs';
import { SessionView } from './view.mjs';

const FORMATS = {
  json: { protocol: 'switchboard.v1.json', write: (frame) => JSON.stringify(frame), read: (data) => JSON.parse(data.toString()) },
  msgpack: { protocol: 'switchboard.v1.msgpack', write: (frame) => encode(frame), read: (data) => decode(data) },
};
/** How long an app waits for an answer before it takes its node for dead. Longer than `unavailable` takes. */
const PATIENCE_MS = 7000;
const OPEN_MS = 2500;
const ACK_EVERY = 16;
/** Of the answers that a server keeps (16) the ones that a client may well ask for again. */
const OKS_KEPT = 8;
/** Said again, these set again what they set: whoever does that behind later ones means it. */
const SETS = /^(presence|block)\./;
let links = 0;

/** What a session is to its client. */
class Session {
  constructor({ session, key }, view) {
    Object.assign(this, { id: session, key, view });
    this.seq = 0;
    this.acked = 0;
    this.lastId = 1;
    this.unanswered = new Map(); // id → {type, fields, resolve}
    this.answered = []; // the last requests with an `ok`: {id, type, fields}
    this.over = null; // why
  }
}

export class Device {
  #random;
  #link = null; // the socket that counts
  #timer = null;
  #stale = new Set(); // sockets of before that still stand

  constructor(user, name, { seed, format, nodes, history }) {
    Object.assign(this, { user, name, who: `${user}/${name}`, nodes, history });
    this.#random = new Random(seed, 'device', user, name);
    this.format = FORMATS[format];
    this.session = null;
    this.wanted = false; // connected, or trying to be
    this.asleep = 0; // until when it stays away; Infinity: for good
    this.log = (what, fields) => history.add(what, { who: this.who, ...fields });
  }

  /** It may send: the welcome has come. */
  get ready() {
    return Boolean(this.#link?.session && this.#link.session === this.session && this.#link.socket.readyState === WebSocket.OPEN);
  }

  /** Nothing is under way. */
  get quiet() {
    return !this.wanted || (this.ready && this.session.unanswered.size === 0);
  }

  get view() {
    return this.session?.view;
  }

  // ---- connecting ----

  /** Comes online, if it is not. */
  wake() {
    this.wanted = true;
    this.asleep = 0;
    if (!this.#link) this.#connectIn(0);
  }

  /** A hello without resume, while the old socket stands: an app that was started anew. */
  restart() {
    if (!this.session) return this.wake();
    this.#endSession('superseded');
    this.#leaveLink();
    return this.wake();
  }

  /** Resumes at another node before the old socket is closed. */
  move() {
    this.#leaveLink();
    this.wake();
  }

  /** Loses its socket, and stays away for `ms`. */
  cut(ms = 0, why = 'plan') {
    if (this.#link) {
      this.log('cut', { session: this.session?.id, link: this.#link.n, ms, why });
      this.#link.socket.terminate();
    }
    this.asleep = Date.now() + ms;
  }

  /** Away for good: it never comes back by itself. */
  drop() {
    this.wanted = false;
    this.cut(0, 'end');
    this.#endSession('end'); // whoever waits for an answer is told that none will come
    for (const link of this.#stale) link.socket.terminate();
    clearTimeout(this.#timer);
  }

  #connectIn(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), Math.max(ms, this.asleep - Date.now(), 0));
  }

  /** The socket goes on to stand, but counts no longer: what still comes there is what comes again at the next. */
  #leaveLink() {
    const link = this.#link;
    this.#link = null;
    clearTimeout(this.#timer);
    if (!link) return;
    link.dropped = true;
    this.#stale.add(link);
  }

  #connect() {
    if (!this.wanted || this.#link) return;
    const node = this.#random.pick(this.nodes);
    const socket = new WebSocket(node.url, [this.format.protocol], { perMessageDeflate: false });
    const link = { socket, node, n: (links += 1), session: null, openedAt: Date.now(), dropped: false };
    this.#link = link;
    socket.on('error', () => {});
    socket.on('open', () => this.#onOpen(link));
    socket.on('message', (data) => this.#onFrame(link, data));
    socket.on('close', (code, reason) => this.#onClose(link, code, reason.toString()));
  }

  #onOpen(link) {
    link.isOpen = true;
    if (link.dropped) return link.socket.terminate();
    const { session } = this;
    const frame = { type: 'hello', id: 1, token: mint(this.user, { name: this.user.toUpperCase() }), device: this.name };
    if (session) frame.resume = { session: session.id, key: session.key, seq: session.seq };
    link.resuming = session;
    this.log('send', { session: session?.id, link: link.n, node: link.node.name, frame });
    return link.socket.send(this.format.write(frame));
  }

  #onClose(link, code, reason) {
    if (link.isOpen) this.log('close', { session: (link.session ?? link.resuming)?.id, link: link.n, node: link.node.name, code, reason, dropped: link.dropped || undefined });
    this.#stale.delete(link);
    if (this.#link !== link) return;
    this.#link = null;
    if (this.session?.saidBye) {
      this.#endSession('bye');
      this.wanted = false;
    }
    // Superseded by what we did ourselves is told on a stale socket; here it is news of another life, and an app stays away. None of ours does that.
    if (this.wanted) this.#connectIn(this.#random.between(0, 300));
  }

  #endSession(why) {
    const { session } = this;
    if (!session) return;
    session.over = why;
    this.log('over', { session: session.id, why });
    for (const { resolve } of session.unanswered.values()) resolve({ type: 'lost' });
    session.unanswered.clear();
    this.session = null;
  }

  /** Called now and then: gives up on sockets that say nothing. */
  watch() {
    const link = this.#link;
    if (!link) return;
    const now = Date.now();
    const first = this.session?.unanswered.values().next().value;
    if (!link.isOpen && now - link.openedAt > OPEN_MS) link.socket.terminate();
    else if (link.isOpen && !link.session && now - link.openedAt > stretched(PATIENCE_MS)) this.cut(0, 'no welcome');
    else if (link.session && first?.sentAt && now - first.sentAt > stretched(PATIENCE_MS)) this.cut(0, 'no answer');
  }

  // ---- hearing ----

  #onFrame(link, data) {
    const frame = this.format.read(data);
    if (link.dropped) return void this.log('stale', { session: link.session?.id, link: link.n, node: link.node.name, frame });
    if (frame.type === 'welcome') return this.#onWelcome(link, frame);
    if (!link.session) return this.#onRefused(link, frame);
    return frame.id === undefined ? this.#onEvent(link, frame) : this.#onReply(link, frame);
  }

  #onWelcome(link, welcome) {
    const before = link.resuming;
    link.node.secrets?.add(welcome.key);
    if (!welcome.resumed) {
      if (before) this.#endSession('not resumed');
      this.session = new Session(welcome, new SessionView({ user: this.user, device: this.name }));
    }
    const { session } = this;
    link.session = session;
    this.log('reply', { session: session.id, link: link.n, node: link.node.name, request: 'hello', frame: welcome, before: welcome.resumed ? undefined : before?.id });
    session.view.onWelcome(welcome);
    for (const id of session.unanswered.keys()) this.#transmit(id);
    const watched = [...session.view.watched.keys()];
    if (welcome.resumed && watched.length) this.ask('presence.watch', { users: watched });
  }

  #onRefused(link, frame) {
    this.log('reply', { link: link.n, node: link.node.name, request: 'hello', frame });
    link.socket.terminate();
  }

  #onEvent(link, event) {
    const { session } = this;
    this.log('event', { session: session.id, link: link.n, frame: event });
    if (event.seq !== undefined) session.seq = event.seq;
    session.view.onEvent(event);
    if (session.seq - session.acked >= ACK_EVERY) this.#send({ type: 'ack', seq: (session.acked = session.seq) });
  }

  #onReply(link, reply) {
    const { session } = this;
    const asked = session.unanswered.get(reply.id);
    const again = asked ?? session.answered.find(({ id }) => id === reply.id);
    this.log('reply', { session: session.id, link: link.n, request: again?.type, asked: again?.fields, frame: reply });
    if (!asked) return;
    session.unanswered.delete(reply.id);
    if (reply.type === 'ok') {
      session.view.onOk(asked.type, asked.fields, reply);
      if (!SETS.test(asked.type)) session.answered = [...session.answered, { id: reply.id, ...asked }].slice(-OKS_KEPT);
    }
    asked.resolve(reply);
  }

  // ---- saying ----

  #send(frame) {
    this.log('send', { session: this.session.id, link: this.#link.n, frame });
    this.#link.socket.send(this.format.write(frame));
  }

  #transmit(id) {
    const asked = this.session.unanswered.get(id);
    asked.sentAt = Date.now();
    this.#send({ type: asked.type, id, ...asked.fields });
  }

  /** The reply, over as many sockets as it takes; `lost` if the session is over before. */
  ask(type, fields = {}) {
    const { session } = this;
    if (!session) return Promise.resolve({ type: 'lost' });
    const id = (session.lastId += 1);
    if (type === 'bye') session.saidBye = true;
    const withAck = this.#random.chance(0.05) ? { ack: (session.acked = session.seq), ...fields } : fields;
    return new Promise((resolve) => {
      session.unanswered.set(id, { type, fields: withAck, resolve });
      if (this.ready) this.#transmit(id);
    });
  }

  /** Sends one of the last requests again, with its id. */
  repeat(random) {
    const old = random.pick(this.session?.answered ?? []);
    if (old && this.ready) this.#send({ type: old.type, id: old.id, ...old.fields });
  }
}
