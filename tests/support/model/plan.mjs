// What a run will do: a list of steps and a list of faults, decided by the seed alone. What a step acts on (which call, which ring) is chosen when its time
// comes, from what there is, by the step's own stream of numbers: so a step that is switched off changes no other step's choices but by what it would have
// done.
import { Random } from './random.mjs';

/** How often each kind of step comes, before the seed bends it. */
export const STEP_WEIGHTS = {
  'start.open': 4,
  'start.ring': 14,
  'start.group': 6,
  post: 4,
  take: 4,
  join: 8,
  invite: 5,
  alert: 6,
  accept: 14,
  reject: 5,
  cancel: 4,
  leave: 12,
  remove: 3,
  lock: 3,
  get: 4,
  signal: 20,
  'signal.early': 3,
  'presence.set': 5,
  'presence.watch': 5,
  'presence.unwatch': 1,
  'block.set': 2,
  'block.get': 1,
  on: 10,
  bye: 3,
  cut: 5,
  nap: 2,
  supersede: 2,
  move: 3,
  ping: 1,
  again: 3,
  'cut.after': 4,
  'race.glare': 6,
  'race.accept': 5,
  'race.accept.cancel': 3,
  'race.accept.reject': 2,
  'race.accept.leave': 2,
  'race.take': 3,
  'race.join': 4,
  'race.leave': 3,
  'race.invite': 2,
};

const FAULT_WEIGHTS = { kill: 4, freeze: 3, drain: 2, 'redis.clients': 3, 'redis.pubsub': 3, 'redis.restart': 2, 'redis.scripts': 1 };

/** A seed's own taste: some kinds often, some rarely, a few never. Runs that differ in this meet more than runs that are all average. */
function bent(weights, random, factors) {
  return Object.fromEntries(Object.entries(weights).map(([kind, weight]) => [kind, weight * random.pick(factors)]));
}

/** 'kill,race.glare,100-200' → does it name this kind or this number? A kind names its sub-kinds too: `race` all of them. */
export function selector(text) {
  const parts = (text ?? '').split(',').map((part) => part.trim()).filter(Boolean);
  const ranges = parts.filter((part) => /^\d+(-\d+)?$/.test(part)).map((part) => part.split('-').map(Number));
  const kinds = parts.filter((part) => !/^\d/.test(part));
  return {
    empty: parts.length === 0,
    names: ({ n, kind }) =>
      kinds.some((one) => kind === one || kind.startsWith(`${one}.`)) || ranges.some(([from, to = from]) => n >= from && n <= to),
  };
}

function planSteps(seed, { seconds, rate, steps: most }) {
  const random = new Random(seed, 'steps');
  const weights = bent(STEP_WEIGHTS, random, [0, 0.3, 1, 1, 1, 3]);
  weights.on = STEP_WEIGHTS.on; // without it nobody would ever be there
  const steps = [];
  for (let at = 0, n = 1; at < seconds * 1000 && n <= most; n += 1) {
    steps.push({ n, at: Math.round(at), kind: random.weighted(weights) });
    // Three of ten come in the same moment as the one before: that is where races are.
    const gap = -Math.log(1 - random.next()) * (1000 / rate);
    if (!random.chance(0.3)) at += gap / 0.7;
  }
  return steps;
}

/** For how long each lasts, in ms. A freeze outlasts the lease of 6 s now and then, and now and then the grace as well. */
const FAULT_MS = { kill: [200, 9000], freeze: [1000, 11_000], drain: [0, 2000], 'redis.restart': [50, 3500] };

function planFaults(seed, { seconds, nodes, calm }) {
  const random = new Random(seed, 'faults');
  const weights = bent(FAULT_WEIGHTS, random, [0, 1, 1, 2]);
  const faults = [];
  if (Object.values(weights).every((weight) => weight === 0)) return faults;
  const gap = random.pick([1500, 3000, 6000]);
  const down = Array(nodes).fill(0); // until when
  let redisDown = 0;
  for (let at = 1500, n = 1; at < seconds * 1000 - calm; at += -Math.log(1 - random.next()) * gap) {
    const kind = random.weighted(weights);
    const node = random.between(0, nodes - 1);
    const ms = FAULT_MS[kind] ? Math.min(random.between(...FAULT_MS[kind]), Math.max(200, Math.round(seconds * 1000 - at))) : 0;
    // Half of the nodes stay, and what is down is not hit again.
    const others = down.filter((until, i) => i !== node && until > at).length;
    if (kind === 'redis.restart' ? redisDown > at : FAULT_MS[kind] && (down[node] > at || others >= nodes / 2)) continue;
    if (kind === 'redis.restart') redisDown = at + ms + 1000;
    else if (FAULT_MS[kind]) down[node] = at + ms + 1500;
    faults.push({ n, at: Math.round(at), kind, node, ms });
    n += 1;
  }
  return faults;
}

/**
 * {steps: [{n, at, kind}], faults: [{n, at, kind, node, ms}]} of a seed; `at` in ms from the start. `skip` and `only` name kinds and ranges of step numbers;
 * a fault is named by its kind, or by f and its number: f3.
 */
export function makePlan({ seed, seconds, rate = 40, steps = Infinity, nodes = 4, calm = 500, skip = '', only = '' }) {
  const [without, within] = [selector(skip), selector(only)];
  const chosen = (entry) => !without.names(entry) && (within.empty || within.names(entry));
  // `only` with numbers alone speaks of steps; faults fall with it unless named.
  const asFault = ({ n, kind }) => chosen({ n: -1, kind }) && !(skip ?? '').split(',').includes(`f${n}`);
  const keepsFault = (fault) => asFault(fault) || (only ?? '').split(',').includes(`f${fault.n}`);
  return {
    steps: planSteps(seed, { seconds, rate, steps }).filter(chosen),
    faults: planFaults(seed, { seconds, nodes, calm }).filter(keepsFault),
  };
}
