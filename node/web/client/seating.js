// Who sits in a call, who is being rung, and what else the server says of it: its newest picture, and what events have changed since.
// `part(member)` takes the connection to a member away, before the app is told of what it lost; `tell(name, ...)` does that.
export class Seating {
  #part;
  #tell;
  #members = new Map(); // by seat
  #stream; // what the own member sends
  /** Number of the own seat. */
  seat;
  /** Of the last picture or event: older ones say nothing new. */
  version = 0;
  ringing = new Map();
  locked = false;
  privacy = null;
  seats;
  starter;

  constructor(part, tell) {
    this.#part = part;
    this.#tell = tell;
  }

  get members() {
    return [...this.#members.values()].sort((a, b) => a.peer - b.peer);
  }

  get me() {
    return this.#members.get(this.seat) ?? null;
  }

  at(seat) {
    return this.#members.get(seat);
  }

  /** On a seat that became free somebody else may sit by now. */
  has(member) {
    return this.#members.get(member.peer) === member;
  }

  /** This device sits down and sends that stream, or has done so again: `afresh` if it only looked on before. */
  sit(seat, stream, picture, afresh) {
    if (afresh) this.#members.clear();
    this.seat = seat;
    this.#stream = stream;
    this.draw(picture, afresh);
  }

  /** Another stream. */
  send(stream) {
    this.#stream = stream;
    this.me.stream = stream;
    this.#tell('member', this.me);
  }

  /** Makes it what this picture of the server's says. `silently`: the app is told of the whole, not of each. */
  draw(picture, silently) {
    if (!picture || picture.version < this.version) return;
    const { version, members, ringing = [], reach = {}, seats = this.seats, starter, locked = this.locked, privacy = this.privacy } = picture;
    Object.assign(this, { version, seats, starter, privacy });
    for (const member of this.members) {
      const now = members.find(({ peer }) => peer === member.peer);
      if (now?.user !== member.user || now.device !== member.device) this.lose(member, 'lost');
    }
    for (const one of members) {
      const known = this.#members.get(one.peer);
      if (known) this.#setState(known, one.state);
      else this.#add(one, silently);
    }
    this.ringing = new Map(ringing.map((user) => [user, this.ringing.get(user) ?? reach[user] ?? 'ringing']));
    if (silently) this.locked = locked;
    else this.lock(locked);
  }

  /** What an event changes. */
  follow({ type, peer, user, reason, ...frame }) {
    const member = this.#members.get(peer);
    if (type === 'call.joined') return this.#add({ ...frame, peer, user });
    if (peer && !member) return undefined;
    switch (type) {
      case 'call.left':
        return this.lose(member, reason);
      case 'call.rejoined':
        this.#part(member);
        member.state = 'here';
        return this.#tell('member', member);
      case 'call.suspended':
        return this.#setState(member, 'suspended');
      case 'call.resumed':
        return this.#setState(member, 'here');
      case 'call.invited':
        this.ringing.set(user, 'ringing');
        return this.#tell('invited', user, frame.from);
      case 'call.ringing':
        this.ringing.set(user, 'alerting');
        return this.#tell('ringing', user);
      case 'call.rejected':
        this.ringing.delete(user);
        return this.#tell('rejected', user, reason);
      case 'call.locked':
        return this.lock(frame.locked);
      default:
        return undefined;
    }
  }

  lose(member, reason) {
    if (!member) return;
    this.#members.delete(member.peer);
    this.#part(member);
    this.#tell('left', member, reason);
  }

  lock(locked) {
    if (this.locked === locked) return;
    this.locked = locked;
    this.#tell('locked', locked);
  }

  #add({ peer, user, device, name, state = 'here' }, silently) {
    const me = peer === this.seat;
    const member = { peer, user, device, name, me, state, connection: 'new', stream: me ? this.#stream : null, pc: null };
    this.#members.set(peer, member);
    this.ringing.delete(user);
    if (!silently) this.#tell('joined', member);
  }

  #setState(member, state) {
    if (member.state === state) return;
    member.state = state;
    this.#tell('member', member);
  }
}
