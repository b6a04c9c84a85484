import { Emitter } from './emitter.js';
import { SwitchboardError, quiet } from './error.js';

/** From the first byte to the welcome; a node that is busy takes 2 s of it. */
const CONNECT_MS = 8000;
const PROBE_MS = 5000;
/** When something happened that may have killed the socket. */
const HASTY_PROBE_MS = 3000;
const TICK_MS = 5000;
const BACKOFF_MS = 300;
const BACKOFF_MAX_MS = 10_000;
const RETRY_MS = 500;
const PATIENCE_MS = 15_000;
const BYE_MS = 3000;
const HEAD_BYTES = 200; // of a request beside its fields
const ACK_EVERY = 16;
const ACK_MS = 1000;
/** A token that ends sooner is not worth a connection. */
const TOKEN_MIN_MS = 30_000;
const UNSURE_MS = 60_000;
const TIMER_MAX_MS = 2 ** 31 - 1;

/** Close codes after which there is no coming back. */
const FINAL = { 4002: 'protocol', 4005: 'superseded', 4006: 'ended', 4009: 'protocol' };
/** May be said to a new session as well as to the old one. */
const REPEATABLE = /^(presence|block|push|ice|ping)\b/;
/** Nobody looks at their errors: they wait where others tell the caller to slow down. */
const PATIENT = /^(signal|presence\.watch|call\.(leave|reject|cancel|alert))$/;
const WAKERS = ['online', 'offline', 'pageshow', 'visibilitychange'];

/** Nothing goes on without a token, and the app can't see why: its own function has failed. */
const warn = (error) => console.warn(`switchboard: no fresh token: ${error?.message ?? error}`);
const hide = (key, value) => (key === 'token' || key === 'key' ? '…' : value);
/** When a JWT ends, in ms; 0 if it does not say. */
const endOf = (token) => {
  try {
    return JSON.parse(atob(token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/'))).exp * 1000 || 0;
  } catch {
    return 0;
  }
};

/**
 * One session of the protocol, over as many sockets as it takes. Emits `welcome` (welcome, resumed), before the events that follow it; `event` (frame), each
 * once and in order; `state`, `resumed`, `reset`, `closed` and `frame` as the public client does.
 */
export class Session extends Emitter {
  state = 'connecting';
  /** The last one. */
  welcome;
  /** Settles with the first welcome, or when the session is closed before. */
  opened;
  /** Settles when it is closed. */
  ended;

  #options;
  #urls;
  #at; // which of them
  #socket;
  #hello = 0; // id of the one without an answer
  #tries = 0;
  #notBefore = 0; // the server said so; 0: it did not
  #unsure = 0; // when a hello was last left without an answer
  #timers = new Map(); // by name, or by the request that waits for another try
  #queue = []; // requests without an answer, in the order in which they were asked
  #id = 0;
  #seq = 0;
  #acked = 0;
  #heard = 0;
  #ticked = 0;
  #token;
  #expires = 0;
  #refused; // why the last token was
  #denied = false; // that it was, and no welcome since
  #leaving = false;
  #settle = {}; // what settles `opened` and `ended`

  constructor(options) {
    super();
    this.#options = options;
    this.#urls = options.urls.map((url) => new URL('/v1/signal', url).href.replace(/^http/, 'ws'));
    if (!this.#urls.length || this.#urls.some((url) => !/^ws/.test(url))) throw new TypeError('no server');
    this.#at = Math.floor(Math.random() * this.#urls.length);
    this.opened = new Promise((open, fail) => Object.assign(this.#settle, { open, fail }));
    this.ended = new Promise((end) => Object.assign(this.#settle, { end }));
    if (options.token) this.#take(options.token);
    for (const name of WAKERS) globalThis.addEventListener?.(name, this.#onWake);
    this.#connect();
  }

  /**
   * The fields of the `ok`. `patience`: for how many ms it is sent again while the server says that it can't just now. To leave is tried for as long as
   * it takes: nobody will ask again, and the seat would stay taken.
   */
  request(type, fields = {}, patience = type === 'call.leave' ? Infinity : PATIENCE_MS) {
    return quiet(new Promise((resolve, reject) => {
      if (this.state === 'closed') return reject(new SwitchboardError('closed', 'the client is closed'));
      const pair = type === 'signal' && `${fields.call} ${fields.to}`;
      this.#queue.push({ type, fields: this.#plain(fields), patience, pair, resolve, reject });
      this.#flush();
    }));
  }

  /** A copy that the server takes: what it does not would end the socket, each time that it is sent again. */
  #plain(fields) {
    let text;
    try {
      text = JSON.stringify(fields, (key, value) => (typeof value === 'string' ? value.replace(/[\0\p{Cs}]/gu, '\ufffd') : value));
    } catch (error) {
      throw new SwitchboardError('bad_request', error.message);
    }
    if (new TextEncoder().encode(text).length > this.welcome?.limits.message_bytes - HEAD_BYTES) throw new SwitchboardError('too_large', 'more than a message may hold');
    return JSON.parse(text);
  }

  cut() {
    if (this.#socket) this.#lose();
  }

  close() {
    if (this.state === 'connecting') this.#end('bye', 'closed by the app');
    if (this.state !== 'closed' && !this.#leaving) {
      this.#leaving = true;
      this.request('bye');
      this.#arm('bye', BYE_MS, () => this.#end('bye', 'closed by the app; the server did not answer'));
    }
    return this.ended;
  }

  // ---- timers: all in one place, so that none outlives what it is for

  #arm(name, ms, then) {
    this.#disarm(name);
    const fire = () => {
      this.#timers.delete(name);
      then();
    };
    this.#timers.set(name, setTimeout(fire, ms));
  }

  #disarm(name) {
    clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
  }

  #disarmAll() {
    for (const name of this.#timers.keys()) this.#disarm(name);
  }

  // ---- coming

  async #connect() {
    this.#disarm('connect');
    this.#notBefore = 0;
    try {
      await this.#freshen();
    } catch (error) {
      warn(error);
      return this.#lose();
    }
    if (this.state === 'closed') return;
    let socket;
    try {
      socket = new this.#options.WebSocket(this.#urls[this.#at % this.#urls.length], 'switchboard.v1.json');
    } catch (error) {
      return this.#end('protocol', error.message);
    }
    this.#socket = socket;
    this.#arm('socket', CONNECT_MS, () => this.#lose());
    const ours = (then) => (event) => socket === this.#socket && then(event);
    socket.onopen = ours(() => this.#sayHello());
    socket.onmessage = ours((event) => this.#onMessage(event.data));
    socket.onclose = ours((event) => this.#onClose(event));
    socket.onerror = () => {}; // the close that follows says it
  }

  #sayHello() {
    const resume = this.welcome && { session: this.welcome.session, key: this.welcome.key, seq: this.#seq };
    this.#hello = ++this.#id;
    this.#write({ type: 'hello', id: this.#hello, token: this.#token, device: this.#options.device, resume });
  }

  #onWelcome(welcome) {
    const again = this.welcome && (welcome.resumed ? 'resumed' : 'reset');
    this.welcome = welcome;
    this.#hello = 0;
    this.#denied = false;
    this.#seq = welcome.seq;
    if (!welcome.resumed) this.#forget();
    this.#disarm('socket');
    this.#ticked = Date.now();
    this.#tick();
    this.#planRenewal(this.#expires - Date.now());
    this.state = 'online';
    this._emit('welcome', welcome, welcome.resumed);
    this.#flush();
    this._emit('state', this.state);
    if (again) this._emit(again);
    this.#settle.open();
  }

  /** A new session does not know what the old one was asked. */
  #forget() {
    this.#acked = this.#seq;
    this.#queue = this.#queue.filter((request) => {
      const stays = !request.id || REPEATABLE.test(request.type);
      request.id = 0;
      if (!stays) request.reject(new SwitchboardError('reset', 'the session was lost with the request under way'));
      return stays;
    });
  }

  #onRefusal({ code, message, retry_after_ms: wait = 0 }) {
    this.#hello = 0;
    if (code === 'unauthorized') {
      this.#refused = message; // the close comes next
    } else if (code === 'unavailable' || code === 'rate_limited') {
      this.#notBefore = wait && Date.now() + wait;
      this.#lose();
    } else {
      this.#end('protocol', message);
    }
  }

  // ---- going

  #onClose({ code, reason }) {
    if (this.#leaving) return this.#end('bye', 'closed by the app', code);
    // A frozen node may carry out a hello when we are long elsewhere, and supersede this very session.
    const own = code === 4005 && Date.now() - this.#unsure < UNSURE_MS;
    if (own) this.#unsure = 0;
    else if (FINAL[code]) return this.#end(FINAL[code], reason, code);
    if (code === 4003 || code === 4004) {
      if (!this.#options.getToken || (code === 4003 && this.#denied)) return this.#end('unauthorized', this.#refused ?? reason, code);
      this.#denied = code === 4003;
      this.#expires = 0;
    }
    const wait = { 1012: 0, 1013: 2000 + 3000 * Math.random(), 4007: 5000 + this.#backoff() };
    this.#lose(wait[code]);
  }

  /** The socket is gone, or given up: another one after `wait` ms. */
  #lose(wait = this.#backoff()) {
    if (this.#leaving) return this.#end('bye', 'closed by the app');
    if (this.#hello) this.#unsure = Date.now();
    this.#dropSocket();
    for (const request of this.#queue) request.under = false;
    this.#at += 1;
    this.#arm('connect', this.#notBefore ? this.#notBefore - Date.now() : wait, () => this.#connect());
    if (this.state !== 'online') return;
    this.state = 'away';
    this._emit('state', this.state);
  }

  #dropSocket() {
    const socket = this.#socket;
    this.#socket = undefined; // so that nothing it says is heard any more
    this.#hello = 0;
    this.#disarmAll();
    if (socket?.terminate) socket.terminate(); // the `ws` of Node: its close() waits 30 s for a peer that is dead
    else socket?.close();
  }

  #end(reason, message, code) {
    if (this.state === 'closed') return;
    this.#dropSocket();
    for (const name of WAKERS) globalThis.removeEventListener?.(name, this.#onWake);
    this.state = 'closed';
    for (const { reject } of this.#queue.splice(0)) reject(new SwitchboardError('closed', message));
    this.#settle.fail(new SwitchboardError(reason === 'unauthorized' ? reason : 'closed', message));
    this._emit('state', this.state);
    this._emit('closed', { reason, code, message });
    this.#settle.end();
  }

  /** Full jitter: whoever lost the same node shall not come back at the same moment. */
  #backoff() {
    return Math.random() * Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** this.#tries++);
  }

  // ---- frames

  #write(frame) {
    const text = JSON.stringify(frame);
    this.#socket.send(text);
    this._emit('frame', 'out', JSON.parse(text, hide));
  }

  /** What is no frame comes from no node, or from one that is out of its mind: another one may be better. */
  #onMessage(data) {
    let frame;
    try {
      frame = JSON.parse(data);
    } catch {
      // told below
    }
    if (frame?.type) this.#onFrame(frame);
    else this.#lose();
  }

  #onFrame(frame) {
    this.#heard = Date.now();
    if (this.state === 'online') this.#disarm('socket');
    this._emit('frame', 'in', JSON.parse(JSON.stringify(frame), hide));
    if (frame.id) return this.#onReply(frame);
    if (frame.type === 'reconnect') return this.#onNotice(frame);
    if (frame.seq) {
      if (frame.seq <= this.#seq) return;
      this.#seq = frame.seq;
      this.#arm('ack', this.#seq - this.#acked < ACK_EVERY ? ACK_MS : 0, () => this.#write({ type: 'ack', seq: this.#ack() }));
    }
    this._emit('event', frame);
  }

  /** What was handled, to be told now. */
  #ack() {
    this.#disarm('ack');
    this.#acked = this.#seq;
    return this.#seq;
  }

  #onNotice({ after_ms: after, retry_after_ms: rest }) {
    if (rest === undefined) return this.#arm('move', after, () => this.#lose(0));
    this.#hello = 0; // if there was one, it is refused
    this.#notBefore = Date.now() + rest;
  }

  #onReply(frame) {
    const { type, id, ...fields } = frame;
    if (type === 'welcome') return this.#onWelcome(frame);
    if (id === this.#hello) return this.#onRefusal(frame);
    const request = this.#queue.find((one) => one.id === id);
    if (!request) return; // a ping's
    if (type === 'error' && this.#triesAgain(request, frame)) return;
    this.#queue.splice(this.#queue.indexOf(request), 1);
    if (type === 'error') request.reject(new SwitchboardError(frame.code, frame.message, frame.retry_after_ms));
    else request.resolve(fields);
    this.#flush();
  }

  #triesAgain(request, { code, retry_after_ms: wait }) {
    if (code !== 'unavailable' && !(code === 'rate_limited' && wait <= BACKOFF_MAX_MS && PATIENT.test(request.type))) return false;
    request.until ??= Date.now() + request.patience;
    if (Date.now() >= request.until) return false;
    request.under = false;
    this.#arm(request, wait ?? RETRY_MS, () => this.#flush());
    return true;
  }

  /** Sends what waits. Of a pair's signals one is under way at a time: the next could overtake one that has to be sent again. */
  #flush() {
    if (this.state !== 'online') return;
    const busy = new Set();
    for (const request of this.#queue) {
      const { pair, type, fields } = request;
      if (request.under || this.#timers.has(request) || busy.has(pair)) {
        if (pair) busy.add(pair);
        continue;
      }
      if (pair) busy.add(pair);
      request.id ||= ++this.#id;
      request.under = true;
      this.#write({ ...fields, type, id: request.id, ...(this.#seq > this.#acked && { ack: this.#ack() }) });
    }
  }

  // ---- staying

  /** Looks now and then whether the socket still lives, and whether the machine slept. */
  #tick() {
    const now = Date.now();
    const { heartbeat_ms: heartbeat } = this.welcome;
    if (now - this.#ticked > 2 * TICK_MS) this.#probe(HASTY_PROBE_MS);
    else if (now - this.#heard >= heartbeat) this.#probe(Math.min(PROBE_MS, heartbeat));
    else this.#tries = 0;
    this.#ticked = now;
    this.#arm('tick', Math.min(TICK_MS, heartbeat), () => this.#tick());
  }

  #probe(ms) {
    if (this.#timers.has('socket')) return;
    this.#arm('socket', ms, () => this.#lose());
    this.#write({ type: 'ping', id: ++this.#id });
  }

  #onWake = ({ type }) => {
    if (globalThis.document?.hidden) return;
    if (this.state === 'online') this.#probe(HASTY_PROBE_MS);
    else if (type !== 'offline' && this.#timers.has('connect') && Date.now() >= this.#notBefore) this.#connect();
  };

  // ---- the token

  #take(token) {
    this.#token = token;
    this.#expires = endOf(token);
  }

  async #freshen() {
    const { getToken } = this.#options;
    if (getToken && this.#expires - Date.now() < TOKEN_MIN_MS) this.#take(await getToken());
  }

  #planRenewal(left) {
    if (!this.#options.getToken) return;
    this.#arm('renew', Math.min(TIMER_MAX_MS, Math.max(1000, Math.min(left * 0.8, left - 5000))), () => this.#renew());
  }

  async #renew(failed = 0) {
    try {
      const token = await this.#options.getToken();
      const { expires_in_ms: left } = await this.request('auth.renew', { token });
      this.#token = token;
      this.#expires = Date.now() + left; // by the server's clock: ours may be wrong
      if (this.state === 'online') this.#planRenewal(left);
    } catch (error) {
      warn(error);
      if (this.state === 'online') this.#arm('renew', 1000 * 2 ** Math.min(failed, 5), () => this.#renew(failed + 1));
    }
  }
}
