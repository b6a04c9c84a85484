// Numbers that a seed decides. Each thing that draws has a stream of its own, so that leaving one out changes no other.

/** FNV-1a over the parts' text, 32 bits. */
function hash(...parts) {
  let h = 0x811c9dc5;
  for (const char of parts.join('/')) h = Math.imul(h ^ char.codePointAt(0), 0x01000193);
  return h >>> 0;
}

/** Mulberry32: small, and good enough to choose by. */
export class Random {
  #state;

  /** The stream that these parts (a seed, a name, a number) name. */
  constructor(...parts) {
    this.#state = hash(...parts);
  }

  /** In [0, 1). */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer in [from, to]. */
  between(from, to) {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  chance(p) {
    return this.next() < p;
  }

  /** One of a list, undefined of an empty one. Draws once in any case. */
  pick(list) {
    return list[Math.floor(this.next() * list.length)];
  }

  /** `count` different ones of a list, or as many as there are. */
  some(list, count) {
    const left = [...list];
    const taken = [];
    while (taken.length < count && left.length) taken.push(left.splice(Math.floor(this.next() * left.length), 1)[0]);
    return taken;
  }

  /** A key of {key: weight}. */
  weighted(weights) {
    const entries = Object.entries(weights);
    let left = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [key, weight] of entries) {
      left -= weight;
      if (left < 0) return key;
    }
    return entries.at(-1)[0];
  }
}
