const rethrow = (error) =>
  queueMicrotask(() => {
    throw error;
  });

/** Names that begin with `_` are for this package only. */
export class Emitter {
  #listeners = new Map();

  on(name, listener) {
    // A new list each time: one that is being gone through stays as it is.
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), listener]);
    return () => this.off(name, listener);
  }

  off(name, listener) {
    this.#listeners.set(name, (this.#listeners.get(name) ?? []).filter((one) => one !== listener));
  }

  once(name) {
    return new Promise((resolve) => {
      const off = this.on(name, (...args) => {
        off();
        resolve(args);
      });
    });
  }

  _has(name) {
    return Boolean(this.#listeners.get(name)?.length);
  }

  _emit(name, ...args) {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        listener(...args);
      } catch (error) {
        (globalThis.reportError ?? rethrow)(error);
      }
    }
  }
}
