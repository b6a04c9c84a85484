// Clients as apps are: they come back by themselves when their socket goes, and send again what was not answered.
import assert from 'node:assert/strict';
import { until, within } from './wait.mjs';

const UNDER_WAY_MAX = 32;

/** Keeps a client connected: whenever its socket goes it resumes at the first of `choose()` that takes it, and sends what was not answered again, in order. */
export class Persistent {
  #unanswered = new Map(); // id → {type, fields, resolve}
  #up = true;
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
      this.#up = false;
      await until(() => this.#over || this.#resume(), `${this.client.user} to resume`);
      if (this.#over) return;
      this.#up = true;
      for (const id of this.#unanswered.keys()) this.#transmit(id);
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

  #transmit(id) {
    const { type, fields, resolve } = this.#unanswered.get(id);
    this.client.ask(type, fields, id).then(
      (reply) => {
        this.#unanswered.delete(id);
        resolve(reply);
      },
      () => {}, // the socket closed: it is sent again after the resume
    );
  }

  /** The reply to a request, over as many sockets as it takes; always sent with the same id. */
  ask(type, fields) {
    this.client.lastId += 1;
    const id = this.client.lastId;
    return new Promise((resolve) => {
      this.#unanswered.set(id, { type, fields, resolve });
      if (this.#up) this.#transmit(id);
    });
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

  /** Nothing more of that type has come, over all its sockets. */
  async quiet(type) {
    await this.client.caughtUp();
    await within(this.ask('ping', {}), `${this.client.user} to be answered`);
    if (this.client.broken) throw this.client.broken;
    assert.deepEqual(this.client.events.filter((event) => event.type === type), []);
  }

  /** Ends the session. */
  async leave() {
    this.#over = true;
    if (this.client.open) await this.client.close();
    await this.watching;
  }
}
