// Real pages in the machine's own Chromium: opened at a node, looked at, listened to.
//
// Run by tests/support/in-netns, as tests/run does: nodes, Redis and Chromium are all in that network namespace.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';
import { startCluster } from './cluster.mjs';
import { DEADLINE_MS, stretched, until } from './wait.mjs';

export const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-headless-shell'].find(existsSync);
const LOGS = fileURLToPath(new URL('../../build/test-logs/', import.meta.url));
/** Where failed tests leave what their pages showed and said. */
const FAILURES = join(LOGS, 'browser');
const SCREENSHOTS = join(LOGS, 'screenshots');
/** The address that candidates name: tests/support/in-netns. */
const MEDIA = '10.99.0.1';
/** Packets of 20 ms: what counts as hearing is a second of speech. */
const PACKETS_HEARD = 50;

function whyNot() {
  if (!CHROMIUM) return 'there is no chromium on this machine';
  if (process.env.TEST_NETNS === 'yes') return false;
  return process.env.TEST_NETNS ?? 'run this by tests/support/in-netns';
}
/** Like describe(); where pages can't be tested it counts as one skipped test that says why. */
export function describePages(name, body) {
  const why = whyNot();
  return why ? test(name, { skip: why }) : describe(name, body);
}

/** What Chromium writes on the console when a node or the network is away. */
export const UNREACHED = /^WebSocket connection to|net::ERR_(CONNECTION|INTERNET|SOCKET|NETWORK|ADDRESS)/;

const ALWAYS = ['--no-sandbox'];
const MICROPHONES = {
  /** Beeps once a second. */
  fake: ['--use-fake-device-for-media-stream'],
  none: ['--disable-audio-input'],
};

/** Runs in each page before its own scripts: remembers the connections that the page makes. */
function watchConnections() {
  const all = [];
  const Original = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class RTCPeerConnection extends Original {
    constructor(...args) {
      super(...args);
      all.push(this);
    }
  };
  const heard = async (connection) => {
    const sums = { id: all.indexOf(connection), state: connection.connectionState, packets: 0, energy: 0, at: performance.now() };
    for (const report of (await connection.getStats()).values()) {
      if (report.type !== 'inbound-rtp' || report.kind !== 'audio') continue;
      sums.packets += report.packetsReceived;
      sums.energy += report.totalAudioEnergy ?? 0;
    }
    return sums;
  };
  const sample = () => Promise.all(all.filter((one) => one.connectionState !== 'closed').map(heard));
  const silences = () => {
    const LOOK_MS = 50;
    const last = new Map(); // connection → its last sample, and how long it was silent then
    const lost = []; // states that were not `connected`
    let longest = 0;
    const look = async () => {
      for (const now of await sample()) {
        if (now.state !== 'connected') lost.push(now.state);
        const before = last.get(now.id);
        // A browser that stood still heard nothing, and yet nobody was silent: of a gap between two looks no more counts than it should be.
        const silent = now.packets === before?.packets ? before.silent + Math.min(now.at - before.at, 2 * LOOK_MS) : 0;
        last.set(now.id, { ...now, silent });
        longest = Math.max(longest, silent);
      }
    };
    const timer = setInterval(look, LOOK_MS);
    return async () => {
      clearInterval(timer);
      await look();
      return { longest: Math.round(longest), lost, connections: last.size };
    };
  };
  /** Describes the open connections anew, as a change of network makes a client do. */
  const restart = () => all.filter((one) => one.connectionState !== 'closed').forEach((one) => one.restartIce());
  const ufrags = () =>
    all.filter((one) => one.connectionState !== 'closed').flatMap((one) => [one.localDescription, one.remoteDescription].map((sdp) => /a=ice-ufrag:(.*)/.exec(sdp?.sdp)?.[1]));
  Object.defineProperty(globalThis, 'testAudio', { value: { sample, silences, restart, ufrags } });
}

/** One page, and who sits before it. */
class Visitor {
  constructor(page, name) {
    this.page = page;
    this.name = name;
    this.errors = []; // what the browser calls an error
    this.console = []; // and all that it said
    page.on('console', (message) => {
      this.console.push(`${message.type()}: ${message.text()}`);
      if (message.type() === 'error') this.errors.push(message.text());
    });
    page.on('websocket', (socket) => {
      this.port = Number(new URL(socket.url()).port); // of the node whose socket it opened last
    });
    page.on('pageerror', (error) => {
      this.console.push(`uncaught: ${error.stack}`);
      this.errors.push(`uncaught: ${error.message}`);
    });
  }

  button(name) {
    return this.page.getByRole('button', { name });
  }

  /** The sound that comes in by each open connection: [{id, state, packets, energy}]. */
  audio() {
    return this.page.evaluate(() => globalThis.testAudio.sample());
  }

  /**
   * Waits until this page has exactly so many connections and on each of them packets and sound go on coming. `others`: how many, or
   * who tells it at every look; where there is nobody, there is nothing to be heard.
   */
  async hears(others, ms = stretched(20_000)) {
    const first = new Map();
    let [now, wanted] = [[], others];
    const grew = (one) => {
      if (!first.has(one.id)) first.set(one.id, one);
      const from = first.get(one.id);
      return one.state === 'connected' && one.packets >= from.packets + PACKETS_HEARD && one.energy > from.energy;
    };
    await until(
      async () => {
        now = await this.audio();
        wanted = typeof others === 'function' ? await others() : others;
        return wanted === 0 || (now.map(grew).every(Boolean) && now.length === wanted);
      },
      () => `${this.name} to hear ${wanted}; its connections: ${JSON.stringify(now)}`,
      ms,
    );
  }

  /** Begins to measure; the function that comes back ends it and gives {longest: ms without a packet, lost: states other than connected, connections}. */
  async listen() {
    const measuring = await this.page.evaluateHandle(() => globalThis.testAudio.silences());
    return () => measuring.evaluate((end) => end());
  }

  /** Negotiates the open connections anew and waits until both ends of each speak by it. */
  async renegotiates() {
    const ufrags = () => this.page.evaluate(() => globalThis.testAudio.ufrags());
    const old = await ufrags();
    await this.page.evaluate(() => globalThis.testAudio.restart());
    await until(async () => (await ufrags()).every((one) => one && !old.includes(one)), `${this.name} to have negotiated anew`);
  }

  /** Waits until the page shows this text, which a person could see. */
  async sees(text, ms = DEADLINE_MS) {
    await this.page
      .getByText(text)
      .filter({ visible: true })
      .first()
      .waitFor({ timeout: ms })
      .catch(async () => {
        throw new Error(`waited ${ms} ms for ${this.name} to see ${text}; the page says: ${await this.text()}`);
      });
  }

  /** Waits until nothing of this text is to be seen. */
  async seesNo(text, ms = DEADLINE_MS) {
    const found = this.page.getByText(text).filter({ visible: true });
    await until(async () => (await found.count()) === 0, `${this.name} to see no more of ${text}`, ms);
  }

  text() {
    return this.page.locator('body').innerText();
  }

  async screenshot(name, options = {}) {
    mkdirSync(SCREENSHOTS, { recursive: true });
    await this.page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), animations: 'disabled', ...options });
  }

  /** Leaves for people what there is to see. */
  async save(test) {
    mkdirSync(FAILURES, { recursive: true });
    const file = join(FAILURES, `${test}-${this.name}`.replace(/[^\w.-]+/g, '-'));
    writeFileSync(`${file}.log`, [...this.console, '', await this.text().catch(String)].join('\n'));
    await this.page.screenshot({ path: `${file}.png` }).catch(() => {});
  }
}

class Browser {
  #chromium;

  constructor(launched) {
    this.#chromium = launched;
  }

  /**
   * Runs `body(open)` with pages of its own, which are closed afterwards. `t` is the test's. Errors that a page's console shows fail the test, but for
   * those that match `errors`: a browser tells there of each connection that it does not get (UNREACHED).
   *
   * `open(node, options)` gives a Visitor: `user` signs in at once; `nodes` are further nodes that the page may go to; `hash` of the address; `beside`:
   * another visitor, of whose browser profile this is a second tab; `microphone: false` denies it; `context`: more options of Playwright's newContext().
   */
  async play(t, { errors }, body) {
    const visitors = [];
    const contexts = new Map();
    const open = async (node, { user, nodes = [], hash = '', path = '/', beside, microphone = true, context = {} } = {}) => {
      const origins = contexts.get(beside) ?? (await this.#chromium.newContext({ reducedMotion: 'reduce', ...context }));
      if (!beside) {
        await origins.addInitScript(watchConnections);
        await origins.grantPermissions(microphone ? ['microphone'] : []);
        await origins.tracing.start({ snapshots: true });
      }
      const visitor = new Visitor(await origins.newPage(), user ?? `visitor ${visitors.length + 1}`);
      visitor.page.setDefaultTimeout(DEADLINE_MS);
      visitors.push(visitor);
      contexts.set(visitor, origins);
      const query = new URLSearchParams();
      if (user) query.set('user', user);
      if (nodes.length) query.set('nodes', nodes.map((one) => `127.0.0.1:${one.port}`).join());
      const go = () => visitor.page.goto(`http://127.0.0.1:${node.port}${path}${String(query) && `?${query}`}${hash}`);
      // Chromium opens sockets ahead; where it then takes seconds to use one, the node has closed it.
      await go().catch((error) => (/ERR_SOCKET_NOT_CONNECTED/.test(error.message) ? go() : Promise.reject(error)));
      return visitor;
    };
    try {
      await body(open);
      const wrong = visitors.flatMap(({ name, errors: all }) => all.filter((one) => !errors?.test(one)).map((one) => `${name}: ${one}`));
      assert.equal(wrong.join('\n'), '', `the browser calls errors: ${wrong.join('; ')}`);
    } catch (error) {
      const name = t.name.slice(0, 60);
      for (const one of visitors) await one.save(name);
      let traces = 0;
      for (const one of new Set(contexts.values())) {
        traces += 1;
        await one.tracing.stop({ path: join(FAILURES, `${name.replace(/[^\w.-]+/g, '-')}-${traces}.zip`) }).catch(() => {});
      }
      throw error;
    } finally {
      for (const one of new Set(contexts.values())) {
        await one.tracing.stop().catch(() => {}); // or what it wrote stays in the temporary directory
        await one.close();
      }
    }
  }

  close() {
    return this.#chromium.close();
  }
}

/** `microphone`: 'fake' or 'none'. Headless. */
export async function startBrowser({ microphone = 'fake', args = [] } = {}) {
  return new Browser(await chromium.launch({ executablePath: CHROMIUM, args: [...ALWAYS, ...MICROPHONES[microphone], ...args] }));
}

/**
 * For the tests of one suite: a cluster of two nodes that serve the page, and a browser. Gives {cluster, browser}, filled once the tests run; `options` as
 * startBrowser() takes them.
 */
export function setUp(options) {
  const stage = {};
  before(async () => {
    stage.cluster = await startCluster({ nodes: 2, settings: { dev: true } });
    stage.browser = await startBrowser(options);
  });
  after(async () => {
    await stage.browser?.close();
    await stage.cluster?.stop();
  });
  return stage;
}

/** Takes away the network between the pages, not that to their nodes, or gives it back: media goes by an address of its own, sockets by the loopback. */
export async function mediaNetwork(up) {
  const kind = up ? ['local', MEDIA, 'dev', 'media'] : ['blackhole', MEDIA];
  await promisify(execFile)('ip', ['route', 'replace', ...kind, 'table', 'local']);
}
