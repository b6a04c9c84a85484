// Clients as apps are: they come back by themselves when their socket goes, and send again what was not answered.
import { until, within } from './wait.mjs';

const UNDER_WAY_MAX = 32;

/** Keeps a client connected: whenever its socket goes it resumes at the first of `choose()` that takes it. */
export class Persistent {
  #live = Promise.resolve();
  #over = false;

  constructor(client, choose) {
    this.client = client;
    this.choose = choose;
    this.resumes = 0;
    this.watching = this.#watch();
  }

  async #watch() {
    for (;;) {
      await this.client.closed(2 ** 31 - 1);
      if (this.#over) return;
      let back;
      this.#live = new Promise((resolve) => {
        back = resolve;
      });
      await until(async () => this.#over || this.#resume(), `${this.client.user} to resume`);
      back();
      if (this.#over) return;
    }
  }

  async #resume() {
    for (const node of this.choose()) {
      try {
        const welcome = await this.client.resume(node);
        if (!welcome.resumed) throw new Error(`the session of ${this.client.user} was not resumed`);
        this.resumes += 1;
        return true;
      } catch (error) {
        if (/was not resumed/.test(error.message)) throw error;
      }
    }
    return false;
  }

  /** The reply to a request, over as many sockets as it takes; always sent with the same id. */
  async ask(type, fields) {
    this.client.lastId += 1;
    const id = this.client.lastId;
    for (;;) {
      await this.#live;
      if (!this.client.open) {
        await until(() => this.client.open, 'a socket'); // it closed just now: #watch() is about to see it
        continue;
      }
      try {
        return await this.client.ask(type, fields, id);
      } catch (error) {
        if (!/the socket closed/.test(error.message)) throw error;
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  /** Sends `count` numbered signals in order, some of them under way at a time. `onSent(n)` after each answer. */
  async sendNumbered(call, to, count, onSent = () => {}) {
    const underWay = new Set();
    for (let n = 0; n < count; n += 1) {
      const sent = this.ask('signal', { call, to, data: n }).then((reply) => {
        if (reply.type !== 'ok') throw new Error(`signal ${n} was refused: ${JSON.stringify(reply)}`);
        underWay.delete(sent);
        onSent(n);
      });
      underWay.add(sent);
      if (underWay.size >= UNDER_WAY_MAX) await within(Promise.race(underWay), `signal ${n} to be answered`);
    }
    await Promise.all(underWay);
  }

  /** Ends the session. */
  async leave() {
    this.#over = true;
    if (this.client.open) await this.client.close();
    await this.watching;
  }
}
