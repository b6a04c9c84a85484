// What one session knows: the calls it sits in, the rings it hears, whom it watches. Built from nothing but what it was told.

/** A snapshot's list of members as a view keeps it. */
const seated = (members) => new Map(members.map(({ peer, user, device, state }) => [peer, { user, device, state }]));

/** A call as one of its members sees it: a snapshot, and the changes after it in the order of their versions, whichever way they came. */
class CallView {
  #changes = []; // {version, change(state)}

  constructor({ call, peer }) {
    this.call = call;
    this.peer = peer;
    this.base = 0; // version of the snapshot
    this.start = { members: new Map(), ringing: null, locked: null };
  }

  /** A picture of the whole at a version. Without `ringing` or `locked` these are not known any more, unless they were known at that version. */
  snapshot({ version, members, ringing, locked }) {
    if (version < this.base) return this;
    const before = this.#at(version);
    const known = before.version === version ? before : { ringing: null, locked: null };
    this.base = version;
    this.start = {
      members: seated(members),
      ringing: ringing ? new Set(ringing) : known.ringing,
      locked: locked ?? known.locked,
    };
    this.#changes = this.#changes.filter((one) => one.version > version);
    return this;
  }

  /** A change that an event or an own `ok` tells. */
  change(version, change) {
    if (version <= this.base) return;
    this.#changes.push({ version, change });
    this.#changes.sort((a, b) => a.version - b.version);
  }

  #at(version) {
    const { members, ringing, locked } = this.start;
    const state = { members: new Map(members), ringing: ringing && new Set(ringing), locked, version: this.base };
    for (const one of this.#changes) {
      if (one.version > version) break;
      one.change(state);
      state.version = one.version;
    }
    return state;
  }

  /** {members: Map peer → {user, device, state}, ringing: Set or null, locked, version}. */
  get state() {
    return this.#at(Infinity);
  }
}

const without = (set, user) => set?.delete(user);
const setState = (members, peer, state) => members.has(peer) && members.set(peer, { ...members.get(peer), state });

/** How each event changes the picture of a member. */
const CHANGES = {
  'call.joined': ({ peer, user, device }) => (state) => {
    state.members.set(peer, { user, device, state: 'here' });
    without(state.ringing, user);
  },
  'call.left': ({ peer }) => (state) => state.members.delete(peer),
  'call.suspended': ({ peer }) => (state) => setState(state.members, peer, 'suspended'),
  'call.resumed': ({ peer }) => (state) => setState(state.members, peer, 'here'),
  'call.rejoined': ({ peer }) => (state) => setState(state.members, peer, 'here'),
  'call.locked': ({ locked }) => (state) => {
    state.locked = locked;
  },
  'call.invited': ({ user }) => (state) => state.ringing?.add(user),
  'call.rejected': ({ user }) => (state) => without(state.ringing, user),
  'call.ringing': () => () => {},
  'call.healed': ({ members, ringing, locked }) => (state) => Object.assign(state, { members: seated(members), ringing: new Set(ringing), locked }),
};

const EARLY_MAX = 50;

/** All that a session was told. */
export class SessionView {
  constructor({ user, device }) {
    Object.assign(this, { user, device });
    this.calls = new Map(); // call → CallView, of those it sits in
    this.rejoin = new Map(); // call → snapshot: seats that the session before left behind
    this.rings = new Map(); // call → the invitation
    this.watched = new Map(); // user → last word
    this.status = null;
    this.answered = new Map(); // call → version of the last own answer
    this.ended = new Map(); // call → the version that ended it: an `ok` of before may come later
    this.early = []; // the last events of calls that it does not know to sit in: the `ok` that says so may come later
  }

  onWelcome(welcome) {
    for (const snapshot of welcome.calls) {
      if (snapshot.rejoin) this.rejoin.set(snapshot.call, snapshot);
      else (this.calls.get(snapshot.call) ?? this.#enter(snapshot.call)).snapshot(snapshot);
    }
    if (welcome.resumed) {
      const there = new Set(welcome.calls.map(({ call }) => call));
      for (const call of this.calls.keys()) if (!there.has(call)) this.calls.delete(call);
      return;
    }
    for (const ring of welcome.pending) this.rings.set(ring.call, ring);
  }

  #enter(call, peer) {
    const view = new CallView({ call, peer });
    this.calls.set(call, view);
    for (const event of this.early.filter((one) => one.call === call)) view.change(event.version, CHANGES[event.type](event));
    return view;
  }

  #own(peer) {
    return [{ peer, user: this.user, device: this.device, state: 'here' }];
  }

  onEvent(event) {
    const { call, version } = event;
    if (event.type === 'presence') return void (this.watched.has(event.user) && this.watched.set(event.user, event));
    // A ring that is older than the own seat was answered by it: its event was overtaken by the `ok`.
    if (event.type === 'call.incoming') return void (version < (this.answered.get(call) ?? 0) || this.rings.set(call, event));
    if (event.type === 'call.cancelled') return void this.rings.delete(call);
    if (event.type === 'call.ended') {
      this.rings.delete(call);
      this.ended.set(call, version);
      return void this.#out(call, version);
    }
    const view = this.calls.get(call);
    if (event.type === 'call.left' && view && event.peer === view.peer && version > view.base) return void this.#out(call, version);
    if (!CHANGES[event.type]) return;
    if (view) view.change(version, CHANGES[event.type](event));
    else this.early = [...this.early, event].slice(-EARLY_MAX);
  }

  /** Out of a call, unless it came back in after that version. */
  #out(call, version) {
    this.rejoin.delete(call);
    if (version === undefined || (this.calls.get(call)?.base ?? 0) < version) this.calls.delete(call);
  }

  /** What an own request changed, when its `ok` is there. */
  onOk(type, fields, ok) {
    const call = ok.call ?? fields.call;
    const view = this.calls.get(call);
    switch (type) {
      case 'call.start':
      case 'offer.post':
        if (ok.glare) this.#sit(call, ok);
        else this.#view(call, ok)?.snapshot({ version: ok.version, members: this.#own(ok.peer), ringing: ringing(ok.reach), locked: false });
        break;
      case 'call.join':
      case 'call.accept':
      case 'offer.take':
        this.#sit(call, ok);
        break;
      case 'call.get':
        // What it was told before must do without help, or nothing would come to light; only what it never knew is taken from here.
        if (view && !fields.probe && view.state.ringing === null) view.snapshot(ok);
        break;
      case 'call.leave':
        this.#out(call);
        break;
      case 'call.reject':
        this.#answer(call, ok.version ?? 0);
        break;
      case 'call.lock':
        view?.change(ok.version, CHANGES['call.locked'](fields));
        break;
      case 'call.remove':
        if (view && fields.peer === view.peer) this.#out(call);
        else view?.change(ok.version, CHANGES['call.left'](fields));
        break;
      case 'call.invite':
        if (ok.reach?.[fields.to] !== 'unreachable') view?.change(ok.version, CHANGES['call.invited']({ user: fields.to }));
        break;
      case 'call.cancel':
        if (fields.to) view?.change(ok.version, CHANGES['call.rejected']({ user: fields.to }));
        else view?.change(ok.version, (state) => state.ringing?.clear());
        break;
      case 'presence.watch':
        for (const one of states(ok.states)) this.watched.set(one.user, one);
        break;
      case 'presence.unwatch':
        for (const user of fields.users) this.watched.delete(user);
        break;
      default:
    }
  }

  /** A ring that began after the own answer goes on: that one was for an earlier ring. */
  #answer(call, version) {
    this.answered.set(call, version);
    if (!(this.rings.get(call)?.version > version)) this.rings.delete(call);
  }

  #sit(call, ok) {
    this.#answer(call, ok.version);
    this.rejoin.delete(call);
    const view = this.#view(call, ok);
    if (ok.members) view?.snapshot(ok);
  }

  /** Where an own `ok` says that it sits: known by a welcome or events already, perhaps, or over by now (undefined). */
  #view(call, ok) {
    if ((this.ended.get(call) ?? 0) > ok.version) return undefined;
    const view = this.calls.get(call) ?? this.#enter(call, ok.peer);
    view.peer = ok.peer;
    return view;
  }
}

/** Who is rung, by the `reach` of a call.start. */
function ringing(reach = {}) {
  return Object.entries(reach).filter(([, how]) => how !== 'unreachable').map(([user]) => user);
}

/** The `states` of a watch: a list, or an object by user. */
export function states(all) {
  return Array.isArray(all) ? all : Object.entries(all).map(([user, state]) => ({ user, ...(typeof state === 'string' ? { status: state } : state) }));
}
