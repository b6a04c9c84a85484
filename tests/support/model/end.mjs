// The end of a run: faults are over, everybody comes back, and within the times that the design promises all must agree. What does not is written into the
// history as `wrong`, for the checks to find.
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { stretched, until } from '../wait.mjs';

/** Promise 5: views agree this soon after a fault healed. */
const AGREE_MS = 5000;
/** Beyond the grace: what the sweeping of a dead node's sessions may take (its lease, a renewal, a round of the owner). */
const LEASE_MS = 9000;
const RING_MS = 7000;

/** A machine that does something else as well may take longer than promised: that is written down, but no failure. What is wrong for so long stays wrong. */
const PATIENCE_MS = 20_000;

/** Asks `find` for what is wrong until nothing is, or it is clear that it will stay so; what is left is written down. `ms`: what is promised. */
async function untilRight(what, find, ms, history) {
  let wrong = [];
  const right = async () => {
    wrong = await find();
    if (wrong.length) await pause(200); // looking is not free
    return wrong.length === 0;
  };
  const began = Date.now();
  await until(right, 'all to be right', stretched(Math.max(ms, PATIENCE_MS))).catch(() => {});
  for (const one of wrong) history.add('wrong', one);
  history.add('note', { message: `${what} after ${Date.now() - began} ms, promised within ${ms} ms` });
  return wrong.length === 0;
}

const seatsOf = (members) => Object.fromEntries([...members].map(([peer, { user, device }]) => [peer, `${user}/${device}`]));
const asMap = (members) => new Map(members.map((one) => [one.peer, one]));

/** What a member's view of a call has otherwise than a snapshot of the truth, or null. A member hears nothing of its own socket's comings and goings. */
export function disagreement(view, snapshot) {
  const { members, ringing, locked, version } = view.state;
  const truth = asMap(snapshot.members);
  if (!isDeepStrictEqual(seatsOf(members), seatsOf(truth))) return `sees ${JSON.stringify(seatsOf(members))} at ${version}, but there sit ${JSON.stringify(seatsOf(truth))} at ${snapshot.version}`;
  for (const [peer, { state }] of members) {
    if (peer !== view.peer && state !== truth.get(peer).state) return `sees peer ${peer} ${state}, but it is ${truth.get(peer).state}`;
  }
  if (ringing && !isDeepStrictEqual([...ringing].sort(), [...snapshot.ringing].sort())) return `sees ${[...ringing]} ringing at ${version}, but there ring ${snapshot.ringing} at ${snapshot.version}`;
  if (locked !== null && locked !== snapshot.locked) return `sees it ${locked ? '' : 'un'}locked at ${version}, but it is not, at ${snapshot.version}`;
  if (version > snapshot.version) return `is at version ${version}, ahead of the truth's ${snapshot.version}`;
  return null;
}

/** Every call that Redis holds: {call, key, state, version, seats, members: [{peer, session, user, device, state}]}. */
async function callsInRedis(redis) {
  const read = `local c = KEYS[1]
    local state, version, seats, members = unpack(redis.call('HMGET', c, 'state', 'version', 'seats', 'members'))
    if not state then return '{}' end
    return cjson.encode({state = state, version = tonumber(version), seats = tonumber(seats), members = cmsgpack.unpack(members or '\\144')})`;
  const keys = (await redis.command('KEYS', '*:call:*')).sort();
  const calls = [];
  for (const key of keys) {
    const call = JSON.parse(await redis.command('EVAL', read, 1, key));
    if (call.state) calls.push({ ...call, key, call: key.split(':').at(-1), members: Array.isArray(call.members) ? call.members : [] });
  }
  return calls;
}

/** Where a session's view and the truth differ: by call.get for what it believes, by Redis for what it does not know that it should. */
async function disagreements({ devices }, { redis }) {
  const wrong = [];
  const ready = devices.filter((device) => device.ready);
  for (const device of ready) {
    for (const view of [...device.view.calls.values()]) {
      const snapshot = await device.ask('call.get', { call: view.call, probe: true });
      if (!device.view.calls.has(view.call)) continue; // it ended meanwhile
      const what = snapshot.type === 'ok' ? disagreement(view, snapshot) : `believes to sit in it, but call.get says ${snapshot.code ?? snapshot.type}`;
      if (what) wrong.push({ message: `${device.who} ${what}`, call: view.call, session: device.session?.id, who: device.who });
    }
  }
  const bySession = new Map(ready.map((device) => [device.session.id, device]));
  for (const { call, state, members } of await callsInRedis(redis)) {
    if (state === 'ended') continue;
    for (const { session, user, device } of members) {
      const there = bySession.get(session);
      if (!there) wrong.push({ message: `in Redis ${user}/${device} sits there with a session that nobody has`, call, session, who: `${user}/${device}` });
      else if (!there.view.calls.has(call)) wrong.push({ message: `in Redis ${there.who} sits there, but does not know it`, call, session, who: there.who });
    }
  }
  return wrong;
}

/** The values that the last `type` requests of a user's devices may have left, as `pick` reads them from their fields: several if they overlapped. */
export function lastWords(records, user, type, pick, fallback) {
  const asked = new Map(); // session and id → {from, until, value}
  for (const { what, who, session, frame, request, n } of records) {
    if (who?.split('/')[0] !== user) continue;
    const key = `${session} ${frame?.id}`;
    if (what === 'send' && frame.type === type && !asked.has(key)) asked.set(key, { from: n, until: Infinity, value: pick(frame) });
    // An `unavailable` request may have had its effect all the same.
    if (what === 'reply' && request === type && asked.has(key)) {
      if (frame.type === 'ok') Object.assign(asked.get(key), { until: n, sure: true });
      else if (frame.code !== 'unavailable') asked.delete(key);
    }
  }
  const all = [...asked.values()];
  const standing = all.filter((one) => !all.some((other) => other.sure && other.from > one.until));
  const values = standing.map(({ value }) => value);
  return standing.some(({ sure }) => sure) ? values : [...values, fallback];
}

/** Whether a watcher's last word on a user fits what the driver knows of that user. */
export function presenceFits(word, { statuses, blockers, devices, inCall }, watcher) {
  const looksOffline = devices === 0 || (statuses.includes('invisible') && statuses.length === 1) || (blockers.length === 1 && blockers[0].includes(watcher));
  if (!word) return false;
  if (word.status === 'offline') return looksOffline || statuses.includes('invisible') || blockers.some((list) => list.includes(watcher));
  return !looksOffline && statuses.includes(word.status) && word.in_call === inCall && (word.devices === undefined || word.devices === devices);
}

function presenceOf({ devices }, records, user) {
  const there = devices.filter((device) => device.user === user && device.ready);
  return {
    statuses: lastWords(records, user, 'presence.set', ({ status }) => status, 'available'),
    blockers: lastWords(records, user, 'block.set', ({ users }) => users, []),
    devices: there.length,
    inCall: there.some(({ view }) => view.calls.size > 0),
  };
}

/** Whose last word on somebody is not the truth. */
function wrongPresence(stage, { records }) {
  const truths = new Map(stage.users.map((user) => [user, presenceOf(stage, records, user)]));
  const wrong = [];
  for (const device of stage.ready) {
    for (const [user, word] of device.view.watched) {
      if (presenceFits(word, truths.get(user), device.user)) continue;
      wrong.push({ message: `${device.who} was told of ${user} last: ${JSON.stringify(word)}, but ${JSON.stringify(truths.get(user))}`, session: device.session.id, who: device.who });
    }
  }
  return wrong;
}

/** What may stay in Redis when all are gone: why, and the longest time to live (ms); null: for good. */
const STAYS = [
  [/:call:/, 'an ended call answers `gone` for two minutes', 120_000],
  [/:log:/, 'with its call', 120_000],
  [/^\{cluster\}:nodes$/, 'the nodes that live, and lately died', null],
  [/^\{cluster\}:node-card:/, 'how a node fared, as long as it is remembered', 700_000],
  [/^\{cluster\}:partitions$/, 'fixed when the cluster first started', null],
  [/:presence:/, 'status and when somebody was last seen', 7 * 86_400_000],
  [/:blocks:/, 'what a user set stays', null],
  [/:rings:/, 'a ring that is over, so that a late word does not bring it back', 600_000],
  [/:pair:/, 'who won two crossing calls', 300_000],
  [/:limits:/, 'token buckets', 3_600_000],
];

/** Why a key may stay, or null. */
export function mayStay(key, ttl) {
  const [, why, most] = STAYS.find(([pattern]) => pattern.test(key)) ?? [];
  if (!why) return null;
  return most === null || (ttl >= 0 && ttl <= most) ? why : null;
}

async function leftovers({ redis }, kept) {
  const wrong = [];
  kept.clear();
  const nodes = await redis.command('ZRANGE', '{cluster}:nodes', 0, -1);
  for (const key of (await redis.command('KEYS', '*')).sort()) {
    const ttl = await redis.command('PTTL', key);
    if (ttl === -2) continue;
    const holds = key.endsWith(':holders') && (await redis.command('SMEMBERS', key)).every((node) => nodes.includes(node));
    const why = holds ? 'living nodes that held sessions there' : mayStay(key, ttl);
    if (why) kept.set(why, (kept.get(why) ?? 0) + 1);
    else wrong.push({ message: `${key} is left in Redis, time to live ${ttl}${await contents(redis, key)}`, call: /:(?:call|log):(.*)$/.exec(key)?.[1], session: /:(?:session|mailbox|replies):(.*)$/.exec(key)?.[1] });
  }
  return wrong;
}

/** What a key holds, for the people who look. */
async function contents(redis, key) {
  const read = { hash: ['HGETALL', key], zset: ['ZRANGE', key, 0, -1, 'WITHSCORES'], set: ['SMEMBERS', key], string: ['GET', key] }[await redis.command('TYPE', key)];
  return read ? `: ${JSON.stringify(await redis.command(...read)).slice(0, 500)}` : '';
}

/** Everybody who means to be there is, and has its answers. */
function unquiet({ devices }) {
  return devices.filter((device) => !device.quiet).map((device) => ({ message: `${device.who} does not come to rest: ${device.session ? `${device.session.unanswered.size} requests are not answered` : 'no session'}`, who: device.who, session: device.session?.id }));
}

function ringing({ devices }) {
  return devices.filter((device) => device.ready).flatMap((device) => [...device.view.rings.keys()].map((call) => ({ message: `${device.who} still rings`, call, session: device.session.id, who: device.who })));
}

/** The whole end; `kept` (a Map of reasons) tells what stayed. */
export async function end(stage, cluster, history, { grace, kept = new Map() }) {
  for (const device of stage.devices) if (device.wanted) device.wake();
  const back = await untilRight('everybody is back', () => unquiet(stage), PATIENCE_MS, history);
  await untilRight('nobody rings', () => ringing(stage), RING_MS + AGREE_MS, history);
  await untilRight('all agree', () => disagreements(stage, cluster), AGREE_MS + grace + LEASE_MS, history);
  if (!stage.off.has('presence.watch')) await untilRight('presence is right', () => wrongPresence(stage, history), AGREE_MS + grace, history);
  for (const { call, members, version } of await callsInRedis(cluster.redis)) history.add('truth', { call, snapshot: { version, members } });
  if (back) for (const device of stage.ready) history.add('lasts', { session: device.session.id, who: device.who });
  await goodbye(stage, history);
  await untilRight('nothing is left', () => leftovers(cluster, kept), AGREE_MS + grace + LEASE_MS, history);
}

async function goodbye({ devices }, history) {
  for (const device of devices) if (device.ready) device.ask('bye');
  await untilRight('all are gone', () => devices.filter((device) => device.wanted).map((device) => ({ message: `${device.who} said bye and is not gone`, who: device.who, session: device.session?.id })), 10_000, history);
  for (const device of devices) device.drop();
}
