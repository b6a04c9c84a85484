// A call, from the first ring to its end: what the app does in it, how this device comes to its seat and leaves it, and what waits meanwhile.
import { Emitter } from './emitter.js';
import { SwitchboardError, quiet } from './error.js';
import { Media } from './media.js';
import { Mesh } from './mesh.js';
import { Peer } from './peer.js';
import { Seating } from './seating.js';

/** The seat of who began it. */
const FIRST = 1;
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

/** One can sit down without a picture, but not in a session that is no more. */
function ignoreUnlessLost(error) {
  if (/closed|reset/.test(error.code)) throw error;
}

/** `back`: the seat is still a lost session's, and must be taken before it can be left. */
export function leave(me, id, back, reason) {
  if (back) me._session.request('call.join', { call: id });
  return me._session.request('call.leave', { call: id, reason });
}

export class Call extends Emitter {
  #me;
  #phase; // 'in' while this device has a seat; else as `state`
  #told; // the state that listeners know
  #media;
  #since = 0; // version of the call when this device sat down: signals before that were for the one who sat there before
  #held = []; // events that came before the own seat; null as long as one has it
  #entering;
  #offer; // the offer that rode on the invitation
  #seating;
  #mesh;
  muted = false;

  constructor(me, phase, { offer, ...fields }) {
    super();
    const tell = (...event) => this.#phase === 'ended' || this._emit(...event);
    this.#me = me;
    this.#phase = this.#told = phase;
    this.#offer = offer;
    this.#seating = new Seating((member) => this.#mesh.part(member), tell);
    this.#mesh = new Mesh(this.#seating, { tell, changed: () => this.#changed(), send: (to, signal) => this.#negotiate(to, signal) });
    Object.assign(this, fields);
  }

  get state() {
    if (this.#phase !== 'in') return this.#phase;
    if (this.members.length > 1) return 'active';
    return this.ringing.size ? 'ringing' : 'waiting';
  }

  get members() {
    return this.#seating.members;
  }

  get me() {
    return this.#seating.me;
  }

  get ringing() {
    return this.#seating.ringing;
  }

  get seats() {
    return this.#seating.seats;
  }

  get starter() {
    return this.#seating.starter;
  }

  get locked() {
    return this.#seating.locked;
  }

  get privacy() {
    return this.#seating.privacy;
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
    if (!this.#seating.has(member)) return goneAlready();
    return this.#change('call.remove', { peer: member.peer }, () => this.#seating.lose(this.#seating.at(member.peer), 'removed'));
  }

  lock(locked = true) {
    return this.#change('call.lock', { locked }, () => this.#seating.lock(locked));
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
    this.#seating.send(stream);
    this.#changed();
    return quiet(this.#mesh.replace().then(() => {}));
  }

  send(data, to) {
    if (to && !this.#seating.has(to)) return goneAlready();
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
    // A ring that was over before this device took its seat by the next one is no news of it.
    if (this.#phase === 'ended' || (this.#phase === 'in' && frame.type === 'call.cancelled')) return;
    if (this.#held && !OVER.test(frame.type)) this.#held.push(frame);
    else if (frame.type === 'signal') this.#onSignal(frame);
    else this.#onEvent(frame);
  }

  /** After each welcome: how the server says that the call stands. Of a session that goes on the events say it all. */
  _welcome(snapshot, resumed) {
    if (resumed || this.#phase === 'ended') return;
    if (this.#phase === 'incoming' || !snapshot?.rejoin) this._end('lost');
    else if (this.#phase === 'in') this.#comeBack();
  }

  _end(reason) {
    if (this.#phase === 'ended') return;
    this.#phase = 'ended';
    this.reason = reason;
    this.#mesh.close();
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
    this.#seating.draw(picture, true);
  }

  // Coming to a seat, and leaving it

  /** Sits down by that request, or has done so already. */
  _enter(options, type = this.#phase === 'incoming' ? 'call.accept' : 'call.join') {
    if (this.#phase === 'in') return Promise.resolve(this);
    this.#entering ??= quiet(this.#prepare(type, options).finally(() => (this.#entering = null)));
    return this.#entering;
  }

  /** Sits alone in a call of one's own making. */
  _open(media, early, picture) {
    this.#take(media, FIRST, picture);
    this.#mesh.expect(early);
    this.#release();
  }

  /** Sits down where others are: `asked` is the request that does it, `answered` the connection whose answer it carries. */
  async _sit(media, asked, answered) {
    let ok;
    let picture;
    try {
      [ok, picture] = await Promise.all([asked, this.#ask('call.get').catch(ignoreUnlessLost)]);
      if (this.#phase === 'ended') leave(this.#me, this.id);
      this.#checkAlive();
    } catch (error) {
      if (error.code === 'gone' || error.code === 'not_found') this._end('gone');
      throw error;
    }
    if (ok.name) this.from = { user: ok.from, name: ok.name };
    this.#take(media, ok.peer, { ...ok, ...picture }, ok.version);
    this.#mesh.meet(ok, answered);
    this.#release();
    return this;
  }

  async #prepare(type, { stream } = {}) {
    this.#checkAlive();
    // Whether addresses may be told must be known before the first one is found, and whether a call of one's own, begun since perhaps, has crossed this one.
    const asked = type === 'call.accept' && this.#ask('call.get').catch(() => null);
    const [media, picture] = await Promise.all([Media.open(this.#me, stream), asked]);
    await this.#me._starting;
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
    this.#mesh.partAll();
    await this._sit(this.#media, this.#ask('call.join')).catch(({ code }) => code !== 'reset' && this._end('lost'));
  }

  #take(media, seat, picture, since = 0) {
    const fresh = this.#phase !== 'in';
    this.#media = media;
    this.#since = since;
    this.#phase = 'in';
    if (this.muted) media.mute(true);
    this.#mesh.use(media);
    this.#seating.sit(seat, media.stream, picture, fresh);
    media.relay = this.privacy === 'relay';
  }

  #release() {
    const held = this.#held;
    this.#held = null;
    this.#changed();
    for (const frame of held) this._event(frame);
  }

  async #leave(reason, tell) {
    if (this.#phase === 'ended') return;
    const left = this.#me._left.add(this.id);
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

  // What is asked of the server, and what it tells

  #ask(type, fields, patience) {
    return this.#me._session.request(type, { call: this.id, ...fields }, patience);
  }

  /** A description or candidates: without each of them there is no connection, however long the server can't take it. */
  #negotiate(to, signal) {
    return this.#ask('signal', { to, ...signal }, Infinity).catch(ignoreLeft);
  }

  /** Asks for a change of the call, which no event tells to who asked for it. */
  #change(type, fields, apply) {
    const seating = this.#seating;
    const changed = this.#ask(type, fields).then(async (ok) => {
      const missed = ok.version - seating.version - 1;
      if (missed >= 0) apply(ok);
      if (missed) seating.draw(await this.#ask('call.get').catch(() => null)); // an event was faster, or an older one is still to come
      else seating.version = ok.version;
      if (this.#phase === 'in') this.#changed();
    });
    return quiet(changed);
  }

  #onSignal({ from, version, description, candidates, data }) {
    const member = this.#seating.at(from);
    if (!member || version < this.#since) return;
    if (data === undefined) return this.#mesh.receive(member, { description, candidates });
    this._emit('data', member, data);
    this.#changed();
  }

  #onEvent(frame) {
    if (frame.type === 'call.healed') {
      this.#heal(frame);
    } else if (frame.version > this.#seating.version || OVER.test(frame.type)) {
      this.#seating.version = frame.version;
      this.#follow(frame);
    }
    const answerer = frame.answer && this.#seating.at(frame.peer);
    if (answerer) this.#mesh.receive(answerer, { description: { type: 'answer', sdp: frame.answer } });
    this.#changed();
  }

  #follow(frame) {
    const { type, peer, reason } = frame;
    const member = this.#seating.at(peer);
    if (OVER.test(type) || (type === 'call.left' && member?.me)) return this._end(reason);
    this.#seating.follow(frame);
    if (type === 'call.resumed') this.#mesh.resumed(member);
    return undefined;
  }

  #heal(picture) {
    this.#seating.draw(picture);
    if (!this.me) return this._end('lost');
    return this.#mesh.healed();
  }

  #changed() {
    const { state } = this;
    if (state !== this.#told) this._emit('state', (this.#told = state));
    this._emit('change');
  }
}
