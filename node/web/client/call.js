// A call, from the first ring to its end: who sits in it, what each event changes, and a connection to each of the others.
import { Emitter } from './emitter.js';
import { SwitchboardError, quiet } from './error.js';
import { Media } from './media.js';
import { Peer } from './peer.js';

/** Where an offer that rides on an invitation comes from, and where candidates go until somebody has answered it. */
const STARTER = 1;
const WHOEVER = 0;
/** Events after which nothing comes, whatever is known so far. */
const OVER = /call\.(cancelled|ended)/;
/** Answers to who leaves what is over already, or is told on its way out: it has what it wanted. */
const LEFT = new Set(['gone', 'not_found', 'closed', 'reset']);

const goneAlready = () => quiet(Promise.reject(new SwitchboardError('not_found', 'that member has left')));

function ignoreLeft(error) {
  if (!LEFT.has(error.code)) throw error;
}

function ignoreGone(error) {
  if (error.code !== 'not_found') throw error;
}

export class Call extends Emitter {
  #me;
  #phase; // 'in' while this device has a seat; else as `state`
  #media;
  #seat; // number of the own seat
  #since = 0; // version of the call when this device sat down: signals before that were for the one who sat there before
  #version = 0; // of the last picture or event: older ones say nothing new
  #held = []; // events that came before the own seat; null as long as one has it
  #entering;
  #members = new Map();
  #peers = new Map(); // by member
  #early; // the connection whose offer nobody has answered yet
  #offer; // the offer that rode on the invitation
  #told; // the state that listeners know
  ringing = new Map();
  locked = false;
  privacy = null;
  muted = false;

  constructor(me, phase, { offer, ...fields }) {
    super();
    this.#me = me;
    this.#phase = this.#told = phase;
    this.#offer = offer;
    Object.assign(this, fields);
  }

  get state() {
    if (this.#phase !== 'in') return this.#phase;
    if (this.#members.size > 1) return 'active';
    return this.ringing.size ? 'ringing' : 'waiting';
  }

  get members() {
    return [...this.#members.values()].sort((a, b) => a.peer - b.peer);
  }

  get me() {
    return this.#members.get(this.#seat) ?? null;
  }

  get stream() {
    return this.#media?.stream ?? null;
  }

  // What the app does

  accept(options) {
    return this._enter(options);
  }

  rejoin(options) {
    return this._enter(options);
  }

  reject(reason = 'rejected') {
    return quiet(this.#leave(reason, () => this.#ask('call.reject', { reason })));
  }

  ignore() {
    this.#leave('ignored');
  }

  hangup(reason = 'hangup') {
    if (this.#phase === 'incoming') return this.reject(reason === 'busy' ? reason : undefined);
    return quiet(this.#leave(reason, (back) => leave(this.#me, this.id, back, reason)));
  }

  invite(user, { ringMs, wait } = {}) {
    return this.#change('call.invite', { to: user, ring_ms: ringMs, wait }, ({ reach }) => this.ringing.set(user, reach[user]));
  }

  cancel(user) {
    return this.#change('call.cancel', { to: user }, () => this.ringing.delete(user));
  }

  remove(member) {
    if (!this.#sits(member)) return goneAlready();
    return this.#change('call.remove', { peer: member.peer }, () => this.#lose(this.#members.get(member.peer), 'removed'));
  }

  lock(locked = true) {
    return this.#change('call.lock', { locked }, () => this.#setLocked(locked));
  }

  mute(muted = true) {
    this.muted = muted;
    this.#media?.mute(muted);
    this.#changed();
  }

  setStream(stream) {
    if (this.#phase !== 'in') return Promise.resolve();
    this.#media.replace(stream);
    if (this.muted) this.#media.mute(true);
    this.me.stream = stream;
    this._emit('member', this.me);
    this.#changed();
    return quiet(Promise.all([...this.#peers.values(), this.#early].map((peer) => peer?.replace())).then(() => {}));
  }

  send(data, to) {
    if (to && !this.#sits(to)) return goneAlready();
    const others = to ? [to] : this.members.filter(({ me }) => !me);
    const said = others.map((member) => {
      const one = this.#ask('signal', { to: member.peer, data });
      return to ? one : one.catch(ignoreGone); // one of several may have just left
    });
    return quiet(Promise.all(said).then(() => {}));
  }

  // What the client hands over

  /** Each event of this call, in order. */
  _event(frame) {
    if (this.#phase === 'ended') return;
    if (this.#held && !OVER.test(frame.type)) this.#held.push(frame);
    else if (frame.type === 'signal') this.#onSignal(frame);
    else this.#onEvent(frame);
  }

  /** After each welcome: how the server says that the call stands. Of a session that goes on the events say it all. */
  _welcome(snapshot, resumed) {
    if (resumed || this.#phase === 'ended') return;
    if (this.#phase === 'incoming' ? !snapshot : !snapshot?.rejoin) this._end('lost');
    else if (this.#phase === 'in') this.#comeBack();
  }

  _end(reason) {
    if (this.#phase === 'ended') return;
    this.#phase = 'ended';
    this.reason = reason;
    for (const peer of [...this.#peers.values(), this.#early]) peer?.close();
    this.#media?.close();
    this.#me._drop(this);
    this.#changed();
    this._emit('ended', reason);
  }

  /** The own seat, which the session before this one left, is free by then: nobody tells who does not sit. */
  _expire(ms) {
    const timer = setTimeout(() => this.#phase === 'rejoin' && !this.#entering && this._end('lost'), ms);
    timer.unref?.(); // of Node
  }

  /** How it stands where one does not sit. */
  _show(picture) {
    this.#draw(picture, true);
  }

  /** Sits down by that request, or has done so already. */
  _enter(options, type = this.#phase === 'incoming' ? 'call.accept' : 'call.join') {
    if (this.#phase === 'in') return Promise.resolve(this);
    this.#entering ??= quiet(this.#prepare(type, options).finally(() => (this.#entering = null)));
    return this.#entering;
  }

  /** Sits alone in a call of one's own making. */
  _open(media, early, picture) {
    this.#take(media, STARTER, picture);
    this.#early = early;
    early?.open({ send: (signal) => this.#negotiate(WHOEVER, signal), here: () => false, changed() {} });
    this.#release();
  }

  /** Sits down where others are: `asked` is the request that does it, `answered` the connection whose answer it carries. */
  async _sit(media, asked, answered) {
    let ok;
    let picture;
    try {
      [ok, picture] = await Promise.all([asked, this.#ask('call.get').catch(() => null)]);
      if (this.#phase === 'ended') leave(this.#me, this.id);
      this.#checkAlive();
    } catch (error) {
      if (error.code === 'gone' || error.code === 'not_found') this._end('gone');
      throw error;
    }
    if (ok.name) this.from = { user: ok.from, name: ok.name };
    this.#take(media, ok.peer, { ...ok, ...picture }, ok.version);
    this.#meet(ok, answered);
    this.#release();
    return this;
  }

  async #prepare(type, { stream } = {}) {
    this.#checkAlive();
    // Whether addresses may be told must be known before the first one is found, and whether a call of one's own has crossed this one.
    const asked = type === 'call.accept' && this.#ask('call.get').catch(() => null);
    const [media, picture] = await Promise.all([Media.open(this.#me, stream), asked, starts.get(this.#me)]);
    if (this.#phase === 'in') {
      media.close();
      return this;
    }
    media.relay = picture?.privacy === 'relay';
    let peer;
    try {
      if (this.#offer && media.RTC) peer = new Peer(media);
      const answer = await peer?.first(this.#offer).catch(() => peer.close());
      this.#checkAlive();
      return await this._sit(media, this.#ask(type, { answer }), answer && peer);
    } catch (error) {
      peer?.close();
      media.close();
      throw error;
    }
  }

  #checkAlive() {
    if (this.#phase === 'ended') throw new SwitchboardError('gone', 'the call is over');
  }

  /** The session is another one, and the seat still there: the media begin anew. */
  async #comeBack() {
    this.#held = [];
    for (const member of this.#peers.keys()) this.#unlink(member);
    await this._sit(this.#media, this.#ask('call.join')).catch(({ code }) => code !== 'reset' && this._end('lost'));
  }

  #ask(type, fields, patience) {
    return this.#me._session.request(type, { call: this.id, ...fields }, patience);
  }

  /** A description or candidates: without each of them there is no connection, however long the server can't take it. */
  #negotiate(to, signal) {
    return this.#ask('signal', { to, ...signal }, Infinity).catch(ignoreLeft);
  }

  async #leave(reason, tell) {
    if (this.#phase === 'ended') return;
    const left = leftBy(this.#me).add(this.id);
    const back = this.#phase === 'rejoin';
    this._end(reason);
    if (!tell) return;
    try {
      await tell(back);
      left.delete(this.id);
    } catch (error) {
      if (error.code !== 'reset') left.delete(this.id);
      ignoreLeft(error);
    }
  }

  /** Asks for a change of the call, which no event tells to who asked for it. */
  #change(type, fields, apply) {
    const changed = this.#ask(type, fields).then(async (ok) => {
      if (ok.version > this.#version) apply(ok);
      else this.#draw(await this.#ask('call.get').catch(() => null)); // an event was faster, and may have changed it again
      if (this.#phase === 'in') this.#changed();
    });
    return quiet(changed);
  }

  #take(media, seat, picture, since = 0) {
    const fresh = this.#phase !== 'in';
    if (fresh) this.#members.clear();
    this.#media = media;
    this.#seat = seat;
    this.#since = since;
    this.#phase = 'in';
    if (this.muted) media.mute(true);
    this.#draw(picture, fresh);
    media.relay = this.privacy === 'relay';
  }

  /** The newcomer makes the offers, but to one whose offer came with the seat. */
  #meet({ members, offer, candidates = [] }, answered) {
    if (!this.#media.RTC) return;
    const maker = this.#members.get(STARTER);
    if (offer && maker && !maker.me) {
      const peer = this.#link(maker, answered ?? new Peer(this.#media));
      if (!answered) peer.receive({ description: { type: 'offer', sdp: offer } });
      peer.receive({ candidates });
    } else {
      answered?.close();
    }
    // Those who came since offer themselves.
    for (const member of this.members) if (members.some(({ peer }) => peer === member.peer)) this.#approach(member);
  }

  #release() {
    const held = this.#held;
    this.#held = null;
    this.#changed();
    for (const frame of held) this._event(frame);
  }

  #onSignal({ from, version, description, candidates, data }) {
    const member = this.#members.get(from);
    if (!member || version < this.#since) return;
    if (data !== undefined) {
      this._emit('data', member, data);
      this.#changed();
    } else if (this.#media.RTC) {
      this.#receive(member, { description, candidates });
    }
  }

  #receive(member, signal) {
    const type = signal.description?.type;
    if (!this.#peers.has(member) && type === 'answer') {
      // An answer to what was offered before this device came anew can't be taken: the two begin once more.
      if (!this.#early) return this.#approach(member);
      this.#link(member, this.#early);
      this.#early = undefined;
    }
    if (!this.#peers.has(member) && type === 'offer') this.#link(member, new Peer(this.#media));
    return this.#peers.get(member)?.receive(signal);
  }

  #onEvent(frame) {
    if (frame.version > this.#version || OVER.test(frame.type)) {
      this.#version = frame.version;
      this.#follow(frame);
    }
    const answer = frame.answer && this.#members.get(frame.peer);
    if (answer) this.#receive(answer, { description: { type: 'answer', sdp: frame.answer } });
    this.#changed();
  }

  #follow(frame) {
    const { type, peer, user, reason } = frame;
    const member = this.#members.get(peer);
    if (peer && !member && type !== 'call.joined') return undefined;
    switch (type) {
      case 'call.cancelled':
      case 'call.ended':
        return this._end(reason);
      case 'call.joined':
        return this.#seatOne(frame);
      case 'call.left':
        return member?.me ? this._end(reason) : this.#lose(member, reason);
      case 'call.rejoined':
        this.#unlink(member);
        member.state = 'here';
        return this._emit('member', member);
      case 'call.suspended':
        return this.#setState(member, 'suspended');
      case 'call.resumed':
        this.#setState(member, 'here');
        return this.#peers.get(member)?.restart();
      case 'call.invited':
        this.ringing.set(user, 'ringing');
        return this._emit('invited', user, frame.from);
      case 'call.ringing':
        this.ringing.set(user, 'alerting');
        return this._emit('ringing', user);
      case 'call.rejected':
        this.ringing.delete(user);
        return this._emit('rejected', user, reason);
      case 'call.locked':
        return this.#setLocked(frame.locked);
      case 'call.healed':
        return this.#heal(frame);
      default:
        return undefined;
    }
  }

  #heal(picture) {
    this.#draw(picture);
    if (!this.me) return this._end('lost');
    for (const peer of this.#peers.values()) peer.repeat();
    // Of two who did not hear of each other the one with the higher number is the newcomer.
    for (const member of this.members) if (member.peer < this.#seat) this.#approach(member);
    return undefined;
  }

  /** Makes the members, rings and the rest what this picture of the server's says. `silently`: the app is told of the whole, not of each. */
  #draw(picture, silently) {
    if (!picture || picture.version < this.#version) return;
    const { version, members, ringing = [], reach = {}, seats = this.seats, starter, locked = this.locked, privacy = this.privacy } = picture;
    this.#version = version;
    Object.assign(this, { seats, starter, privacy });
    for (const member of this.members) {
      const now = members.find(({ peer }) => peer === member.peer);
      if (now?.user !== member.user || now.device !== member.device) this.#lose(member, 'lost');
    }
    for (const one of members) {
      const known = this.#members.get(one.peer);
      if (known) this.#setState(known, one.state);
      else this.#seatOne(one, silently);
    }
    this.ringing = new Map(ringing.map((user) => [user, this.ringing.get(user) ?? reach[user] ?? 'ringing']));
    if (silently) this.locked = locked;
    else this.#setLocked(locked);
  }

  #seatOne({ peer, user, device, name, state = 'here' }, silently) {
    const me = peer === this.#seat;
    const member = { peer, user, device, name, me, state, connection: 'new', stream: me ? this.stream : null, pc: null };
    this.#members.set(peer, member);
    this.ringing.delete(user);
    if (!silently) this._emit('joined', member);
  }

  #setState(member, state) {
    if (member.state === state) return;
    member.state = state;
    this._emit('member', member);
  }

  #setLocked(locked) {
    if (this.locked === locked) return;
    this.locked = locked;
    this._emit('locked', locked);
  }

  /** On a seat that became free somebody else may sit by now. */
  #sits(member) {
    return this.#members.get(member.peer) === member;
  }

  #lose(member, reason) {
    if (!member) return;
    this.#members.delete(member.peer);
    this.#unlink(member);
    this._emit('left', member, reason);
  }

  // Connections

  #approach(member) {
    if (this.#media.RTC && !member.me && !this.#peers.has(member)) this.#link(member, new Peer(this.#media, true));
  }

  #link(member, peer) {
    this.#peers.set(member, peer);
    member.pc = peer.pc;
    peer.open({
      polite: this.#seat > member.peer,
      here: () => member.state === 'here',
      send: (signal) => this.#negotiate(member.peer, signal),
      changed: () => this.#onPeer(member, peer),
    });
    return peer;
  }

  #unlink(member) {
    this.#peers.get(member)?.close();
    this.#peers.delete(member);
    Object.assign(member, { pc: null, stream: null, connection: 'new' });
  }

  #onPeer(member, { stream, connection }) {
    if (stream !== member.stream) {
      member.stream = stream;
      this._emit('stream', member, stream);
    } else if (connection === member.connection) {
      return;
    }
    if (connection !== member.connection) {
      member.connection = connection;
      this._emit('member', member);
    }
    this.#changed();
  }

  #changed() {
    const { state } = this;
    if (state !== this.#told) this._emit('state', (this.#told = state));
    this._emit('change');
  }
}

/** Calls that this client has left, refused or ignored, by client: a server that has not heard of it yet shall not bring them back. */
const leftCalls = new WeakMap();

/** When the last call that this client began has its answer, by client. */
const starts = new WeakMap();

function leftBy(me) {
  if (!leftCalls.has(me)) leftCalls.set(me, new Set());
  return leftCalls.get(me);
}

/** `back`: the seat is still a lost session's, and must be taken before it can be left. */
function leave(me, id, back, reason) {
  if (back) me._session.request('call.join', { call: id });
  return me._session.request('call.leave', { call: id, reason });
}

async function begin(me, type, fields, { stream, seats, privacy, allow }, offers) {
  const media = await Media.open(me, stream);
  media.relay = privacy === 'relay';
  let early;
  try {
    if (offers && media.RTC) early = new Peer(media, true);
    const ok = await me._session.request(type, { ...fields, offer: await early?.first(), seats, privacy, allow });
    const { call: id, version, reach = {} } = ok;
    const call = me.calls.get(id) ?? new Call(me, undefined, { id });
    if (ok.glare) {
      // The other one's call was first: it has become ours, and so has the other one's offer.
      early?.close();
      await call._sit(media, ok);
    } else {
      const own = { peer: ok.peer, user: me.user, device: me.device, name: me.user };
      const ringing = Object.keys(reach).filter((user) => reach[user] !== 'unreachable');
      call._open(media, early, { version, members: [own], ringing, reach, seats: seats ?? (offers ? 2 : 5), starter: me.user, privacy: privacy ?? null });
    }
    return me._add(call);
  } catch (error) {
    early?.close();
    media.close();
    throw error;
  }
}

export async function startCall(me, to, options = {}) {
  const users = [to].flat();
  const { ringMs, wait, meta } = options;
  const started = begin(me, 'call.start', { to: users, ring_ms: ringMs, wait, meta }, options, users.length === 1);
  starts.set(me, Promise.allSettled([starts.get(me), started]).then(() => {}));
  return started;
}

export const postOffer = (me, options = {}) => begin(me, 'offer.post', { ttl_ms: options.ttlMs }, options, true);

export const openRoom = (me, options) => begin(me, 'call.start', { to: [] }, { allow: 'anyone', ...options });

/** To ask for a seat twice is to ask once. */
function enter(me, id, options, type) {
  const under = me._entering;
  if (!under.has(id)) under.set(id, me.calls.get(id) ?? new Call(me, undefined, { id }));
  const entered = under.get(id)._enter(options, type).then((call) => me._add(call));
  return entered.finally(() => under.delete(id));
}

export const takeOffer = (me, id, options) => enter(me, id, options, 'offer.take');

export const joinRoom = (me, id, options) => enter(me, id, options);

export function incomingCall(me, { call: id, seq, from, name, meta, in_call: inCall, seats, members, version, offer }) {
  // One in `pending`, without `seq`, may be what was declined here a moment ago; a new ring has one.
  const over = !seq && leftBy(me).has(id);
  const call = new Call(me, over ? 'ended' : 'incoming', { id, from: { user: from, name }, meta, inCall, offer });
  call._show({ members, seats, starter: from, version });
  return call;
}

export function rejoinCall(me, snapshot) {
  const { call: id } = snapshot;
  const over = leftBy(me).has(id);
  if (over) leave(me, id, true);
  const call = new Call(me, over ? 'ended' : 'rejoin', { id });
  call._show(snapshot);
  call._expire(me._session.welcome.grace_ms);
  return call;
}
