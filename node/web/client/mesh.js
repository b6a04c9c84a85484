// The connections of a call: one to each other member, who offers to whom, and what a member is known to send by it.
import { Peer } from './peer.js';

/** Where an offer that rides on an invitation comes from, and where candidates go until somebody has answered it. */
const STARTER = 1;
const WHOEVER = 0;

export class Mesh {
  #seating;
  #does;
  #media;
  #peers = new Map(); // by member
  #early; // the connection whose offer nobody has answered yet

  /** Of those who sit there. `does`: `send(to, signal)` by the server, `tell(name, ...)` to the app, and `changed()` after it. */
  constructor(seating, does) {
    this.#seating = seating;
    this.#does = does;
  }

  /** What all of them send; before there is one. */
  use(media) {
    this.#media = media;
  }

  /** The offer of this connection is on its way, to whoever answers it. */
  expect(early) {
    this.#early = early;
    early?.open({ send: (signal) => this.#does.send(WHOEVER, signal), here: () => false, changed() {} });
  }

  /** Who sits down among others makes the offers, but to one whose offer came with the seat: `answered` is the connection that has answered it. */
  meet({ members, offer, candidates = [] }, answered) {
    if (!this.#media.RTC) return;
    const maker = this.#seating.at(STARTER);
    if (offer && maker && !maker.me) {
      const peer = this.#link(maker, answered ?? new Peer(this.#media));
      if (!answered) peer.receive({ description: { type: 'offer', sdp: offer } });
      peer.receive({ candidates });
    } else {
      answered?.close();
    }
    // Those who came since offer themselves.
    for (const member of this.#seating.members) if (members.some(({ peer }) => peer === member.peer)) this.#approach(member);
  }

  receive(member, signal) {
    if (!this.#media.RTC) return;
    const type = signal.description?.type;
    if (!this.#peers.has(member) && type === 'answer') {
      // An answer to what was offered before this device came anew can't be taken: the two begin once more.
      if (!this.#early) return this.#approach(member);
      this.#link(member, this.#early);
      this.#early = undefined;
    }
    if (!this.#peers.has(member) && type === 'offer') this.#link(member, new Peer(this.#media));
    this.#peers.get(member)?.receive(signal);
  }

  /** That member is there again: what was not tried while it was away is tried now. */
  resumed(member) {
    this.#peers.get(member)?.restart();
  }

  /** The server has forgotten what was under way. */
  healed() {
    for (const peer of this.#peers.values()) peer.repeat();
    // Of two who did not hear of each other the one with the higher number is the newcomer.
    for (const member of this.#seating.members) if (member.peer < this.#seating.seat) this.#approach(member);
  }

  /** The media send another stream. */
  replace() {
    return Promise.all([...this.#peers.values(), this.#early].map((peer) => peer?.replace()));
  }

  part(member) {
    this.#peers.get(member)?.close();
    this.#peers.delete(member);
    Object.assign(member, { pc: null, stream: null, connection: 'new' });
  }

  partAll() {
    for (const member of this.#peers.keys()) this.part(member);
  }

  /** For good. What members were known to send stays known. */
  close() {
    for (const peer of [...this.#peers.values(), this.#early]) peer?.close();
  }

  #approach(member) {
    if (this.#media.RTC && !member.me && !this.#peers.has(member)) this.#link(member, new Peer(this.#media, true));
  }

  #link(member, peer) {
    this.#peers.set(member, peer);
    member.pc = peer.pc;
    peer.open({
      polite: this.#seating.seat > member.peer,
      here: () => member.state === 'here',
      send: (signal) => this.#does.send(member.peer, signal),
      changed: () => this.#onPeer(member, peer),
    });
    return peer;
  }

  #onPeer(member, { stream, connection }) {
    const { tell, changed } = this.#does;
    if (stream !== member.stream) {
      member.stream = stream;
      tell('stream', member, stream);
    } else if (connection === member.connection) {
      return;
    }
    if (connection !== member.connection) {
      member.connection = connection;
      tell('member', member);
    }
    changed();
  }
}
