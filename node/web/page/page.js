// The page: signing in, who is signed in, links, and what rings.
import { connect } from './client/switchboard.js';
import { Panel } from './call.js';
import { $, list, paint, stamp, text } from './dom.js';
import { note } from './log.js';
import { People } from './people.js';
import { audio, blink, ring, ringback } from './ring.js';
import { farewell, say, sentence, silence, warn } from './say.js';

const PATIENCE_MS = 3000;
const SEATS = 5; // so that more can be invited
const query = new URLSearchParams(location.search);
/** Calls that take the place of another one; all else may go on beside it. */
const REPLACING = ['call', 'room', 'join', 'take', 'answer'];
const BEGINNING = ['call', 'room', 'post'];
const nodes = (query.get('nodes') ?? '').split(',').filter(Boolean);
const urls = [location.origin, ...nodes.map((node) => `${location.protocol}//${node}`)];

/** Of this tab: a reload comes back as whom it was. */
const tab = sessionStorage;

// ---- signing in

/** What is left of a name that may stand in the protocol: "Zoë Müller" is Zoe-Muller. */
function tidy(name) {
  const plain = name.normalize('NFKD').replace(/\p{M}/gu, '').trim();
  return plain.replace(/\s+/g, '-').replace(/[^\w.@:+-]/g, '').slice(0, 64);
}

/** From the address, where a reload would find it. */
function forgetUser() {
  query.delete('user');
  history.replaceState(null, '', location.pathname + (String(query) && `?${query}`) + location.hash);
}

class Refused extends Error {}

async function getToken(user) {
  const answer = await fetch(`/dev/token?user=${encodeURIComponent(user)}`);
  if (answer.ok) return (await answer.json()).token;
  if (answer.status === 404) throw new Refused('This server gives no tokens: it has to be started with --dev.');
  throw new Refused(`The server gives no token: ${(await answer.text()).trim()}`);
}

async function signIn(typed) {
  const user = tidy(typed);
  if (!user) return void warn('That name does not work: use letters and digits.');
  $('sign-in-button').disabled = true;
  const slow = setTimeout(() => say('The server does not answer yet: still trying.'), PATIENCE_MS);
  try {
    let first = await getToken(user); // tells at once what is wrong, where connect() would go on trying
    const client = await connect({
      urls,
      device: tab.getItem('page.device') ?? undefined,
      getToken: () => {
        const token = first ?? getToken(user);
        first = undefined;
        return token;
      },
    });
    tab.setItem('page.user', user);
    if (query.get('user') !== user) forgetUser();
    $('alerts').replaceChildren();
    new Desk(client);
  } catch (error) {
    if (error instanceof Refused) warn(error.message);
    else if (error instanceof TypeError) warn('The server does not answer. Is it running?');
    else warn(sentence(error));
  } finally {
    clearTimeout(slow);
    $('sign-in-button').disabled = false;
  }
}

function showDoor() {
  $('door').hidden = false;
  $('desk').hidden = true;
  const link = pendingLink();
  if (link) text($('door-text'), link.kind === 'room' ? 'You were sent the link to a room. Type your name to sit down in it.' : 'Somebody offers you a call. Type your name to take it.');
  $('name').value = tab.getItem('page.user') ?? query.get('user') ?? '';
  $('name').focus();
}

$('sign-in').onsubmit = (event) => {
  event.preventDefault();
  signIn($('name').value);
};

// ---- links

const LINKS = { room: 'join', offer: 'take' };

function pendingLink() {
  const [, verb, id] = /^#(join|take)=([\w-]+)$/.exec(location.hash) ?? [];
  return id && { kind: verb === 'join' ? 'room' : 'offer', id };
}

/** The page's address without what was done already. */
function forgetLink() {
  history.replaceState(null, '', location.pathname + location.search);
}

function linkUrl(kind, id) {
  return `${location.origin}${location.pathname}${nodes.length ? `?nodes=${nodes}` : ''}#${LINKS[kind]}=${id}`;
}

// ---- signed in

/** All that is there between signing in and out. */
class Desk {
  #panels = new Map(); // call's id → Panel
  #rings = new Map(); // call's id → {call, part}
  #trying = new Set();
  #away; // when the connection was lost
  #ending = new AbortController();
  #silence; // stops the tone that sounds
  #tone;
  #soundAsked = false;

  constructor(client) {
    this.client = client;
    $('door').hidden = true;
    $('desk').hidden = false;
    paint($('my-avatar'), client.user);
    text($('my-name'), client.user);
    this.#followClient();
    this.#wire();
    this.people = new People(client, (name) => this.#call([name]), (state) => this.#drawStatus(state));
    for (const call of client.calls.values()) this.show(call);
    this.#drawLine();
    this.#drawTones();
    this.#followLink();
  }

  #wire() {
    const { client } = this;
    $('call-form').onsubmit = (event) => {
      event.preventDefault();
      const typed = $('call-name').value.split(/[\s,]+/).map(tidy).filter(Boolean);
      if (!typed.length) return $('call-name').focus();
      const names = [...new Set(typed.map((name) => this.people.spelled(name)))];
      if (names.includes(client.user)) return void warn('That is you: call somebody else.');
      if (names.length >= SEATS) return void warn(`Up to ${SEATS - 1} can be called at once.`);
      this.#call(names);
      $('call-name').value = '';
    };
    $('start-room').onclick = () => this.#begin('room', '', (options) => client.room(options));
    $('post-offer').onclick = () => this.#begin('post', '', (options) => client.post(options));
    $('my-status').onchange = (event) => this.attempt('status', '', () => client.setStatus(event.target.value));
    $('cut').onclick = () => client.cut();
    $('sign-out').onclick = () => {
      tab.removeItem('page.user');
      forgetUser();
      for (const panel of this.#panels.values()) panel.leaving = true;
      client.close().catch(() => {});
    };
    const { signal } = this.#ending;
    addEventListener('hashchange', () => this.#followLink(), { signal });
    addEventListener('online', () => this.#drawLine(), { signal });
    addEventListener('offline', () => this.#drawLine(), { signal });
    document.addEventListener('keydown', (event) => this.#key(event), { signal });
  }

  #followClient() {
    const { client } = this;
    client.on('frame', note);
    client.on('incoming', (call) => this.show(call));
    client.on('rejoin', (call) => this.show(call));
    client.on('state', (state) => {
      if (state === 'away') {
        this.#away ??= performance.now();
        setTimeout(() => client.state === 'away' && say('The connection to the server is lost. It comes back by itself; calls go on meanwhile.'), PATIENCE_MS);
      }
      this.#drawLine();
    });
    client.on('resumed', () => this.#back(`Back ${this.#pause()} on node ${client.server.node}: nothing was missed.`));
    client.on('reset', () => this.#back(`Back ${this.#pause()} with a new session: the old one had ended.`));
    client.on('closed', (why) => this.#close(why));
  }

  #pause() {
    return this.#away === undefined ? 'again' : `after ${((performance.now() - this.#away) / 1000).toFixed(1)} s`;
  }

  #back(sentence) {
    say(sentence);
    this.#away = undefined;
    this.#drawLine();
  }

  #close(why) {
    this.#ending.abort();
    this.people.stop();
    for (const id of [...this.#rings.keys()]) this.#dropRing(id);
    for (const { root } of this.#panels.values()) root.remove();
    this.#panels.clear();
    this.#drawTones();
    // Who comes again after another tab took the place is another device: the two would take it from each other for ever.
    if (why.reason === 'superseded') tab.setItem('page.device', `page-${crypto.getRandomValues(new Uint32Array(2)).join('-')}`);
    showDoor();
    const sentence = farewell(why);
    if (sentence) warn(sentence);
  }

  // ---- what others ask of it

  /** Carries out `run(options)`. What goes wrong is said; without a microphone one may go on listening. Gives what `run` gave, or undefined. */
  async attempt(tried, who, run, options = {}) {
    try {
      return (await run(options)) ?? true;
    } catch (error) {
      const deaf = error.code?.startsWith('microphone_') && options.stream === undefined;
      warn(sentence(error, tried, who), deaf ? { name: 'Listen only', run: () => this.#begin(tried, who, run, { stream: null }) } : undefined);
      if (!deaf && (tried === 'join' || tried === 'take')) forgetLink();
      return undefined;
    }
  }

  /** As attempt(), of what gives a call: it is shown. */
  async #begin(tried, who, run, options) {
    const what = `${tried} ${who}`;
    if (this.#trying.has(what)) return; // a double click
    $('alerts').replaceChildren();
    // It would begin once the connection is back, when nobody thinks of it any more.
    if (BEGINNING.includes(tried) && this.client.state === 'away') return void warn('The connection to the server is lost. Try again when it is back.');
    this.#trying.add(what);
    const call = await this.attempt(tried, who, run, options);
    this.#trying.delete(what);
    if (!call || call.state === 'ended') return;
    const kind = { room: 'room', join: 'room', post: 'offer' }[tried];
    if (kind) tab.setItem(`page.${call.id}`, kind);
    if (tried === 'join' || tried === 'take') forgetLink();
    for (const panel of REPLACING.includes(tried) ? this.#panels.values() : [])
      if (panel.call.id !== call.id && ['active', 'ringing'].includes(panel.call.state)) panel.hangUp('replaced');
    this.show(call);
  }

  #call(names) {
    const who = list(names);
    this.#begin('call', who, async (options) => {
      const call = await this.client.call(names, { seats: SEATS, ...options });
      const missing = names.filter((name) => !call.ringing.has(name) && !call.members.some(({ user }) => user === name));
      if (missing.length) say(`Not here now: ${list(missing)}.`);
      return call;
    });
  }

  /** Shows a call as what it is now. */
  show(call) {
    if (call.state === 'incoming') return this.#ring(call);
    if (call.state === 'rejoin') {
      if (tab.getItem(`page.muted.${call.id}`)) call.mute();
      return void this.#begin('rejoin', call.id, (options) => call.rejoin(options));
    }
    if (call.state === 'ended' || this.#panels.has(call.id)) return;
    const panel = new Panel(call, this);
    this.#panels.set(call.id, panel);
    $('calls').append(panel.root);
    panel.root.scrollIntoView({ block: 'nearest' });
    this.#drawTones();
  }

  gone(panel) {
    this.#panels.delete(panel.call.id);
    for (const key of ['page', 'page.muted']) tab.removeItem(`${key}.${panel.call.id}`);
    this.#drawTones();
  }

  changed() {
    this.#drawTones();
  }

  /** A microphone that was closed stays so when the page is reloaded. */
  keepMuted({ id, muted }) {
    if (muted) tab.setItem(`page.muted.${id}`, 'yes');
    else tab.removeItem(`page.muted.${id}`);
  }

  spelled(name) {
    return this.people.spelled(tidy(name));
  }

  there() {
    return this.people.there();
  }

  linkTo({ id }) {
    const kind = tab.getItem(`page.${id}`);
    return kind ? { kind, url: linkUrl(kind, id) } : undefined;
  }

  async hasTurn() {
    const servers = await this.client.iceServers().catch(() => []);
    return servers.flatMap(({ urls: all }) => all).some((url) => url.startsWith('turn'));
  }

  askForSound() {
    if (this.#soundAsked) return;
    this.#soundAsked = true;
    const run = () => {
      this.#soundAsked = false;
      audio();
      for (const one of document.querySelectorAll('audio')) one.play().catch(() => {});
    };
    warn('The browser keeps the sound off until you ask for it.', { name: 'Turn the sound on', run });
  }

  #followLink() {
    const link = pendingLink();
    if (!link) return;
    if (this.client.calls.has(link.id)) return forgetLink(); // it comes back by itself
    if (link.kind === 'room') this.#begin('join', '', (options) => this.client.join(link.id, options));
    else this.#begin('take', '', (options) => this.client.take(link.id, options));
  }

  // ---- ringing

  #ring(call) {
    if (this.#rings.has(call.id)) return;
    const part = stamp('t-ring');
    const { name, user } = call.from;
    paint(part.avatar, name);
    text(part.name, name);
    part.root.ariaLabel = `${name} is calling`;
    const busy = call.inCall || [...this.#panels.values()].some((panel) => panel.call.state === 'active');
    text(part.text, busy ? 'You are in a call: to answer ends it.' : name === user ? '' : user);
    part.answer.onclick = () => this.#begin('answer', name, (options) => call.accept(options));
    part.decline.onclick = () => this.attempt('decline', name, () => call.reject());
    part.ignore.onclick = () => call.ignore();
    this.#rings.set(call.id, { call, part });
    call.on('change', () => this.#ringChanged(call));
    call.on('ended', (reason) => {
      const sentence = this.client.state !== 'closed' && silence(reason, name);
      if (sentence && this.#rings.has(call.id)) say(sentence);
      this.#dropRing(call.id);
    });
    $('rings').append(part.root);
    if (!document.activeElement || document.activeElement === document.body) part.answer.focus();
    this.#drawTones();
  }

  #ringChanged(call) {
    if (call.state === 'incoming' || call.state === 'ended') return;
    const focused = this.#rings.get(call.id)?.part.root.contains(document.activeElement);
    this.#dropRing(call.id);
    this.show(call);
    if (focused) this.#panels.get(call.id)?.part.mute.focus({ preventScroll: true });
  }

  #dropRing(id) {
    this.#rings.get(id)?.part.root.remove();
    this.#rings.delete(id);
    this.#drawTones();
  }

  /** Enter answers and Escape declines, unless the key is for something that has the focus. */
  #key(event) {
    const [first] = this.#rings.values();
    if (!first || event.defaultPrevented || event.repeat) return;
    if (event.key === 'Enter' && !event.target.closest('input, select, button, summary, a')) first.part.answer.click();
    if (event.key === 'Escape' && !event.target.closest('input, select')) first.part.decline.click();
  }

  // ---- drawing

  #drawTones() {
    const [first] = this.#rings.values();
    const heardThere = ({ call }) => call.state === 'ringing' && [...call.ringing.values()].some((state) => state === 'ringing' || state === 'alerting');
    const tone = first ? ring : [...this.#panels.values()].some(heardThere) ? ringback : undefined;
    if (tone !== this.#tone) {
      this.#silence?.();
      this.#silence = tone?.();
      this.#tone = tone;
    }
    const who = first?.call.from.name;
    if (this.#caller !== who) blink(who);
    this.#caller = who;
    $('idle').hidden = Boolean(first) || this.#panels.size > 0;
  }
  #caller;

  #drawLine() {
    const { client } = this;
    const state = client.state === 'away' && !navigator.onLine ? 'offline' : client.state;
    const words = { connecting: 'connecting', online: 'online', away: 'reconnecting', offline: 'offline', closed: 'signed out' }[state];
    $('line').dataset.state = state;
    text($('line-state'), words);
    text($('line-node'), `node ${client.server.node}`);
    text($('fact-state'), words);
    text($('fact-node'), client.server.node);
    text($('fact-session'), client.session);
    text($('fact-device'), client.device);
    text($('fact-user'), client.user);
    text($('fact-version'), client.server.version);
  }

  #drawStatus({ status }) {
    if (document.activeElement !== $('my-status')) $('my-status').value = status === 'offline' ? 'invisible' : status;
    $('my-avatar').dataset.status = status;
  }
}

const known = query.get('user') ?? tab.getItem('page.user');
showDoor();
if (known) {
  $('name').value = known;
  signIn(known);
}
