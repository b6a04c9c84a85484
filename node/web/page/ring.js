// Tones, made on the spot, and the title that blinks while somebody calls.

const BLINK_MS = 1000;
let context;

/** The page's AudioContext; undefined where there is none. Before a first click or key browsers keep it silent. */
export function audio() {
  context ??= globalThis.AudioContext && new AudioContext();
  if (context?.state === 'suspended') context.resume().catch(() => {});
  return context;
}

for (const type of ['pointerdown', 'keydown']) addEventListener(type, audio, { once: true });

/** A soft tone after `after` s, that swells in `attack` s and dies away in `length` s. Gives what sounds, if anything does. */
function tone(frequency, after, length, { gain = 0.09, attack = 0.01, hold = 0 } = {}) {
  if (context?.state !== 'running' && navigator.userActivation?.hasBeenActive === false) return; // it would be in vain, and complained of
  const where = audio();
  if (where?.state !== 'running') return;
  const from = where.currentTime + after;
  const wave = new OscillatorNode(where, { frequency });
  const volume = new GainNode(where, { gain: 0 });
  volume.gain.linearRampToValueAtTime(0, from);
  volume.gain.linearRampToValueAtTime(gain, from + attack);
  volume.gain.setValueAtTime(gain, from + attack + hold);
  volume.gain.exponentialRampToValueAtTime(0.0001, from + attack + hold + length);
  wave.connect(volume).connect(where.destination);
  wave.start(from);
  wave.stop(from + attack + hold + length);
  return wave;
}

/** `play` gives the tones that it has begun: they end with the repeating. */
function repeat(play, ms) {
  let tones = play();
  const timer = setInterval(() => (tones = play()), ms);
  return () => {
    clearInterval(timer);
    for (const wave of tones) wave?.stop();
  };
}

/** Somebody calls: two rising chimes. Gives what stops it. */
export function ring() {
  return repeat(() => {
    if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.([250, 150, 250]);
    return [0, 0.9].flatMap((at) => [523, 659, 784].map((frequency, i) => tone(frequency, at + i * 0.12, 0.7)));
  }, 3200);
}

/** It rings at the other side: what a telephone says. */
export function ringback() {
  return repeat(() => [tone(425, 0, 0.1, { gain: 0.04, attack: 0.05, hold: 0.9 })], 4000);
}

export function came() {
  tone(587, 0, 0.25, { gain: 0.05 });
  tone(880, 0.09, 0.35, { gain: 0.05 });
}

export function went() {
  tone(587, 0, 0.25, { gain: 0.05 });
  tone(392, 0.09, 0.35, { gain: 0.05 });
}

const TITLE = document.title;
let blinking;

/** Who calls, or undefined, in the title. */
export function blink(who) {
  clearInterval(blinking);
  document.title = who ? `☎ ${who} is calling` : TITLE;
  if (!who || matchMedia('(prefers-reduced-motion: reduce)').matches) return;
  let on = true;
  blinking = setInterval(() => {
    on = !on;
    document.title = on ? `☎ ${who} is calling` : TITLE;
  }, BLINK_MS);
}
