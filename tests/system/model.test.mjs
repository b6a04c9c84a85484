// Random users against a real cluster, and judges of all that they saw (tests/support/model): no call too full, one winner, one end, nothing lost, nothing
// twice, all agree in the end, and nothing is left behind. By hand, for as long as one likes: tests/support/model/play.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromEnvironment, newSeed, play, report } from '../support/model/play.mjs';
// What the judges judge by is tested in the same breath.
import '../support/model/checks.test.mjs';
import '../support/model/model.test.mjs';

const SLOW = Number(process.env.TEST_SLOW ?? 1) > 1;
const SECONDS = process.env.TEST_LONG ? 180 : SLOW ? 20 : 60;
/** Seeds that found something once: [seed, seconds, what it was]. Played in short for ever. */
const SEEDS = [
  ['21', 12, 'a later call to a partner of crossing calls was the old one'],
  ['22', 12, 'who cancelled did not hear that the call ended'],
];

async function judged(settings, t) {
  t.diagnostic(`seed ${settings.seed}`);
  const run = await play(settings);
  t.diagnostic(`${run.plan.steps.length} steps, ${run.plan.faults.length} faults, ${run.history.records.length} records`);
  for (const { what, message } of run.history.records) if (what === 'note') t.diagnostic(message);
  assert.equal(run.violations.length, 0, run.violations.length && report(run, settings));
}

describe('random users, devices and faults', { timeout: (SECONDS + 180) * 1000 * (SLOW ? 3 : 1) }, () => {
  const asked = fromEnvironment();
  test('break no promise', (t) => judged({ ...asked, seconds: asked.seconds ?? SECONDS, rate: asked.rate ?? (SLOW ? 15 : undefined), seed: asked.seed ?? newSeed() }, t));

  for (const [seed, seconds, what] of asked.seed || SLOW ? [] : SEEDS) {
    test(`break none as they did once: ${what}`, (t) => judged({ seed, seconds }, t));
  }
});
