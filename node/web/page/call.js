// One call as the page shows it: who sits in it, how their media goes, and what can be done.
import { list, paint, stamp, text } from './dom.js';
import { heard, listenTo, way } from './meters.js';
import { came, went } from './ring.js';
import { ending, say, warn } from './say.js';

const LEVEL_MS = 100;
const FALL = 0.8;
const WAY_MS = 1000;
const MAX_THERE = 8; // names that are offered to invite
/** No way was found for so long: more would be luck. */
const PATIENCE_MS = 15_000;

const MEDIA = { new: 'connecting', connecting: 'connecting', connected: 'connected', disconnected: 'interrupted', failed: 'no way found' };
const GUEST = { waiting: 'not here yet', ringing: 'being rung', pushed: 'being woken', alerting: 'ringing' };
const GONE = { rejected: 'declined', busy: 'is busy', timeout: 'did not answer' };
const LEFT = { lost: 'was away for too long and left', removed: 'was removed' };

/** A member's card. */
class Card {
  constructor(member, panel) {
    this.panel = panel;
    this.part = stamp('t-member');
    this.since = performance.now();
    this.exact = 0; // how loud, and what the meter shows of it
    this.shown = 0;
    paint(this.part.avatar, member.name);
    text(this.part.name, member.name);
    this.part.root.ariaLabel = member.name;
    this.part.root.title = `${member.user} at ${member.device}`;
    this.part.you.hidden = !member.me;
    this.part.remove.ariaLabel = `Remove ${member.name}`;
    this.part.remove.title = `Remove ${member.name}`;
    this.part.remove.onclick = () => panel.desk.attempt('remove', member.name, () => panel.call.remove(this.member));
    this.draw(member);
  }

  draw(member) {
    const { call, desk } = this.panel;
    const { part } = this;
    this.member = member;
    part.root.dataset.state = member.state;
    part.suspended.hidden = member.state !== 'suspended';
    part.muted.hidden = !(member.me ? call.muted : this.muted);
    part.remove.hidden = member.me || call.starter !== desk.client.user || call.members.length < 3; // of two, one hangs up
    part.facts.hidden = member.me;
    if (member.me) return;
    part.root.dataset.connection = member.connection;
    text(part.connection, MEDIA[member.connection] ?? member.connection);
    this.listen(member.stream);
    this.judge(member.connection);
  }

  listen(stream) {
    const { audio } = this.part;
    if (!stream || audio.srcObject === stream) return;
    audio.srcObject = stream;
    audio.play().catch((error) => error.name === 'NotAllowedError' && this.panel.desk.askForSound());
  }

  /** Says once in words what a connection that fails means. */
  judge(connection) {
    if (connection === 'connected') this.connected = true;
    if (connection === 'connected' || this.panel.call.state === 'ended') {
      this.forgive?.();
      this.forgive = undefined;
      return;
    }
    const late = !this.connected && this.member.pc && this.member.state === 'here' && performance.now() - this.since > PATIENCE_MS;
    if (!(connection === 'failed' || late) || this.forgive) return;
    this.forgive = () => {};
    this.panel.desk.hasTurn().then((turn) => {
      if (!this.forgive) return;
      const { name } = this.member;
      if (this.connected) this.forgive = warn(`The sound between you and ${name} broke off. Another way is being looked for.`);
      else if (turn) this.forgive = warn(`No way to ${name} was found, not even through the TURN server. It is being tried again.`);
      else this.forgive = warn(`No direct way to ${name} was found: a TURN server would help. It is being tried again.`);
    });
  }

  /** Up at once and down slowly, as meters do; nothing is drawn that would look the same. */
  level(level) {
    this.exact = Math.max(level, this.exact * FALL - 0.01);
    const shown = Math.round(this.exact * 50) / 50;
    if (shown === this.shown) return;
    this.shown = shown;
    this.part.bar.style.transform = `scaleX(${shown})`;
    this.part.halo.style.transform = `scale(${1 + shown * 0.32})`;
  }

  /** Each second: what is too slow or too costly for more. */
  async look() {
    const { part, member } = this;
    part.meter.ariaValueNow = String(Math.round(100 * this.shown));
    if (member.me || !member.pc) return;
    this.judge(member.connection);
    const { route, rtt } = member.connection === 'connected' ? await way(member.pc).catch(() => ({})) : {};
    part.root.dataset.route = route ?? '';
    text(part.route, route ?? '');
    text(part.rtt, rtt === undefined ? '' : `${rtt < 1 ? '< 1' : Math.round(rtt)} ms`);
    part.route.title = { host: 'straight, by addresses of their own', reflexive: 'straight, through a NAT', relay: 'through a TURN server' }[route] ?? '';
    part.rtt.title = 'round-trip time';
  }

  close() {
    this.forgive?.();
    this.forgive = undefined; // what is asked still says nothing of one who is gone
    this.part.audio.srcObject = null;
    this.part.root.remove();
  }
}

export class Panel {
  #timers = [];
  #cards = new Map(); // seat → Card
  #guests = new Map(); // user → parts of a card
  #others = '';

  /** `desk`: {client, attempt, askForSound, hasTurn, linkTo(call), keepMuted(call), spelled(name), there(), changed(), gone(panel)}. */
  constructor(call, desk) {
    this.call = call;
    this.desk = desk;
    this.part = stamp('t-call');
    this.root = this.part.root;
    this.#wire();
    this.#follow();
    this.#timers.push(setInterval(() => this.#levels(), LEVEL_MS), setInterval(() => this.#look(), WAY_MS));
    this.draw();
  }

  #wire() {
    const { part, call, desk } = this;
    part.mute.onclick = () => {
      call.mute(!call.muted);
      desk.keepMuted(call);
      call.send({ muted: call.muted }).catch(() => {});
      this.draw();
    };
    part.end.onclick = () => this.hangUp();
    part.lock.onclick = () => desk.attempt('lock', '', () => call.lock(!call.locked));
    part.invite.onclick = () => this.#invite(part.inviting.hidden);
    part.inviting.onsubmit = (event) => {
      event.preventDefault();
      this.#ring(desk.spelled(part.invitee.value));
    };
    part.inviting.onkeydown = (event) => {
      if (event.key === 'Escape') this.#invite(false);
    };
    part.share.onsubmit = async (event) => {
      event.preventDefault();
      part.link.select();
      await navigator.clipboard.writeText(part.link.value).then(
        () => say('The link is copied: send it to somebody.'),
        () => say('The link is marked: copy it from there.'),
      );
    };
    part.link.onfocus = () => part.link.select();
  }

  #follow() {
    const { call } = this;
    call.on('change', () => this.draw());
    call.on('joined', (member) => {
      if (member.me) return;
      say(`${member.name} joined.`);
      came();
    });
    call.on('left', (member, reason) => {
      if (member.me) return;
      went();
      // Of two, the end says it; a room has none.
      if (call.members.length > 1 || this.desk.linkTo(call)?.kind === 'room') say(`${member.name} ${LEFT[reason] ?? 'left'}.`);
    });
    call.on('rejected', (user, reason) => GONE[reason] && say(`${user} ${GONE[reason]}.`));
    call.on('data', (member, data) => {
      const card = this.#cards.get(member.peer);
      if (!card || typeof data?.muted !== 'boolean') return;
      card.muted = data.muted;
      card.draw(card.member);
      if (data.asks && call.muted) call.send({ muted: true }, member).catch(() => {});
    });
    // Who comes, or comes anew, says how it is and asks the others.
    if (call.members.length > 1) call.send({ muted: call.muted, asks: true }).catch(() => {});
    call.on('ended', (reason) => this.#end(reason));
  }

  hangUp(reason) {
    this.leaving = true;
    this.call.hangup(reason).catch(() => {});
  }

  #end(reason) {
    this.#timers.forEach(clearInterval);
    this.#mic?.stop();
    for (const card of this.#cards.values()) card.close();
    const sentence = !this.leaving && this.desk.client.state !== 'closed' && ending(reason, this.#others);
    if (sentence) {
      say(sentence);
      went();
    }
    this.root.remove();
    this.desk.gone(this);
  }

  #ring(name) {
    this.#invite(false);
    this.desk.attempt('invite', name, () => this.call.invite(name));
  }

  /** Who could be invited by a click. */
  #drawThere() {
    const { call, desk, part } = this;
    const taken = [...call.ringing.keys(), ...call.members.map(({ user }) => user)];
    const names = desk.there().filter((name) => !taken.includes(name)).slice(0, MAX_THERE);
    part.there.replaceChildren(
      ...names.map((name) => {
        const button = Object.assign(document.createElement('button'), { type: 'button', className: 'small', textContent: name, ariaLabel: `Ring ${name}` });
        button.onclick = () => this.#ring(name);
        return button;
      }),
    );
  }

  #invite(open) {
    const { part } = this;
    part.inviting.hidden = !open;
    part.invite.ariaExpanded = String(open);
    part.invitee.value = '';
    if (open) this.#drawThere();
    (open ? part.invitee : part.invite).focus();
  }

  draw() {
    const { call, part } = this;
    if (call.state === 'ended') return;
    const names = call.members.filter((member) => !member.me).map((member) => member.name);
    const rung = [...call.ringing.keys()];
    const link = this.desk.linkTo(call);
    if (names.length || rung.length) this.#others = list(names.length ? names : rung);
    else this.#others ||= call.from?.name ?? 'them';
    text(part.title, this.#title(names, rung, link?.kind));
    this.root.ariaLabel = part.title.textContent;
    text(part.state, this.#state(link?.kind));
    if (call.state === 'active') this.active ??= performance.now();
    this.root.dataset.state = call.state;
    this.#drawSeats();
    part.share.hidden = !link || (link.kind === 'offer' && call.state !== 'waiting');
    if (link && part.link.value !== link.url) part.link.value = link.url;
    part.link.ariaLabel = `Link to this ${link?.kind}`;
    part.mute.ariaPressed = String(call.muted);
    part.mute.disabled = !call.stream;
    part.mic.setAttribute('href', call.muted ? '#i-off' : '#i-mic');
    const kept = link?.kind === 'offer' && call.state === 'waiting' ? 1 : 0; // for who takes it
    part.invite.disabled = call.members.length + rung.length + kept >= call.seats;
    part.lock.hidden = call.starter !== this.desk.client.user || link?.kind !== 'room';
    part.lock.ariaPressed = String(call.locked);
    this.desk.changed();
  }

  #title(names, rung, kind) {
    if (names.length) return list(names);
    if (rung.length) return `Calling ${list(rung)}`;
    return { room: 'Your room', offer: 'Your offer' }[kind] ?? 'Call';
  }

  #state(kind) {
    const { call } = this;
    if (call.state === 'ringing') return list([...call.ringing.values()].map((state) => GUEST[state] ?? state));
    if (call.state === 'waiting') return kind === 'offer' ? 'The first to open this link is connected to you.' : 'Nobody else is here yet: send the link.';
    return [`${call.members.length} of ${call.seats} seats`, call.locked && 'locked', call.privacy && 'relay only'].filter(Boolean).join(' · ');
  }

  #drawSeats() {
    const { call, part } = this;
    for (const [peer, card] of this.#cards) {
      const member = call.members.find((one) => one.peer === peer);
      if (member?.user === card.member.user && member.device === card.member.device) continue;
      card.close();
      this.#cards.delete(peer);
    }
    for (const member of call.members) {
      if (this.#cards.has(member.peer)) this.#cards.get(member.peer).draw(member);
      else this.#cards.set(member.peer, new Card(member, this));
    }
    for (const [user, guest] of this.#guests) {
      if (call.ringing.has(user)) continue;
      guest.root.remove();
      this.#guests.delete(user);
    }
    for (const [user, state] of call.ringing) {
      if (!this.#guests.has(user)) this.#guests.set(user, this.#guest(user));
      text(this.#guests.get(user).text, GUEST[state] ?? state);
    }
    const seats = [...this.#cards].sort(([a], [b]) => a - b).map(([, card]) => card.part.root);
    [...seats, ...[...this.#guests.values()].map(({ root }) => root)].forEach((card, i) => {
      if (part.members.children[i] !== card) part.members.insertBefore(card, part.members.children[i] ?? null);
    });
    part.members.dataset.count = part.members.childElementCount;
  }

  #guest(user) {
    const guest = stamp('t-guest');
    paint(guest.avatar, user);
    text(guest.name, user);
    guest.root.ariaLabel = `${user}, ringing`;
    guest.cancel.ariaLabel = `Cancel ${user}`;
    guest.cancel.title = 'Stop ringing';
    guest.cancel.onclick = () => this.desk.attempt('cancel', user, () => this.call.cancel(user));
    return guest;
  }

  #mic;
  #levels() {
    const { call } = this;
    if (this.#mic?.stream !== call.stream) {
      this.#mic?.stop();
      this.#mic = Object.assign(listenTo(call.stream) ?? Object.assign(() => 0, { stop() {} }), { stream: call.stream });
    }
    for (const card of this.#cards.values()) card.level(card.member.me ? this.#mic() : card.member.pc ? heard(card.member.pc) : 0);
  }

  #look() {
    for (const card of this.#cards.values()) card.look();
    const seconds = this.active === undefined ? undefined : Math.floor((performance.now() - this.active) / 1000);
    const two = (n) => String(n).padStart(2, '0');
    text(this.part.time, seconds === undefined ? '' : ` · ${two(Math.floor(seconds / 60))}:${two(seconds % 60)}`);
  }
}
