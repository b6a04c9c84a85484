// Waiting for conditions, never for time: every wait has a deadline that is only met by a failure, and says what it waited for.
import { setTimeout as sleep } from 'node:timers/promises';

/** Sanitizer builds are slower; so are machines that do something else as well. */
const SLOW = Number(process.env.TEST_SLOW ?? 1);
/** What is met in a moment where all is well. A machine that stood still for some seconds is no failure. */
export const DEADLINE_MS = 30_000 * SLOW;
const PACES = [1, 3, 9];

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

/**
 * Asks `condition` again and again until it gives something true, and returns that. Where a look takes long, what it saw may be old when it ends: the one that
 * fails was begun when the time was over.
 */
export async function until(condition, what, ms = DEADLINE_MS) {
  const end = performance.now() + ms; // a clock that somebody sets is none to wait by
  for (;;) {
    const isLast = performance.now() > end;
    const value = await condition();
    if (value) return value;
    if (isLast) throw new Error(`waited ${ms} ms for ${typeof what === 'function' ? what() : what}`);
    await sleep(10);
  }
}

/**
 * Plays a story in which something short (a grace, a heartbeat, a token's life) must not end before something else is done. On a busy machine it may, and then
 * the story fails: it is played again with all those times longer, `pace` times as long. What is wrong is wrong at every pace.
 */
export async function unhurried(story) {
  for (const pace of PACES) {
    try {
      return await story(pace);
    } catch (error) {
      if (pace === PACES.at(-1)) throw error;
      console.log(`once more, slower: ${error.message}`);
    }
  }
  return undefined;
}
