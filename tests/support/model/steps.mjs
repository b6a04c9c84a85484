// The steps that a plan is made of: each chooses whom it concerns from what there is now, and does one thing, or several at once where a race is wanted.

const DATA_MAX = 40;
/** Calls and offers that a stranger may try to join or take: the last few, as links that go round. */
const KNOWN_MAX = 8;

/** A short description that the server takes for voice; `tag` tells which it is. */
function sdp(tag) {
  const lines = ['v=0', 'o=- 4611731400430051336 2 IN IP4 127.0.0.1', `s=${tag}`, 't=0 0', 'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'c=IN IP4 0.0.0.0', 'a=rtpmap:111 opus/48000/2'];
  return `${lines.join('\r\n')}\r\n`;
}

const CANDIDATE = { candidate: 'candidate:1 1 udp 2122260223 192.0.2.7 50123 typ host', sdpMid: '0', sdpMLineIndex: 0 };

export class Stage {
  constructor({ users, devices }) {
    this.users = users;
    this.devices = devices;
    this.rooms = []; // ids of calls that others may try to join
    this.offers = [];
    this.off = new Set(); // requests that this server does not do
    this.tags = 0;
    this.totals = {};
  }

  get ready() {
    return this.devices.filter((device) => device.ready);
  }

  /** [device, call] of every seat that a ready device knows that it has. */
  seats(fits = () => true) {
    return this.ready.flatMap((device) => [...device.view.calls.values()].filter((view) => fits(view, device)).map((view) => [device, view]));
  }

  /** [device, ring] of every ring that a ready device hears. */
  rings() {
    return this.ready.flatMap((device) => [...device.view.rings.values()].map((ring) => [device, ring]));
  }

  tag(device) {
    this.tags += 1;
    return `${device.who}-${this.tags}`;
  }

  async ask(device, type, fields) {
    if (this.off.has(type)) return { type: 'off' };
    const reply = await device.ask(type, fields);
    const outcome = `${type} ${reply.type === 'error' ? reply.code : reply.type}`;
    this.totals[outcome] = (this.totals[outcome] ?? 0) + 1;
    if (reply.code === 'unsupported') this.off.add(type);
    return reply;
  }

  know(list, reply) {
    if (reply.type !== 'ok') return;
    list.push(reply.call);
    if (list.length > KNOWN_MAX) list.shift();
  }
}

// ---- what several steps share ----

function others(stage, random, user, count) {
  return random.some(stage.users.filter((one) => one !== user), count);
}

function callFields(random) {
  const fields = {};
  if (random.chance(0.15)) fields.privacy = 'relay';
  if (random.chance(0.2)) fields.meta = { topic: random.between(1, 99) };
  return fields;
}

async function ring(stage, random, device, to, fields = {}) {
  const all = { to, ring_ms: random.between(5000, 6500), ...callFields(random), ...fields };
  if (to.length === 1 && random.chance(0.5)) all.offer = sdp(stage.tag(device));
  if (all.offer && random.chance(0.3)) all.candidates = [CANDIDATE];
  if (random.chance(0.4)) all.wait = true;
  if (random.chance(0.15)) all.allow = 'anyone';
  const reply = await stage.ask(device, 'call.start', all);
  stage.know(stage.rooms, reply);
  // Candidates follow an early offer, before it is taken or after.
  if (reply.type === 'ok' && all.offer && random.chance(0.4)) await stage.ask(device, 'signal', { call: reply.call, to: 0, candidates: [CANDIDATE] });
}

function accept(stage, random, device, { call, offer }) {
  return stage.ask(device, 'call.accept', { call, ...(offer && random.chance(0.7) ? { answer: sdp(stage.tag(device)) } : {}) });
}

/** The devices of one user that hear the same ring: [devices, ring], of the ring that most hear among a few chosen ones. */
function chorus(stage, random) {
  const [, one] = random.pick(stage.rings()) ?? [];
  const [device] = random.pick(stage.rings().filter(([, ring]) => ring.call === one?.call)) ?? [];
  if (!device) return null;
  return [stage.rings().filter(([other, ring]) => ring.call === one.call && other.user === device.user).map(([other]) => other), one];
}

/** The seats of a call, by a ready member. */
function callOf(stage, random) {
  const [, one] = random.pick(stage.seats()) ?? [];
  return one && stage.seats((view) => view.call === one.call);
}

const together = (promises) => Promise.all(promises);

/** A member's peer other than its own, now and then one that nobody has. */
function peerOf(random, view) {
  const there = [...view.state.members.keys()].filter((peer) => peer !== view.peer);
  return random.chance(0.05) || !there.length ? random.between(1, 5) : random.pick(there);
}

// ---- the steps: kind → (stage, random) ----

export const STEPS = {
  async 'start.open'(stage, random) {
    const device = random.pick(stage.ready);
    if (!device) return;
    const allow = random.pick(['anyone', 'anyone', others(stage, random, device.user, 5), undefined]);
    const fields = { to: [], ...(allow ? { allow } : {}), ...(random.chance(0.5) ? { seats: random.between(2, 5) } : {}), ...callFields(random) };
    stage.know(stage.rooms, await stage.ask(device, 'call.start', fields));
  },

  async 'start.ring'(stage, random) {
    const device = random.pick(stage.ready);
    if (device) await ring(stage, random, device, others(stage, random, device.user, 1));
  },

  async 'start.group'(stage, random) {
    const device = random.pick(stage.ready);
    if (!device) return;
    const to = others(stage, random, device.user, random.between(2, 4));
    await ring(stage, random, device, to, random.chance(0.5) ? { seats: random.between(to.length + 1, 5) } : {});
  },

  async post(stage, random) {
    const device = random.pick(stage.ready);
    if (!device) return;
    const fields = { offer: sdp(stage.tag(device)), ttl_ms: random.between(300, 6000), ...(random.chance(0.3) ? { seats: random.between(2, 5) } : {}) };
    if (random.chance(0.2)) fields.allow = others(stage, random, device.user, 8);
    stage.know(stage.offers, await stage.ask(device, 'offer.post', fields));
  },

  async take(stage, random) {
    const [device, call] = [random.pick(stage.ready), random.pick(stage.offers)];
    if (device && call) await stage.ask(device, 'offer.take', { call });
  },

  async join(stage, random) {
    const rejoining = stage.ready.filter(({ view }) => view.rejoin.size);
    const device = random.chance(0.5) ? random.pick(rejoining) ?? random.pick(stage.ready) : random.pick(stage.ready);
    const call = random.pick([...(device?.view.rejoin.keys() ?? [])]) ?? random.pick([...stage.rooms, ...stage.offers.slice(-2)]);
    if (device && call) await stage.ask(device, 'call.join', { call });
  },

  async invite(stage, random) {
    const [device, view] = random.pick(stage.seats()) ?? [];
    if (!device) return;
    const [to] = others(stage, random, device.user, 1);
    await stage.ask(device, 'call.invite', { call: view.call, to, ring_ms: random.between(5000, 6000), ...(random.chance(0.4) ? { wait: true } : {}) });
  },

  async alert(stage, random) {
    const [device, { call } = {}] = random.pick(stage.rings()) ?? [];
    if (device) await stage.ask(device, 'call.alert', { call });
  },

  async accept(stage, random) {
    const [device, invitation] = random.pick(stage.rings()) ?? [];
    if (device) await accept(stage, random, device, invitation);
  },

  async reject(stage, random) {
    const [device, { call } = {}] = random.pick(stage.rings()) ?? [];
    if (device) await stage.ask(device, 'call.reject', { call, ...random.pick([{}, { reason: 'rejected' }, { reason: 'busy' }]) });
  },

  async cancel(stage, random) {
    const ringing = ({ state }) => state.ringing === null || state.ringing.size > 0;
    const [device, view] = random.pick(stage.seats(ringing)) ?? [];
    if (!device) return;
    const to = random.pick([...(view.state.ringing ?? [])]);
    await stage.ask(device, 'call.cancel', { call: view.call, ...(to && random.chance(0.6) ? { to } : {}) });
  },

  async leave(stage, random) {
    const [device, { call } = {}] = random.pick(stage.seats()) ?? [];
    if (device) await stage.ask(device, 'call.leave', { call, ...(random.chance(0.2) ? { reason: random.pick(['busy', 'replaced', 'hangup']) } : {}) });
  },

  async remove(stage, random) {
    const [device, view] = random.pick(stage.seats()) ?? [];
    if (device) await stage.ask(device, 'call.remove', { call: view.call, peer: peerOf(random, view) });
  },

  async lock(stage, random) {
    const [device, { call } = {}] = random.pick(stage.seats()) ?? [];
    if (device) await stage.ask(device, 'call.lock', { call, locked: random.chance(0.4) });
  },

  async get(stage, random) {
    const [device, { call } = {}] = random.pick([...stage.seats(), ...stage.rings()]) ?? [];
    if (device) await stage.ask(device, 'call.get', { call });
  },

  async signal(stage, random) {
    const [device, view] = random.pick(stage.seats((one) => one.state.members.size > 1)) ?? [];
    if (!device) return;
    const to = peerOf(random, view);
    const count = random.between(1, 4);
    const what = () => {
      const data = `${stage.tag(device)}${'.'.repeat(random.between(0, DATA_MAX))}`;
      if (random.chance(0.2)) return { description: { type: random.pick(['offer', 'answer']), sdp: sdp(data) } };
      return { data };
    };
    await together(Array.from({ length: count }, () => stage.ask(device, 'signal', { call: view.call, to, ...what() })));
  },

  async 'signal.early'(stage, random) {
    const [device, { call } = {}] = random.pick(stage.seats((view) => view.peer === 1)) ?? [];
    if (device) await stage.ask(device, 'signal', { call, to: 0, candidates: [CANDIDATE, null].slice(0, random.between(1, 2)) });
  },

  async 'presence.set'(stage, random) {
    const device = random.pick(stage.ready);
    const status = random.pick(['available', 'away', 'dnd', 'invisible']);
    if (device) await stage.ask(device, 'presence.set', { status, ...(random.chance(0.3) ? { note: `note ${random.between(1, 99)}` } : {}) });
  },

  async 'presence.watch'(stage, random) {
    const device = random.pick(stage.ready);
    if (device) await stage.ask(device, 'presence.watch', { users: others(stage, random, device.user, random.between(1, 6)) });
  },

  async 'presence.unwatch'(stage, random) {
    const device = random.pick(stage.ready.filter(({ view }) => view.watched.size));
    if (device) await stage.ask(device, 'presence.unwatch', { users: random.some([...device.view.watched.keys()], 2) });
  },

  async 'block.set'(stage, random) {
    const device = random.pick(stage.ready);
    if (device) await stage.ask(device, 'block.set', { users: others(stage, random, device.user, random.pick([0, 0, 1, 2])) });
  },

  async 'block.get'(stage, random) {
    const device = random.pick(stage.ready);
    if (device) await stage.ask(device, 'block.get');
  },

  on(stage, random) {
    random.pick(stage.devices.filter((device) => !device.wanted))?.wake();
  },

  async bye(stage, random) {
    const device = random.pick(stage.ready);
    if (device) await stage.ask(device, 'bye');
  },

  cut(stage, random) {
    random.pick(stage.ready)?.cut(random.pick([0, 0, random.between(0, 1500)]));
  },

  nap(stage, random) {
    random.pick(stage.ready)?.cut(random.between(1000, 9000));
  },

  supersede(stage, random) {
    random.pick(stage.ready)?.restart();
  },

  move(stage, random) {
    random.pick(stage.ready)?.move();
  },

  async ping(stage, random) {
    const device = random.pick(stage.ready);
    if (device) await stage.ask(device, 'ping');
  },

  again(stage, random) {
    random.pick(stage.ready.filter(({ session }) => session.answered.length))?.repeat(random);
  },

  /** A request that leaves, and then the socket: nobody knows whether it arrived. */
  async 'cut.after'(stage, random) {
    const kind = random.pick(['start.ring', 'start.open', 'accept', 'accept', 'join', 'leave', 'reject', 'cancel', 'invite', 'take']);
    const before = new Map(stage.ready.map((device) => [device, device.session.lastId]));
    const done = STEPS[kind](stage, random);
    const asked = stage.ready.filter((device) => before.has(device) && device.session.lastId > before.get(device));
    const ms = random.pick([0, 1, 5, 20]);
    const away = random.pick([0, 0, 500, 2000]);
    if (ms) await new Promise((resolve) => setTimeout(resolve, ms));
    for (const device of asked) device.cut(away, 'right after a request');
    await done;
  },

  /** Two who call each other at the same moment. */
  async 'race.glare'(stage, random) {
    const [one, two] = random.some(stage.users, 2).map((user) => random.pick(stage.ready.filter((device) => device.user === user)));
    if (one && two) await together([ring(stage, random, one, [two.user]), ring(stage, random, two, [one.user])]);
  },

  /** All devices of a user answer at once. */
  async 'race.accept'(stage, random) {
    const [devices, invitation] = chorus(stage, random) ?? [[]];
    await together(devices.map((device) => accept(stage, random, device, invitation)));
  },

  async 'race.accept.cancel'(stage, random) {
    const [[device] = [], invitation] = chorus(stage, random) ?? [];
    const caller = device && random.pick(stage.seats((view) => view.call === invitation.call))?.[0];
    if (!caller) return;
    const asks = [() => accept(stage, random, device, invitation), () => stage.ask(caller, 'call.cancel', { call: invitation.call, ...(random.chance(0.5) ? { to: device.user } : {}) })];
    await together(random.some(asks, 2).map((ask) => ask()));
  },

  async 'race.accept.reject'(stage, random) {
    const [devices, invitation] = chorus(stage, random) ?? [[]];
    const asks = devices.map((device, i) => () => (i % 2 ? stage.ask(device, 'call.reject', { call: invitation.call }) : accept(stage, random, device, invitation)));
    await together(random.some(asks, asks.length).map((ask) => ask()));
  },

  async 'race.accept.leave'(stage, random) {
    const [[device] = [], invitation] = chorus(stage, random) ?? [];
    const caller = device && random.pick(stage.seats((view) => view.call === invitation.call))?.[0];
    if (!caller) return;
    const asks = [() => accept(stage, random, device, invitation), () => stage.ask(caller, ...random.pick([['call.leave', { call: invitation.call }], ['call.leave', { call: invitation.call }], ['bye']]))];
    await together(random.some(asks, 2).map((ask) => ask()));
  },

  async 'race.take'(stage, random) {
    const call = random.pick(stage.offers);
    if (call) await together(random.some(stage.ready, 5).map((device) => stage.ask(device, 'offer.take', { call })));
  },

  async 'race.join'(stage, random) {
    const call = random.pick(stage.rooms);
    if (call) await together(random.some(stage.ready, 8).map((device) => stage.ask(device, 'call.join', { call })));
  },

  async 'race.leave'(stage, random) {
    const seats = callOf(stage, random) ?? [];
    await together(seats.map(([device, { call }]) => stage.ask(device, 'call.leave', { call })));
  },

  /** Members who ask the same one in, and each other's guests out. */
  async 'race.invite'(stage, random) {
    const seats = callOf(stage, random) ?? [];
    const [to] = others(stage, random, '', 1);
    const asks = seats.filter(([device]) => device.user !== to).map(([device, { call }]) => () => stage.ask(device, random.chance(0.75) ? 'call.invite' : 'call.cancel', { call, to, ring_ms: 5000 }));
    await together(asks.map((ask) => ask()));
  },
};
