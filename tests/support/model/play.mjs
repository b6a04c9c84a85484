// Plays random users against a real cluster for a while, and judges what they saw.
import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startCluster } from '../cluster.mjs';
import { judge } from './checks.mjs';
import { Device } from './device.mjs';
import { end } from './end.mjs';
import { playFault } from './faults.mjs';
import { History, line, tells } from './history.mjs';
import { makePlan } from './plan.mjs';
import { Random } from './random.mjs';
import { STEPS, Stage } from './steps.mjs';

const USERS = 20;
const DEVICES_MAX = 3;
const NODES = 4;
/** Short, so that a minute holds many ends of it. */
const GRACE_MS = 3000;
const SHOWN = 8;

/** What the environment says of a run; see docs of the test. */
export function fromEnvironment(env = process.env) {
  const number = (name) => (env[name] ? Number(env[name]) : undefined);
  return { seed: env.MODEL_SEED || undefined, seconds: number('MODEL_SECONDS'), steps: number('MODEL_STEPS'), rate: number('MODEL_RATE'), skip: env.MODEL_SKIP, only: env.MODEL_ONLY };
}

function cast(seed, nodes, history) {
  const random = new Random(seed, 'cast');
  const users = Array.from({ length: USERS }, (_, i) => `u${String(i).padStart(2, '0')}`);
  const devices = users.flatMap((user) => {
    const names = ['a', 'b', 'c'].slice(0, random.between(1, DEVICES_MAX));
    return names.map((name) => new Device(user, name, { seed, format: random.pick(['json', 'msgpack']), nodes, history }));
  });
  return { users, devices };
}

/** Two thirds are there from the beginning. */
function arrive(seed, devices) {
  const random = new Random(seed, 'arrive');
  for (const device of devices) if (random.chance(0.66)) device.wake();
}

async function playSteps(steps, stage, seed, history, began) {
  const under = new Set();
  for (const step of steps) {
    const wait = began + step.at - Date.now();
    if (wait > 0) await pause(wait);
    const done = Promise.resolve(STEPS[step.kind](stage, new Random(seed, 'step', step.n))).finally(() => under.delete(done));
    under.add(done);
  }
  // Whoever is away has to come back before its last requests are answered.
  return () => Promise.all(under);
}

async function playFaults(faults, cluster, history, began) {
  const playing = faults.map(async (fault) => {
    await pause(Math.max(0, began + fault.at - Date.now()));
    await playFault(cluster, fault, history);
  });
  await Promise.allSettled(playing); // none of them goes on behind the end, whichever failed
  await Promise.all(playing);
  for (const node of cluster.nodes) {
    node.thaw();
    await node.untilReady();
  }
}

/** One run. Gives {violations, history, totals, kept, plan}. */
export async function play({ seed, seconds, steps, rate, skip, only }) {
  const plan = makePlan({ seed, seconds, rate, steps, skip, only, nodes: NODES });
  const history = new History();
  const cluster = await startCluster({ nodes: NODES, settings: { 'grace-ms': GRACE_MS }, redis: { appendOnly: true } });
  const stage = new Stage(cast(seed, cluster.nodes, history));
  const kept = new Map();
  const watchdog = setInterval(() => stage.devices.forEach((device) => device.watch()), 250);
  let parts = [];
  try {
    arrive(seed, stage.devices);
    const began = Date.now();
    parts = [playSteps(plan.steps, stage, seed, history, began), playFaults(plan.faults, cluster, history, began)];
    const [rest] = await Promise.all(parts);
    history.add('note', { message: 'the plan is played' });
    await end(stage, cluster, history, { grace: GRACE_MS, kept });
    await rest();
  } finally {
    await Promise.allSettled(parts); // when one has failed the other goes on, and would wake devices and nodes for good
    clearInterval(watchdog);
    for (const device of stage.devices) device.drop();
    for (const node of cluster.nodes) history.addLapses(node);
    await cluster.stop();
  }
  return { violations: judge(history.records, { grace: GRACE_MS }), history, totals: stage.totals, kept, plan };
}

/** Writes all of a history where TEST_LOGS says, and gives the file's name. */
function keep(history, seed) {
  const dir = process.env.TEST_LOGS ?? tmpdir();
  mkdirSync(dir, { recursive: true });
  const path = join(dir, `model-${seed}.log`);
  writeFileSync(path, `${history.records.map((record) => line(record)).join('\n')}\n`);
  return path;
}

/** What is to be said of a run that found something: what, how to play it again, and the end of the story that the first violation is about. */
export function report({ violations, history }, { seed, seconds }) {
  const lines = [`seed ${seed}: ${violations.length} violations. Again: MODEL_SEED=${seed} MODEL_SECONDS=${seconds} tests/support/model/play`, `all that happened: ${keep(history, seed)}`, ''];
  for (const { check, message, call, session, who } of violations.slice(0, SHOWN)) lines.push(`${check}: ${message} (${[call && `call ${call}`, session && `session ${session}`, who].filter(Boolean).join(', ')})`);
  if (violations.length > SHOWN) lines.push(`… and ${violations.length - SHOWN} more`);
  lines.push('', 'about the first:', ...tells(history.records, violations[0]));
  return lines.join('\n');
}

/** A seed for a run that was told none. */
export function newSeed() {
  return String(Date.now() % 1_000_000_000);
}
