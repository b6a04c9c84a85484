// The judges of a history. Each is a function of its index (see indexed()) that gives a list of violations: {check, message, call?, session?, who?, at}. None
// asks the cluster anything; what the end of a run found out stands in the history as well.

/** Requests whose answer is kept. A call.alert is asked anew: it may find its ring over. */
const CALL_VERBS = ['call.start', 'offer.post', 'offer.take', 'call.join', 'call.accept', 'call.leave', 'call.remove', 'call.lock', 'call.invite', 'call.cancel', 'call.reject'];
/** Events that tell members of a change, the same for all. */
const CHANGES = new Set(['call.joined', 'call.left', 'call.suspended', 'call.resumed', 'call.rejoined', 'call.locked', 'call.ended', 'call.ringing', 'call.invited', 'call.rejected']);
const SEATS_MAX = 5;
const ENTERS = new Set(['call.join', 'call.accept', 'offer.take', 'call.start', 'offer.post']);

const of = (map, key, make) => map.get(key) ?? map.set(key, make()).get(key);

/** Puts a history's records where the checks look for them. */
export function indexed(records) {
  const sessions = new Map(); // id → {id, who, user, records}
  const calls = new Map(); // id → {id, records}
  const sends = new Map(); // "session id" → {asked: when it was sent first, replied: when it was answered first}
  for (const record of records) {
    const { session, frame, who, what } = record;
    const key = `${session} ${frame?.id}`;
    if (what === 'send') of(sends, key, () => ({ asked: record }));
    else if (what === 'reply' && sends.has(key)) sends.get(key).replied ??= record;
    if (session) of(sessions, session, () => ({ id: session, who, user: who?.split('/')[0], records: [] })).records.push(record);
    const call = record.call ?? frame?.call ?? record.asked?.call;
    if (call) of(calls, call, () => ({ id: call, records: [] })).records.push(record);
    for (const one of [...(frame?.calls ?? []), ...(frame?.pending ?? [])]) if (one.call) of(calls, one.call, () => ({ id: one.call, records: [] })).records.push(record);
  }
  const blocks = records.filter(({ what, frame }) => what === 'send' && frame.type === 'block.set');
  return { records, sessions, calls, sends, blocks, faults: records.filter(({ what }) => what === 'fault') };
}

const isOk = ({ what, frame }) => what === 'reply' && frame.type === 'ok';
const isEvent = ({ what, frame }) => what === 'event' && frame.type !== 'presence' && frame.type !== 'reconnect';
const isWelcome = ({ what, frame }) => what === 'reply' && frame.type === 'welcome';
const show = (value) => JSON.stringify(value);

/** Sessions whose client was there at the end: whatever was meant for them must have come. */
function lasting({ sessions }) {
  return [...sessions.values()].filter(({ records }) => records.some(({ what }) => what === 'lasts'));
}

/** Events of a session come with seq 1, 2, 3, … over all its sockets: no hole, no double. */
export function eventsInOrder({ sessions }) {
  const found = [];
  for (const { id, records } of sessions.values()) {
    let seq = 0;
    for (const record of records) {
      const { frame, n } = record;
      if (isWelcome(record) && frame.resumed && frame.seq > seq) found.push({ message: `resumed at ${frame.seq}, which was never reached: ${seq}`, session: id, at: n });
      if (!isEvent(record)) continue;
      if (frame.seq !== seq + 1) found.push({ message: `seq ${frame.seq} after ${seq}`, session: id, at: n });
      seq = frame.seq ?? seq;
    }
  }
  return found;
}

/** Versions of a call's events rise at each session; a signal carries the one that stands there. */
export function versionsRise({ sessions }) {
  const found = [];
  for (const { id, records } of sessions.values()) {
    const at = new Map();
    for (const record of records.filter(isEvent)) {
      const { type, call, version } = record.frame;
      const last = at.get(call) ?? 0;
      const bad = !Number.isInteger(version) || (type === 'signal' ? version < last : version <= last);
      if (bad) found.push({ message: `${type} has version ${version} after ${last}`, session: id, call, at: record.n });
      if (type !== 'signal') at.set(call, version);
    }
  }
  return found;
}

const change = ({ type, peer, user, device, reason, locked }) => show({ type, peer, user, device, reason, locked });

/** Whoever hears of a version of a call hears the same. */
export function oneStory({ calls }) {
  const found = [];
  for (const { id, records } of calls.values()) {
    const told = new Map();
    for (const { what, frame, session, n } of records) {
      if (what !== 'event' || !CHANGES.has(frame.type)) continue;
      const before = of(told, frame.version, () => change(frame));
      if (before !== change(frame)) found.push({ message: `version ${frame.version} is ${change(frame)} here and ${before} elsewhere`, call: id, session, at: n });
    }
  }
  return found;
}

/** All that is known of a call's seating, by version: lists of members, and single changes. */
function seatings({ id, records }) {
  const pictures = []; // {version, members, n}
  const changes = new Map(); // version → frame
  let seats = SEATS_MAX;
  const picture = (one, n) => one?.members && Number.isInteger(one.version) && pictures.push({ version: one.version, members: one.members, n });
  for (const { what, frame, request, asked, n, snapshot } of records) {
    if (what === 'truth' && snapshot) picture(snapshot, n);
    if (what === 'event' && CHANGES.has(frame.type)) changes.set(frame.version, frame);
    if (what === 'reply' && frame.type === 'ok' && (frame.call ?? asked?.call) === id) {
      if (request !== 'call.get' || frame.call === id) picture(frame, n);
      if (request === 'call.get') seats = frame.seats;
      if (request === 'call.start' && !frame.glare) seats = asked?.seats ?? (asked?.to?.length === 1 ? 2 : SEATS_MAX);
      if (request === 'offer.post') seats = asked?.seats ?? 2;
      if ((request === 'call.start' || request === 'offer.post') && !frame.glare) changes.set(1, { type: 'started' });
    }
    for (const one of frame?.calls ?? []) {
      if (one.call !== id) continue;
      picture(one, n);
      seats = one.seats ?? seats;
    }
  }
  return { pictures, changes, seats };
}

function tooMany(members, seats) {
  const peers = members.map(({ peer }) => peer);
  if (peers.length > seats || peers.length > SEATS_MAX) return `${peers.length} are seated on ${seats} seats`;
  if (new Set(peers).size < peers.length) return `a seat is taken twice: ${peers}`;
  if (peers.some((peer) => !(peer >= 1 && peer <= SEATS_MAX))) return `there is no such seat: ${peers}`;
  return null;
}

/** No call has more members than its seats, at any version: neither in a list of members, nor by what the events say one after the other. */
export function neverTooMany({ calls }) {
  const found = [];
  for (const call of calls.values()) {
    const { pictures, changes, seats } = seatings(call);
    for (const { version, members, n } of pictures) {
      const wrong = tooMany(members, seats);
      if (wrong) found.push({ message: `version ${version}: ${wrong}`, call: call.id, at: n });
    }
    for (const { version, members, wrong } of told(pictures, changes)) {
      const bad = wrong ?? tooMany([...members.keys()].map((peer) => ({ peer })), seats);
      if (bad) found.push({ message: `version ${version}, by the events: ${bad}`, call: call.id, at: call.records.at(-1).n });
    }
  }
  return found;
}

/** Walks from one picture through the events after it, as long as no version is missing: {version, members, wrong?} of each step. */
function* told(pictures, changes) {
  const known = new Map(pictures.map((one) => [one.version, one.members]));
  if (changes.get(1)?.type === 'started' && !known.has(1)) known.set(1, [{ peer: 1 }]);
  const last = Math.max(0, ...known.keys(), ...changes.keys());
  let members = null;
  for (let version = 1; version <= last; version += 1) {
    const event = changes.get(version);
    let wrong;
    if (members && event) {
      members = new Map(members);
      if (event.type === 'call.joined') {
        if (members.has(event.peer)) wrong = `${event.user} joined on seat ${event.peer}, which is taken`;
        members.set(event.peer, event);
      } else if (event.type === 'call.left' && !members.delete(event.peer)) wrong = `peer ${event.peer} left a seat that is empty`;
      else if (event.type === 'call.ended') members.clear();
    } else if (event?.type !== 'started') members = null;
    const picture = known.get(version);
    if (picture) {
      const seen = new Map(picture.map((one) => [one.peer, one]));
      if (members && show([...members.keys()].sort()) !== show([...seen.keys()].sort())) wrong ??= `the events seat ${[...members.keys()].sort()}, a picture shows ${[...seen.keys()].sort()}`;
      members = seen;
    }
    if (members) yield { version, members, wrong };
  }
}

/** An offer has one taker, a ring one device that answers it. */
export function oneWinner({ calls }) {
  const found = [];
  for (const { id, records } of calls.values()) {
    const oks = records.filter(isOk);
    const takers = new Set(oks.filter(({ request }) => request === 'offer.take').map(({ session }) => session));
    if (takers.size > 1) found.push({ message: `${takers.size} sessions took one offer`, call: id, at: oks.at(-1).n });
    found.push(...answers(id, records));
  }
  return found;
}

/** Sessions of one user that answered beyond the number of times that this user was rung. Who sits there by another way may say call.accept as well. */
function answers(call, records) {
  const found = [];
  const won = new Map(); // user → session → where
  const rung = new Map(); // user → versions of rings
  const sits = new Set(records.filter((record) => isOk(record) && ['call.join', 'offer.take'].includes(record.request)).map(({ session }) => session));
  for (const record of records) {
    const { frame, who, session, request, n } = record;
    const user = who?.split('/')[0];
    const rings = frame?.type === 'call.incoming' && record.what === 'event' ? [frame] : isWelcome(record) ? frame.pending.filter((one) => one.call === call) : [];
    for (const { version } of rings) of(rung, user, () => new Set()).add(version);
    const accepted = isOk(record) && (request === 'call.accept' || (request === 'call.start' && frame.glare));
    if (accepted && !sits.has(session)) of(won, user, () => new Map()).set(session, { n, version: frame.version });
  }
  for (const [user, sessions] of won) {
    // A call.start that met a crossing one may well have won before its own ring came.
    const most = Math.max(1, rung.get(user)?.size ?? 0);
    const versions = new Set([...sessions.values()].map(({ version }) => version));
    if (sessions.size > most || versions.size < sessions.size) found.push({ message: `${sessions.size} sessions of ${user} answered ${most} rings: ${[...sessions.keys()]}`, call, at: [...sessions.values()].at(-1).n });
  }
  return found;
}

/** A call ends once, with one reason and one version, and nothing changes after it. */
export function oneEnd({ calls }) {
  const found = [];
  for (const { id, records } of calls.values()) {
    const ends = records.filter(({ what, frame }) => what === 'event' && frame.type === 'call.ended');
    if (!ends.length) continue;
    const [{ frame: first }] = ends;
    for (const { frame, n, session } of ends) {
      if (frame.reason !== first.reason || frame.version !== first.version) found.push({ message: `ended with ${frame.reason} at ${frame.version}, and with ${first.reason} at ${first.version}`, call: id, session, at: n });
    }
    for (const { what, frame, session, n } of records) {
      if (what === 'event' && frame.type !== 'signal' && frame.version > first.version) found.push({ message: `${frame.type} at version ${frame.version}, though it ended at ${first.version}`, call: id, session, at: n });
    }
  }
  return found;
}

/** What ends a ring at the session that does it. */
const ANSWERS = new Set(['call.accept', 'call.reject', 'call.join', 'call.start', 'offer.take']);

/** At each session: a ring comes once, ends once, and rings no more after that; at those that last it does end. */
export function ringsEnd(index) {
  const found = [];
  const last = new Set(lasting(index).map(({ id }) => id));
  for (const session of index.sessions.values()) {
    const { id, records } = session;
    const rings = new Map(); // call → {state, version, answered}
    const say = (message, call, at) => found.push({ message, call, session: id, at });
    for (const record of records) {
      const { frame, request, n } = record;
      if (isWelcome(record) && !frame.resumed) for (const { call, version } of frame.pending) rings.set(call, { rings: true, version, pending: true });
      else if (isOk(record) && ANSWERS.has(request)) {
        const ring = of(rings, frame.call ?? record.asked?.call, () => ({ version: 0 }));
        // One that is younger than the answer goes on.
        Object.assign(ring, { rings: ring.rings && ring.version > frame.version, answered: frame.version });
      } else if (record.what === 'send' && rings.has(frame.call) && ANSWERS.has(frame.type)) rings.get(frame.call).asked = true;
      else if (isEvent(record)) onRingEvent(rings, record, (end) => cameAtTheEnd(index, session, end), say);
    }
    if (!last.has(id)) continue;
    for (const [call, ring] of rings) if (ring.rings) say(`the ring of version ${ring.version} never ended`, call, records.at(-1).n);
  }
  return found;
}

/**
 * Whether a session that came as a ring ended may hear of that end alone: it came during the ring, and if a device of its user ended it, after that device had
 * asked. When the word comes says nothing: a node that died or froze may hold it back for long.
 */
function cameAtTheEnd({ calls, records: all }, { user, records: own }, { call, reason }) {
  const came = own.find(isWelcome)?.n ?? -1;
  const { records } = calls.get(call);
  const before = records.filter(({ n }) => n < came);
  if (!reason.endsWith('_elsewhere')) return before.length > 0;
  const says = ({ what, who }) => what === 'send' && who.startsWith(`${user}/`);
  const glared = records.some((record) => isOk(record) && record.frame.glare && record.who.startsWith(`${user}/`));
  if (glared || before.some((record) => says(record) && ANSWERS.has(record.frame.type))) return true;
  // One that crossed, and whose reply nobody heard.
  const from = records.find(({ frame }) => frame.type === 'call.incoming')?.frame.from;
  return all.some((record) => record.n < came && says(record) && record.frame.type === 'call.start' && record.frame.to.includes(from));
}

function onRingEvent(rings, { frame, n }, mayMiss, say) {
  const { type, call, version } = frame;
  const ring = rings.get(call);
  if (type === 'call.incoming' && version < (ring?.answered ?? 0)) ring.version = version; // overtaken by the answer
  else if (type === 'call.incoming') {
    const sameAsPending = ring?.pending && ring.version === version;
    if (ring?.rings && !ring.asked && !sameAsPending) say(`rings at version ${version} while it rings since ${ring.version}`, call, n);
    if (ring && version <= ring.version && !sameAsPending) say(`rings at version ${version} after ${ring.version}`, call, n);
    rings.set(call, { rings: true, version });
  } else if (type === 'call.cancelled') {
    // That another device was first may be told a moment after this one joined as well.
    if (!ring?.rings && !(ring?.answered > version) && !mayMiss(frame)) say('is cancelled, but does not ring', call, n);
    else if (ring) Object.assign(ring, { rings: false, version, answered: undefined });
  } else if (type === 'call.ended' && ring) ring.rings = false;
}

/** No ring is as young as the end of its call. */
export function noRingAfterTheEnd({ calls }) {
  const found = [];
  for (const { id, records } of calls.values()) {
    const end = records.find(({ what, frame }) => what === 'event' && frame.type === 'call.ended')?.frame.version;
    for (const { what, frame, session, n } of records) {
      if (end && what === 'event' && frame.type === 'call.incoming' && frame.version >= end) found.push({ message: `rings at version ${frame.version}, ended at ${end}`, call: id, session, at: n });
    }
  }
  return found;
}

/** A crossing request that was on its way already. */
function crossed({ records }, asked, started) {
  const caller = started.who.split('/')[0];
  return records.slice(Math.max(0, asked.n - 300), asked.n).some(({ what, frame }) => what === 'send' && frame.type === 'call.start' && frame.to.length === 1 && frame.to[0] === caller);
}

/**
 * Whether a block of the caller by one who is called was under way meanwhile: it counts from the moment that the ring is brought, whatever `reach` said before.
 */
function blockCrossed({ blocks, sends }, user, caller, asked, started) {
  const open = ({ session, frame }) => !(sends.get(`${session} ${frame.id}`).replied?.n < asked.n);
  return blocks.some((block) => block.n < started.n && block.who.split('/')[0] === user && block.frame.users.includes(caller) && open(block));
}

/** A call that says somebody's devices ring does ring them: all that were there before it and are to the end. */
export function ringsReach(index) {
  const found = [];
  const there = lasting(index);
  for (const { id, records } of index.calls.values()) {
    const started = records.find((record) => isOk(record) && record.request === 'call.start' && !record.frame.glare);
    if (!started) continue;
    const { asked } = index.sends.get(`${started.session} ${started.frame.id}`);
    // Whoever met it on the way, or took it back at once, may have ended the ring before it began.
    const meets = ({ what, frame, who }) => what === 'send' && (frame.call === id || (frame.type === 'call.start' && frame.to[0] === started.who.split('/')[0] && who !== started.who));
    if (index.records.slice(asked.n + 1, started.n).some(meets) || crossed(index, asked, started)) continue;
    const caller = started.who.split('/')[0];
    const rung = Object.keys(started.frame.reach ?? {}).filter((user) => started.frame.reach[user] === 'ringing' && !blockCrossed(index, user, caller, asked, started));
    for (const { id: session, user, records: own } of there) {
      if (!rung.includes(user) || !(own[0].n < asked.n)) continue;
      const hears = own.some((record) => record.frame?.call === id && (record.frame.type === 'call.incoming' || (isOk(record) && ENTERS.has(record.request))));
      if (!hears) found.push({ message: `${user} is rung, but this device never heard of it`, call: id, session, at: started.n });
    }
  }
  return found;
}

/** A request that was sent again with its id gets the answer that it got before, if that one changed something. While the store is away nobody knows it. */
export function sameAnswer({ sessions }) {
  const found = [];
  for (const { id, records } of sessions.values()) {
    const first = new Map();
    for (const { what, frame, request, n } of records) {
      if (what !== 'reply' || !CALL_VERBS.includes(request) || frame.code === 'unavailable') continue;
      const before = first.get(frame.id);
      if (!before && frame.type === 'ok') first.set(frame.id, { frame, request });
      else if (before && show(sorted(before.frame)) !== show(sorted(frame))) found.push({ message: `${request} ${frame.id} was answered ${show(frame)} after ${show(before.frame)}`, session: id, call: frame.call ?? before.frame.call, at: n });
    }
  }
  return found;
}

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
}

/** On one socket no request is answered more often than it was sent; at a session that lasts each is answered. */
export function oneReplyEach(index) {
  const found = [];
  const last = new Set(lasting(index).map(({ id }) => id));
  for (const { id, records } of index.sessions.values()) {
    const open = new Map(); // link and request id → how often sent and not answered
    const waiting = new Map(); // request id → its sending
    const done = new Set(); // sent again after its answer, it may well get none if the socket goes
    for (const { what, frame, link, n } of records) {
      const key = `${link} ${frame?.id}`;
      if (what === 'send' && frame.id && frame.type !== 'hello') {
        open.set(key, (open.get(key) ?? 0) + 1);
        if (!done.has(frame.id)) waiting.set(frame.id, { n, type: frame.type });
      } else if (what === 'reply' && frame.type !== 'welcome') {
        if (!open.get(key)) found.push({ message: `a reply to ${frame.id} that nobody waits for`, session: id, at: n });
        else open.set(key, open.get(key) - 1);
        waiting.delete(frame.id);
        done.add(frame.id);
      }
    }
    if (!last.has(id)) continue;
    for (const [request, { n, type }] of waiting) found.push({ message: `${type} ${request} was never answered`, session: id, at: n });
  }
  return found;
}

const COMMON = ['rate_limited', 'unavailable', 'unsupported'];
/** What the contract lets each request be refused with. */
const REFUSALS = {
  hello: [],
  'call.start': ['forbidden', 'unreachable', 'gone'],
  'offer.post': [],
  'offer.take': ['not_found', 'gone', 'forbidden', 'conflict'],
  'call.invite': ['call_full', 'conflict', 'not_found', 'gone', 'forbidden', 'unreachable'],
  'call.alert': ['gone', 'not_found'],
  'call.accept': ['gone', 'call_full', 'not_found', 'conflict'],
  'call.reject': ['gone', 'not_found'],
  'call.join': ['call_full', 'forbidden', 'gone', 'not_found', 'conflict'],
  'call.cancel': ['not_found', 'gone', 'forbidden'],
  'call.leave': ['not_found', 'gone'],
  'call.remove': ['forbidden', 'not_found', 'gone'],
  'call.lock': ['forbidden', 'not_found', 'gone'],
  'call.get': ['not_found'],
  signal: ['not_found', 'gone', 'too_large'],
  'presence.watch': ['forbidden'],
};
/** After the last fault everything works again within this time. */
const HEALED_MS = 6000;

/** Refusals are such as the contract names, and `unavailable` is said only around faults. */
export function refusalsAreKnown({ records, faults }) {
  const found = [];
  let lastFault = -Infinity;
  let underWay = 0;
  for (const { what, frame, request, session, who, call, t, n, begins } of records) {
    if (what === 'fault') {
      underWay += begins ? 1 : -1;
      lastFault = t;
    }
    if (what !== 'reply' || frame.type !== 'error' || !request) continue;
    const allowed = [...COMMON, ...(REFUSALS[request] ?? [])];
    if (!allowed.includes(frame.code)) found.push({ message: `${request} was refused with ${frame.code}: ${frame.message}`, session, who, call, at: n });
    if (frame.code === 'unavailable' && !underWay && t - lastFault > HEALED_MS) found.push({ message: `${request} is unavailable ${Math.round(t - lastFault)} ms after the last of ${faults.length / 2} faults`, session, who, at: n });
  }
  return found;
}

/** Which devices sat on each seat of a call at any time: `call peer` → set of devices. */
function sitters({ calls }) {
  const found = new Map();
  const sit = (call, peer, who) => of(found, `${call} ${peer}`, () => new Set()).add(who);
  for (const call of calls.values()) {
    for (const record of call.records) {
      const { frame, who, request } = record;
      if (isOk(record) && ENTERS.has(request) && frame.peer) sit(call.id, frame.peer, who);
      if (record.what === 'event' && frame.type === 'call.joined') sit(call.id, frame.peer, `${frame.user}/${frame.device}`);
    }
    for (const { members } of seatings(call).pictures) for (const one of members) sit(call.id, one.peer, `${one.user}/${one.device}`);
  }
  return found;
}

/** The mark of what a signal carries. */
function cargo({ data, description }) {
  return data ?? /s=(.*?)\r?\n/.exec(description?.sdp ?? '')?.[1];
}

/** A signal arrives once, in the order of its sender, only at a member of its call; and one that was answered with `ok` does arrive. */
export function signalsArrive(index) {
  const found = [];
  const seated = sitters(index);
  const sent = new Map(); // mark → {call, to, n, order, ok, sender, times, doubted: said again though it was answered}
  const arrived = new Map(); // mark → session, where it came first
  const heard = new Set(); // mark and session: said again, it comes to a device that was started anew meanwhile
  let order = 0;
  for (const { what, frame, session, who, request, asked, n } of index.records) {
    if (what === 'send' && frame.type === 'signal' && frame.to > 0) {
      const mark = cargo(frame);
      const again = sent.get(mark);
      if (again) Object.assign(again, { times: again.times + 1, doubted: again.doubted || again.ok });
      else if (mark) sent.set(mark, { call: frame.call, to: frame.to, n, order: (order += 1), sender: session, times: 1 });
    } else if (what === 'reply' && request === 'signal' && frame.type === 'ok' && cargo(asked ?? {})) {
      const one = sent.get(cargo(asked));
      if (one) one.ok = true;
    } else if (what === 'event' && frame.type === 'signal' && cargo(frame)) {
      const mark = cargo(frame);
      const one = sent.get(mark);
      const say = (message) => found.push({ message: `signal ${mark} ${message}`, call: frame.call, session, at: n });
      if (!one) say('was never sent');
      else if (one.call !== frame.call) say('arrived in another call');
      else if (heard.has(`${mark} ${session}`)) say('arrived twice');
      else if (arrived.has(mark) && one.times < 2) say('arrived at two sessions');
      else if (!seated.get(`${one.call} ${one.to}`)?.has(who)) say(`arrived at ${who}, who never sat on ${one.to}`);
      heard.add(`${mark} ${session}`);
      if (!arrived.has(mark)) arrived.set(mark, { session, n });
    }
  }
  found.push(...outOfOrder(sent, arrived), ...lostSignals(index, sent, arrived, seated));
  return found;
}

function outOfOrder(sent, arrived) {
  const found = [];
  const last = new Map(); // sender, call and recipient → order
  for (const [mark, { session, n }] of arrived) {
    const one = sent.get(mark);
    if (!one || one.doubted) continue; // to whom it was answered for may be gone; whoever sits there now gets it then
    const lane = `${one.sender} ${one.call} ${session}`;
    if (one.order < (last.get(lane) ?? 0)) found.push({ message: `signal ${mark} arrived after a later one of its sender`, call: one.call, session, at: n });
    last.set(lane, one.order);
  }
  return found;
}

function lostSignals(index, sent, arrived, seated) {
  const found = [];
  const devices = new Map(); // who → its sessions
  for (const { id, who } of index.sessions.values()) of(devices, who, () => []).push(id);
  const last = new Set(lasting(index).map(({ id }) => id));
  const faithful = (who) => (devices.get(who) ?? []).length === 1 && last.has(devices.get(who)[0]);
  for (const [mark, { ok, call, to, n, sender }] of sent) {
    if (!ok || arrived.has(mark)) continue;
    const could = [...(seated.get(`${call} ${to}`) ?? [])];
    if (could.length && could.every(faithful)) found.push({ message: `signal ${mark} to ${could} was answered with ok and never arrived`, call, session: sender, at: n });
  }
  return found;
}

/** Whoever takes or accepts gets the very offer that was sent. */
export function offersArrive({ calls }) {
  const found = [];
  const mark = (offer) => /s=(.*?)\r?\n/.exec(offer?.sdp ?? offer ?? '')?.[1];
  for (const { id, records } of calls.values()) {
    const began = records.find((record) => isOk(record) && ['call.start', 'offer.post'].includes(record.request) && !record.frame.glare);
    if (!began) continue; // whoever began it never heard so, and its offer is not known by the call's id
    const sent = mark(began.asked?.offer);
    for (const record of records) {
      const { frame, request, session, n, asked } = record;
      const offers = frame?.type === 'call.incoming' ? [frame] : (frame?.pending ?? []).filter((one) => one.call === id);
      if (isOk(record) && (['offer.take', 'call.accept'].includes(request) || frame.glare)) offers.push(frame);
      for (const { offer } of offers) {
        if (offer && mark(offer) !== sent) found.push({ message: `carries the offer ${mark(offer)}, not ${sent}`, call: id, session, at: n });
      }
      if (isOk(record) && request === 'offer.take' && asked && !frame.offer) found.push({ message: 'was taken without its offer', call: id, session, at: n });
    }
  }
  return found;
}

/** Requests and events that may end a ring, by whoever. */
const ENDINGS = new Set(['call.accept', 'call.reject', 'call.cancel', 'call.leave', 'call.join', 'call.remove', 'bye', 'call.ended', 'call.rejected', 'call.joined', 'call.cancelled']);

/** Two who call each other while both calls ring are in one call: the second request meets the first. */
export function crossingCallsAreOne({ calls, records, sends }) {
  const found = [];
  const starts = [];
  for (const { id, records: own } of calls.values()) {
    const ok = own.find((record) => isOk(record) && record.request === 'call.start' && !record.frame.glare && record.asked?.to?.length === 1);
    if (!ok) continue;
    const { asked: sent } = sends.get(`${ok.session} ${ok.frame.id}`);
    const users = [ok.who.split('/')[0], ok.asked.to[0]];
    // It rings for sure until the first word that may end it, by the two or their sockets.
    const surely = ok.t + 4500;
    const ends = ({ what, frame, who, n, t }) => t > surely || (n > sent.n && users.includes(who?.split('/')[0]) && (what === 'cut' || what === 'close' || what === 'fault' || (frame && (frame.call ?? id) === id && ENDINGS.has(frame.type))));
    let end = sent.n + 1;
    while (end < records.length && !ends(records[end])) end += 1;
    starts.push({ id, ok, sent, from: users[0], to: users[1], end: Math.min(records[end]?.t ?? Infinity, surely), rings: ok.frame.reach?.[users[1]] === 'ringing' });
  }
  const byWhom = new Map(); // "from to" → starts
  for (const one of starts) of(byWhom, `${one.from} ${one.to}`, () => []).push(one);
  for (const one of starts) {
    for (const two of byWhom.get(`${one.to} ${one.from}`) ?? []) {
      if (!one.rings || !two.rings) continue;
      if (one.ok.n < two.sent.n && two.ok.t < one.end) found.push({ message: `${two.from} called ${two.to} by ${two.id} while ${one.id} rang there: two calls`, call: two.id, session: two.ok.session, at: two.ok.n });
    }
  }
  return found;
}

/** Codes that a good client's socket is closed with. 1006: cut, or its node died. */
const CLOSES = new Set([1000, 1001, 1005, 1006, 1012, 1013, 4005]);

/** Sockets are closed for a reason that the client, or a fault, gave. */
export function closesAreKnown({ records }) {
  return records
    .filter(({ what, code, dropped }) => what === 'close' && (!CLOSES.has(code) || (code === 4005 && !dropped)))
    .map(({ code, reason, session, who, n }) => ({ message: `the socket was closed with ${code} ${reason}`, session, who, at: n }));
}

/** How long before a node notices that its lease has lapsed the others may have taken it for dead. */
const LAPSE_MS = 12_000;
/** What is left of a lease at the least, when Redis goes away. */
const LEASE_LEFT_MS = 4000;

/** A session is there to be resumed as long as its grace is not over; unless its node stood still, or could renew no lease, and the others took it for dead. */
export function sessionsKept({ sessions, records, faults, grace = 0 }) {
  const found = [];
  if (!grace) return found;
  const lapses = records.filter(({ what }) => what === 'lapse');
  const after = new Map(); // session → the hello by which its client got another
  for (const record of records) if (record.what === 'reply' && record.before) of(after, record.before, () => record);
  for (const { id, records: own } of sessions.values()) {
    const ended = after.get(id);
    if (!ended || own.some(({ what, frame }) => what === 'send' && frame.type === 'bye')) continue; // its client ended it
    const attached = own.filter((record) => isWelcome(record));
    const node = attached.at(-1)?.node;
    const lost = own.findLast(({ what, n, link }) => (what === 'cut' || what === 'close') && n < ended.n && attached.some((one) => one.link === link));
    // A node that is killed while Redis is away tells of no lapse.
    const awayMs = (end) => end.t - faults.find(({ fault, begins }) => begins && fault === end.fault).t;
    const away = faults.some((fault) => fault.kind === 'redis.restart' && fault.ends && fault.t >= attached.at(-1).t && fault.t - LAPSE_MS <= ended.t && awayMs(fault) > LEASE_LEFT_MS);
    const frozen = faults.some((fault) => fault.kind === 'freeze' && fault.node === node && fault.t > attached.at(-1).t - LAPSE_MS && fault.t <= ended.t);
    const lapsed = lapses.some(({ node: lapser, t }) => lapser === node && t >= attached.at(-1).t && t - LAPSE_MS <= ended.t);
    if (lost && !frozen && !away && !lapsed && ended.t - lost.t < grace * 0.9) found.push({ message: `could not be resumed ${Math.round(ended.t - lost.t)} ms after its socket was lost`, session: id, who: own[0].who, at: ended.n });
  }
  return found;
}

/** What the end of the run found wrong itself stands in the history as `wrong`. */
export function endIsRight({ records }) {
  return records.filter(({ what }) => what === 'wrong').map(({ n, what, t, ...rest }) => ({ ...rest, at: n }));
}

export const CHECKS = {
  eventsInOrder,
  versionsRise,
  oneStory,
  neverTooMany,
  oneWinner,
  oneEnd,
  ringsEnd,
  noRingAfterTheEnd,
  ringsReach,
  sameAnswer,
  oneReplyEach,
  refusalsAreKnown,
  signalsArrive,
  offersArrive,
  crossingCallsAreOne,
  closesAreKnown,
  sessionsKept,
  endIsRight,
};

/** All that is wrong with a history. `grace`: the setting of the cluster. */
export function judge(records, { grace } = {}) {
  const index = { ...indexed(records), grace };
  return Object.entries(CHECKS).flatMap(([name, check]) => check(index).map((violation) => ({ check: name, ...violation })));
}
