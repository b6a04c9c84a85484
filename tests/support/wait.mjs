// Waiting for conditions, never for time: every wait has a deadline that is only met by a failure, and says what it waited for.
import { setTimeout as sleep } from 'node:timers/promises';

/** Sanitizer builds are slower; so are machines that do something else as well. */
const SLOW = Number(process.env.TEST_SLOW ?? 1);
export const DEADLINE_MS = 10_000 * SLOW;

/** `ms` stretched as this build needs it. */
export function stretched(ms) {
  return ms * SLOW;
}

/** The promise's outcome, or a failure that names `what` once `ms` have passed. `what` may be a function, asked at the end. */
export function within(promise, what, ms = DEADLINE_MS) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms for ${typeof what === 'function' ? what() : what}`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Asks `condition` again and again until it gives something true, and returns that. */
export async function until(condition, what, ms = DEADLINE_MS) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited ${ms} ms for ${typeof what === 'function' ? what() : what}`);
    await sleep(10);
  }
}
