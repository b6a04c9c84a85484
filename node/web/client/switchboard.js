// Switchboard's browser client. What everything does stands in switchboard.d.ts; how the pieces fit, here:
//
//     Session (session.js)   the socket and what outlives it: requests, events, tokens
//     Switchboard (here)     the facade: calls by id, presence, blocks, push
//     begin.js               the ways in which a call begins
//     Call (call.js)         one call; what it knows of its members (seating.js), and its connections to them (mesh.js, peer.js)
import { startCall, postOffer, takeOffer, openRoom, joinRoom, incomingCall, rejoinCall } from './begin.js';
import { Emitter } from './emitter.js';
import { SwitchboardError, quiet } from './error.js';
import { Session } from './session.js';

export { Call } from './call.js';
export { SwitchboardError } from './error.js';

const WATCH_MAX = 200; // users in one request
const EARLY_CALLS = 16;
const EARLY_EVENTS = 64;
const DEVICE = 'switchboard.device';

/** A state of the protocol's, in this client's spelling. */
const spell = ({ in_call: inCall, last_seen_ms: lastSeenMs, ...state }) => ({ ...state, inCall, ...(lastSeenMs && { lastSeenMs }) });

const chunks = (list) => Array.from({ length: Math.ceil(list.length / WATCH_MAX) }, (_, i) => list.slice(i * WATCH_MAX, (i + 1) * WATCH_MAX));

function deviceName() {
  const fresh = `web-${Math.random().toString(36).slice(2, 12)}`;
  try {
    const name = sessionStorage.getItem(DEVICE) ?? fresh;
    sessionStorage.setItem(DEVICE, name);
    return name;
  } catch {
    return fresh; // there is none here, or it is not for us
  }
}

export class Switchboard extends Emitter {
  _session;
  _options;
  _entering = new Map(); // call id → a Call that is not there before its request has an answer
  _starting; // settles when the last call that this client began has its answer
  _crossed = new Set(); // calls of others that have become own ones, and are about to be there
  _left = new Set(); // calls that it has left, refused or ignored: a server that has not heard of it yet shall not bring them back
  #calls = new Map();
  #early = new Map(); // call id → events of calls whose request has no answer yet
  #watched = new Map(); // user → the last known state, as text
  #rewatching = false;
  #held = []; // what the app can't hear yet: it gets its hands on this object only after the first welcome

  /** Made by connect() alone. */
  constructor(options) {
    super();
    this._options = options;
    this._session = new Session(options);
    const held = (then) => (...args) => (this.#held ? this.#held.push(() => then(...args)) : then(...args));
    this._session.on('welcome', (welcome, resumed) => this.#onWelcome(welcome, resumed));
    this._session.on('event', held((frame) => this.#onEvent(frame)));
    this._session.on('closed', () => {
      for (const call of this.#calls.values()) call._welcome(undefined, false);
    });
    this._session.on('frame', held((...args) => this._emit('frame', ...args)));
    for (const name of ['state', 'resumed', 'reset', 'closed']) this._session.on(name, (...args) => this._emit(name, ...args));
    this._session.opened.then(() => setTimeout(() => this.#release()), () => {});
  }

  get state() {
    return this._session.state;
  }

  get user() {
    return this._session.welcome.user;
  }

  get device() {
    return this._session.welcome.device;
  }

  get session() {
    return this._session.welcome.session;
  }

  get server() {
    return this._session.welcome.server;
  }

  get limits() {
    return this._session.welcome.limits;
  }

  get calls() {
    return this.#calls;
  }

  call(to, options = {}) {
    return quiet(startCall(this, to, options));
  }

  post(options = {}) {
    return quiet(postOffer(this, options));
  }

  take(id, options = {}) {
    return quiet(takeOffer(this, id, options));
  }

  room(options = {}) {
    return quiet(openRoom(this, options));
  }

  join(id, options = {}) {
    return quiet(joinRoom(this, id, options));
  }

  setStatus(status, note) {
    return this.#ask('presence.set', { status, note });
  }

  watch(users) {
    return quiet(this.#watch(users));
  }

  unwatch(users) {
    for (const user of users) this.#watched.delete(user);
    return quiet(Promise.all(chunks(users).map((some) => this.request('presence.unwatch', { users: some }))).then(() => {}));
  }

  setBlocked(users) {
    return this.#ask('block.set', { users });
  }

  blocked() {
    return this.#ask('block.get', {}, (ok) => ok.users);
  }

  registerPush(push) {
    const fields = push.provider ? push : { provider: 'webpush', subscription: push };
    return this.#ask('push.register', fields);
  }

  unregisterPush() {
    return this.#ask('push.unregister');
  }

  iceServers() {
    return this.#ask('ice.get', {}, (ok) => ok.ice_servers);
  }

  request(type, fields) {
    return this._session.request(type, fields);
  }

  cut() {
    this._session.cut();
  }

  close() {
    for (const call of this.#calls.values()) {
      if (call.state === 'incoming') call.ignore();
      else quiet(call.hangup());
    }
    return this._session.close();
  }

  #ask(type, fields, pick = () => {}) {
    return quiet(this.request(type, fields).then(pick));
  }

  // ---- calls

  /** From now on the call gets what comes for its id, beginning with what came too early. */
  _add(call) {
    if (call.state === 'ended') return call; // hung up or declined before the server heard of it
    this.#calls.set(call.id, call);
    // Not at once: the app has no listeners on it before its promise has come.
    if (this.#early.has(call.id)) setTimeout(() => this.#deliver(call));
    return call;
  }

  _drop(call) {
    if (this.#calls.get(call.id) === call) this.#calls.delete(call.id); // not another one: an offer that was taken before, by this very client
  }

  #deliver(call) {
    const frames = this.#early.get(call.id) ?? [];
    this.#early.delete(call.id);
    for (const frame of frames) call._event(frame);
  }

  #release() {
    const held = this.#held;
    this.#held = undefined;
    for (const then of held) then();
  }

  #tell(name, call) {
    if (this.#held) return this.#held.push(() => this.#tell(name, call));
    if (call.state !== name) return; // it was over or answered before the app could hear of it
    this._emit(name, call);
    if (name === 'incoming' && this._options.alert !== false && this._has(name)) this.request('call.alert', { call: call.id });
  }

  #onWelcome({ calls, pending }, resumed) {
    const ringing = new Set(pending.map((frame) => frame.call));
    const snapshots = new Map(calls.map((snapshot) => [snapshot.call, snapshot]));
    for (const [id, call] of [...this.#calls]) {
      if (call.state !== 'incoming' || !ringing.has(id)) call._welcome(snapshots.get(id), resumed);
    }
    for (const [id, snapshot] of snapshots) {
      // Without `rejoin` it is one whose request is still under way: the answer makes the Call.
      if (snapshot.rejoin && !this.#calls.has(id)) this.#tell('rejoin', this._add(rejoinCall(this, snapshot)));
    }
    if (!resumed) this.#early.clear();
    for (const frame of pending) this.#onIncoming(frame);
    this.#rewatch();
  }

  #onEvent(frame) {
    if (frame.type === 'presence') return this.#onPresence(frame);
    if (frame.type === 'call.incoming') return this.#onIncoming(frame);
    const call = this.#calls.get(frame.call);
    const early = this.#early.get(frame.call);
    if (call && !early) return call._event(frame);
    if (!call && frame.type === 'call.cancelled') return; // of a ring that was ignored here: none that comes later
    if (early?.length < EARLY_EVENTS) early.push(frame);
    else if (!early) {
      this.#early.set(frame.call, [frame]);
      if (this.#early.size > EARLY_CALLS) this.#early.delete(this.#early.keys().next().value);
    }
  }

  #onIncoming(frame) {
    if (!this.#calls.has(frame.call) && !this._crossed.has(frame.call)) this.#tell('incoming', this._add(incomingCall(this, frame)));
  }

  // ---- presence

  async #watch(users) {
    const answers = await Promise.all(chunks(users).map((some) => this.request('presence.watch', { users: some })));
    const states = answers.flatMap((ok) => ok.states);
    for (const state of states) this.#watched.set(state.user, JSON.stringify(state));
    return states.map(spell);
  }

  /** Watches end with the socket. */
  async #rewatch() {
    if (this.#rewatching) return; // what is not answered yet is sent again by itself
    this.#rewatching = true;
    for (const users of chunks([...this.#watched.keys()])) {
      const { states } = await this._session.request('presence.watch', { users }, Infinity).catch(() => ({ states: [] }));
      for (const state of states) if (this.#watched.has(state.user)) this.#onPresence(state);
    }
    this.#rewatching = false;
  }

  #onPresence({ type, ...state }) {
    const text = JSON.stringify(state);
    if (this.#watched.get(state.user) === text) return;
    if (this.#watched.has(state.user)) this.#watched.set(state.user, text);
    this._emit('presence', spell(state));
  }
}

export async function connect({ signal, ...given } = {}) {
  const { url = globalThis.location?.origin, urls = [url], WebSocket = globalThis.WebSocket } = given;
  if (!WebSocket) throw new SwitchboardError('unsupported', 'there is no WebSocket here: give one');
  if (!given.token && !given.getToken) throw new SwitchboardError('unauthorized', 'neither token nor getToken was given');
  if (signal?.aborted) throw new SwitchboardError('closed', 'connecting was called off');
  let me;
  try {
    me = new Switchboard({ ...given, urls, WebSocket, device: given.device ?? deviceName() });
  } catch {
    throw new SwitchboardError('bad_request', `url should be a server's, as https://host: ${urls}`);
  }
  const off = () => me._session.close();
  signal?.addEventListener('abort', off);
  await me._session.opened;
  signal?.removeEventListener('abort', off);
  return me;
}
