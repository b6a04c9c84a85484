// Many people in many calls, on all nodes of a cluster, and what must hold of them whatever breaks: every request is answered once, every signal arrives once
// and in order, no call and no seat is lost, and in the end all see what Redis has.
import assert from 'node:assert/strict';
import { fresh } from './client.mjs';
import { LeanClient, seatsText } from './lean.mjs';
import { stretched, until, within } from './wait.mjs';

const SEATED = 4; // in each call
const AT_ONCE = 64; // steps of the setting-up under way
const TICK_MS = 20;
const WAITING_MAX = 6; // requests of one client
const PER_CLIENT_S = 0.6; // requests that each makes in a second
const LONG_MS = stretched(60_000);

/** Full size, or what a sanitizer build manages. TEST_CROWD says otherwise: how many calls. */
export const CALLS = Number(process.env.TEST_CROWD ?? (process.env.TEST_SLOW ? 100 : 500));

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function seeded(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Runs `step` for each item, not all at once. */
async function each(items, step, atOnce = AT_ONCE) {
  const rest = items.values();
  const work = async () => {
    for (const item of rest) await step(item);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

/** What one heard of a call, and what another did, as text. */
function story(call, one) {
  const other = call.members.find((member) => member !== one && !member.gone);
  const heard = (client) => client.heard.slice(-6).map(({ type, version, peer }) => `${type} ${peer} at ${version}`).join(', ');
  return `${one.user} heard ${heard(one)} and came back ${one.count.resumes} times, ${other.user} heard ${heard(other)}`;
}

class Crowd {
  #random;
  #signals = []; // by number: {from, to, answer, got}
  #last = new Map(); // "sender receiver" → the last signal's number
  #load;

  constructor(cluster, { calls, seed, say, moves }) {
    Object.assign(this, { cluster, say, moves });
    this.faults = [];
    this.dead = new Set(); // users who never come back
    this.settled = new Set(); // calls in which nobody goes in and out
    this.#random = seeded(seed);
    const { nodes } = cluster;
    this.clients = Array.from({ length: calls * SEATED }, (_, i) => this.#client(i));
    this.calls = Array.from({ length: calls }, (_, i) => ({ members: this.clients.slice(i * SEATED, (i + 1) * SEATED) }));
    this.nodeOf = (i) => nodes[i % nodes.length];
  }

  #client(i) {
    const choose = (not) => this.#pick(this.cluster.nodes.filter((node) => node !== not)) ?? not;
    const onSignal = (client, data) => this.#onSignal(client, data);
    const client = new LeanClient({ user: fresh('c'), format: i % 4 === 3 ? 'msgpack' : 'json', choose, random: this.#random, faults: this.faults, onSignal });
    return Object.assign(client, { index: i, sent: 0 });
  }

  #pick(list) {
    return list[Math.floor(this.#random() * list.length)];
  }

  #fault(text) {
    if (this.faults.length < 50) this.faults.push(text);
  }

  get alive() {
    return this.clients.filter(({ gone }) => !gone);
  }

  // ---- setting up ----

  /** All come in, and sit down in their calls. */
  async gather() {
    const began = Date.now();
    await within(each(this.clients, (client) => client.start(this.nodeOf(client.index))), 'everybody to come in', LONG_MS);
    await within(each(this.calls, (call) => this.#seat(call)), 'everybody to sit down', LONG_MS);
    await this.agree();
    this.say(`${this.clients.length} clients in ${this.calls.length} calls on ${this.cluster.nodes.length} nodes within ${Date.now() - began} ms`);
  }

  /** One call: half of them are open rooms, in the other half the first rings the others. The only place that knows how a call comes about. */
  async #seat(call) {
    const [starter, ...others] = call.members;
    const rings = this.calls.indexOf(call) % 2 === 0;
    const started = await starter.ask('call.start', rings ? { to: others.map(({ user }) => user) } : { to: [], allow: 'anyone' });
    assert.equal(started.type, 'ok', JSON.stringify(started));
    call.id = started.call;
    for (const other of others) {
      const seated = await other.ask(rings ? 'call.accept' : 'call.join', { call: call.id });
      assert.equal(seated.type, 'ok', JSON.stringify(seated));
    }
  }

  // ---- the load ----

  /** From now on all talk, look and go in and out, at random and in bounds. */
  startLoad() {
    let due = 0;
    this.loadBegan = Date.now();
    this.#load = setInterval(() => {
      due = Math.min(due + (this.clients.length * PER_CLIENT_S * TICK_MS) / 1000, 200);
      for (; due >= 1; due -= 1) this.#act(this.#pick(this.clients));
    }, TICK_MS);
  }

  #act(client) {
    if (client.gone || !client.call || client.moving || client.waiting >= WAITING_MAX) return;
    const dice = this.#random();
    const call = this.calls[Math.floor(client.index / SEATED)];
    if (dice < 0.8) this.#talk(client);
    else if (dice < 0.88) this.#look(client);
    else if (dice < 0.93 || client.waiting > 0 || call.moving || !this.moves || this.settled.has(call)) client.ask('ping');
    else this.#goOutAndIn(client, call);
  }

  async #talk(client) {
    const others = [...client.view.members].filter(([, { user }]) => user !== client.user);
    const [peer, { user }] = this.#pick(others) ?? [0, {}];
    if (!peer) return;
    const signal = { from: client, to: user, got: 0 };
    const n = this.#signals.push(signal) - 1;
    const reply = await client.ask('signal', { call: client.call, to: peer, data: { n, pad: 'x'.repeat(this.#random() * 300) } });
    signal.answer = reply.type === 'ok' ? 'ok' : reply.code;
    // Whom it names may have left meanwhile; nothing else is a reason.
    if (reply.type !== 'ok' && reply.code !== 'not_found') this.#fault(`${client.user}: a signal was refused: ${JSON.stringify(reply)}`);
  }

  #onSignal(client, { n }) {
    const signal = this.#signals[n];
    if (!signal) return this.#fault(`${client.user} heard what nobody said: ${n}`);
    signal.got += 1;
    const pair = `${signal.from.index} ${client.index}`;
    // One that is said again after `unavailable` comes behind others.
    if (n < (this.#last.get(pair) ?? -1) && signal.from.count.unavailable === 0) this.#fault(`${client.user} heard signal ${n} of ${signal.from.user} after ${this.#last.get(pair)}`);
    this.#last.set(pair, n);
    return undefined;
  }

  async #look(client) {
    const reply = await client.ask('call.get', { call: client.call });
    if (reply.type !== 'ok') this.#fault(`${client.user}: call.get: ${JSON.stringify(reply)}`);
    else if (reply.version === client.view?.version && seatsText(reply.members) !== client.view.seats())
      this.#fault(`${client.user} sees at version ${reply.version} ${client.view.seats()}, Redis has ${seatsText(reply.members)}`);
  }

  /** One of a call at a time, so that it never ends. */
  async #goOutAndIn(client, call) {
    call.moving = client;
    client.moving = true;
    const left = await client.ask('call.leave', { call: call.id });
    const joined = await client.ask('call.join', { call: call.id });
    if (left.type !== 'ok' || joined.type !== 'ok') this.#fault(`${client.user} went out and in: ${JSON.stringify([left, joined])}`);
    client.moving = false;
    call.moving = undefined;
  }

  /** A while of load that is answered as it should be: as many requests as there are clients. */
  async talked() {
    const { answered } = this;
    await until(() => this.answered - answered > this.clients.length, () => `everybody to talk; ${this.answered - answered} requests were answered`, LONG_MS);
  }

  #sum(of) {
    return this.clients.reduce((total, { count }) => total + of(count), 0);
  }

  get answered() {
    return this.#sum(({ ok }) => ok);
  }

  get unavailable() {
    return this.#sum(({ unavailable }) => unavailable);
  }

  get resumes() {
    return this.#sum(({ resumes }) => resumes);
  }

  /** All fall silent; every request must be answered. */
  async stopLoad() {
    clearInterval(this.#load);
    const busy = () => this.alive.filter(({ up, waiting, moving }) => !up || waiting > 0 || moving);
    const told = () => busy().slice(0, 3).map((one) => `${one.user} at ${one.node.name} ${one.up ? 'up' : `down (${one.lastClose})`}: ${one.oldest}`);
    await until(() => busy().length === 0, () => `all requests to be answered; ${busy().length} wait: ${told().join('; ')}`, LONG_MS);
    this.say(this.sums());
  }

  sums() {
    const errors = {};
    for (const { count } of this.clients) for (const [code, n] of Object.entries(count.errors)) errors[code] = (errors[code] ?? 0) + n;
    const got = this.#signals.reduce((total, one) => total + one.got, 0);
    return `${this.#sum(({ requests }) => requests)} requests (${this.answered} ok, errors ${JSON.stringify(errors)}, ${this.unavailable} times unavailable), ` +
      `${this.#signals.length} signals, ${got} arrived, ${this.resumes} resumes, ${((Date.now() - this.loadBegan) / 1000).toFixed(1)} s of load`;
  }

  // ---- what must hold ----

  /** Everybody who lives is connected. */
  async connected(ms = LONG_MS) {
    const down = () => this.alive.filter(({ up }) => !up);
    await until(() => down().length === 0, () => `everybody to be back; ${down().length} are not, the first is ${down()[0].user}, closed with ${down()[0].lastClose}`, ms);
  }

  /** Nobody's session was lost. */
  checkSessions() {
    const lost = this.alive.filter(({ lostSession }) => lostSession);
    assert.equal(lost.length, 0, `${lost.length} sessions were lost, the first is ${lost[0]?.user}'s`);
  }

  /** What happened so far to signals and answers does not count: Redis lost what it had. */
  forgive() {
    for (const signal of this.#signals) signal.forgiven = true;
    this.faults.length = 0;
  }

  /** After stopLoad(): what was said has arrived, once; nobody saw anything that the contract forbids. */
  async checkSignals() {
    const missing = () => this.#signals.filter(({ answer, got, to, forgiven }) => answer === 'ok' && got === 0 && !forgiven && !this.dead.has(to));
    const first = () => JSON.stringify(missing().slice(0, 3).map(({ from, to }) => `${from.user} to ${to}`));
    await until(() => missing().length === 0, () => `${missing().length} signals to arrive: ${first()}`, LONG_MS);
    const twice = this.#signals.filter(({ got, forgiven }) => got > 1 && !forgiven);
    assert.equal(twice.length, 0, `${twice.length} signals came twice`);
    assert.deepEqual(this.faults, []);
  }

  /** All views of a call are Redis's, and who should sit there does. What is wrong, or undefined. */
  async #disagreement(call) {
    const members = call.members.filter(({ gone }) => !gone);
    const truth = await members[0].ask('call.get', { call: call.id });
    if (truth.type !== 'ok') return `call.get of ${members[0].user}: ${truth.code}`;
    const version = Number(await this.cluster.redis.command('HGET', `{${call.id.slice(0, 2)}}:call:${call.id}`, 'version'));
    const seats = seatsText(truth.members);
    if (truth.members.length !== members.length || version !== truth.version) return `version ${version}: ${seats}, version ${truth.version}`;
    for (const one of members) {
      if (one.view?.seats() !== seats) return `${one.user} sees ${one.view?.seats()} (version ${one.view?.version}), Redis has ${seats} (version ${version})`;
      if (one.known !== version) return `${one.user} knows of version ${one.known}, Redis has ${version}; ${seats}. ${story(call, one)}`;
    }
    return undefined;
  }

  /** Every call is there with all who live, and every member's view is Redis's. */
  async agree(ms = LONG_MS) {
    let open = this.calls;
    const look = async () => {
      const next = [];
      await each(open, async (call) => {
        call.wrong = await this.#disagreement(call);
        if (call.wrong) next.push(call);
      });
      open = next;
      return open.length === 0;
    };
    await until(look, () => `all views to agree; ${open.length} calls do not: ${open.slice(0, 3).map(({ wrong }) => wrong).join('; ')}`, ms);
  }

  /** Everybody goes home. */
  leave() {
    clearInterval(this.#load);
    for (const client of this.clients) client.quit({ cut: false });
  }
}

/**
 * 2,000 clients in 500 calls of four, or fewer (CALLS). `t` is the test, which is told the progress. `moves`: some leave their calls and come back.
 * TEST_SEED repeats a run.
 */
export async function gather(cluster, t, { calls = CALLS, moves = true } = {}) {
  const seed = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000);
  const began = Date.now();
  const say = (text) => t.diagnostic(`${((Date.now() - began) / 1000).toFixed(1)} s: ${text}`);
  say(`seed ${seed}`);
  const crowd = new Crowd(cluster, { calls, seed, say, moves });
  await crowd.gather();
  return crowd;
}
