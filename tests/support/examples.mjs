// Plays the examples of docs/protocol.md against real nodes. What a line may say stands there, under "How to read the examples".
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { decode, encode } from '@msgpack/msgpack';
import WebSocket from 'ws';
import { CHROMIUM } from './calls.mjs';
import { caughtUp } from './client.mjs';
import { startCluster } from './cluster.mjs';
import { mint, nowSeconds } from './token.mjs';
import { DEADLINE_MS, stretched, within } from './wait.mjs';

/** Numbers that differ from run to run: only that they are numbers is compared. */
const VARYING = new Set(['created_ms', 'expires_ms', 'expires_in_ms', 'last_seen_ms', 'retry_after_ms', 'after_ms']);
const SETTLE_ID = 2 ** 40;
/** The tests' own settings that the page's numbers must not show. */
const AS_BY_DEFAULT = { 'frames-per-second': undefined, 'frames-burst': undefined, 'bytes-per-second': undefined, 'bytes-burst': undefined };

/** What a placeholder stands for when it is known beforehand. */
function given(name) {
  const ofUser = /^token of (\w+)$/.exec(name);
  if (ofUser) return mint(ofUser[1], { name: ofUser[1][0].toUpperCase() + ofUser[1].slice(1) });
  return { 'expired token': mint('alice', { exp: nowSeconds() - 3600 }), 'offer SDP': CHROMIUM.audio.offer, 'answer SDP': CHROMIUM.audio.answer, 'video SDP': CHROMIUM.video.offer }[name];
}

/** The page's examples: [{heading, line, settings, text}], in order. `heading` is the last `## …` before it. */
export function readExamples(markdown) {
  const found = [];
  let heading = '';
  let open;
  for (const [i, text] of markdown.split('\n').entries()) {
    if (open && text === '```') open = undefined;
    else if (open) open.text.push({ line: i + 1, text });
    else if (/^## /.test(text)) heading = text.slice(3);
    else if (text.startsWith('```wire')) {
      const settings = Object.fromEntries(text.slice(7).trim().split(/\s+/).filter(Boolean).map((one) => one.split('=')));
      open = { heading, line: i + 1, settings, text: [] };
      found.push(open);
    }
  }
  return found.map((one) => ({ ...one, steps: readSteps(one.text) }));
}

/** Lines that begin with a blank go on with the one before. */
function readSteps(lines) {
  const joined = [];
  for (const { line, text } of lines) {
    if (/^\s+\S/.test(text) && joined.length) joined.at(-1).text += text.trim();
    else if (text.trim()) joined.push({ line, text: text.trim() });
  }
  return joined.map(({ line, text }) => ({ line, ...readStep(text, line) }));
}

function readStep(text, line) {
  let found;
  if ((found = /^(\w+)\s+([→←]) (\{.*\})$/.exec(text))) return { kind: found[2] === '→' ? 'send' : 'hear', who: found[1], frame: JSON.parse(found[3]) };
  if ((found = /^(\w+)\s+← close (\d+)$/.exec(text))) return { kind: 'closed', who: found[1], code: Number(found[2]) };
  if ((found = /^(\w+)\s+connects to node (\d)$/.exec(text))) return { kind: 'connect', who: found[1], node: Number(found[2]) };
  if ((found = /^(\w+)\s+loses the socket$/.exec(text))) return { kind: 'drop', who: found[1] };
  if ((found = /^node (\d) is told to end$/.exec(text))) return { kind: 'stop', node: Number(found[1]) };
  if (text === 'the store forgets everything') return { kind: 'forget' };
  throw new Error(`docs/protocol.md:${line}: no such step: ${text}`);
}

const FORMATS = {
  json: { protocol: 'switchboard.v1.json', write: (frame) => JSON.stringify(frame), read: (data, binary) => (binary ? undefined : JSON.parse(data.toString())) },
  msgpack: { protocol: 'switchboard.v1.msgpack', write: (frame) => encode(frame), read: (data, binary) => (binary ? decode(data) : undefined) },
};

/** One socket: what came in waits until the page speaks of it. */
class Socket {
  constructor(node, format) {
    this.format = FORMATS[format];
    this.frames = [];
    this.wake = () => {};
    this.ws = new WebSocket(node.url, [this.format.protocol], { perMessageDeflate: false });
    this.opened = new Promise((resolve, reject) => this.ws.once('open', resolve).once('error', reject));
    this.ws.on('message', (data, binary) => this.#came({ frame: this.format.read(data, binary) }));
    this.ws.on('close', (code) => this.#came({ closed: code }));
    this.ws.on('error', () => {});
  }

  #came(what) {
    const { session = this.session, seq = this.seq } = what.frame ?? {};
    Object.assign(this, { session, seq });
    this.frames.push(what);
    this.wake();
  }

  send(frame) {
    this.ws.send(this.format.write(frame));
  }

  /** The next event or close, or the reply with that id: a reply and what it causes come by two ways, and either may be first. */
  async next(what, id) {
    const isIt = ({ frame, closed }) => closed !== undefined || frame?.id === id;
    let i;
    while ((i = this.frames.findIndex(isIt)) < 0) {
      const coming = new Promise((resolve) => {
        this.wake = resolve;
      });
      await within(coming, () => `${what}; it has ${JSON.stringify(this.frames)}`, DEADLINE_MS + stretched(5000));
    }
    return this.frames.splice(i, 1)[0];
  }
}

/** A story: the examples of one heading, one after the other, on a cluster. */
class Story {
  constructor(cluster, format) {
    this.cluster = cluster;
    this.format = format;
    this.sockets = new Map();
    this.names = new Map();
  }

  /** A sent frame with its placeholders replaced. */
  #filled(value) {
    if (Array.isArray(value)) return value.map((one) => this.#filled(one));
    if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, this.#filled(one)]));
    const name = typeof value === 'string' && /^<(.+)>$/.exec(value)?.[1];
    if (!name) return value;
    const known = this.names.get(name) ?? given(name);
    assert.ok(known, `<${name}> is not known yet`);
    this.names.set(name, known);
    return known;
  }

  /** What came, written as the page writes it where the two agree. */
  #general(page, real, key) {
    if (typeof page === 'string' && typeof real === 'string') {
      const name = /^<(.+)>$/.exec(page)?.[1];
      if (page === '…') return page;
      if (!name) return real;
      const known = this.names.get(name) ?? given(name);
      if (known === undefined) this.names.set(name, real);
      return known === undefined || known === real ? page : real;
    }
    if (VARYING.has(key) && typeof page === 'number' && typeof real === 'number') return page;
    if (Array.isArray(page) && Array.isArray(real)) return real.map((one, i) => this.#general(page[i], one));
    if (!page || !real || typeof page !== 'object' || typeof real !== 'object') return real;
    const pairs = Object.entries(real).map(([k, one]) => [k, this.#general(page[k], one, k)]);
    if (page['…'] !== '…') return Object.fromEntries(pairs);
    return { ...Object.fromEntries(pairs.filter(([k]) => k in page)), '…': '…' };
  }

  async play(example) {
    for (const step of example.steps) {
      try {
        await this.#step(step);
      } catch (error) {
        error.message = `docs/protocol.md:${step.line} (${this.format}): ${error.message}`;
        throw error;
      }
    }
  }

  async #step(step) {
    const node = this.cluster.nodes[(step.node ?? 1) - 1];
    const socket = this.sockets.get(step.who);
    if (step.kind === 'stop') return node.signal('SIGTERM');
    if (step.kind === 'forget') return this.cluster.redis.command('FLUSHALL');
    if (step.kind === 'connect') {
      assert.deepEqual(socket?.frames.filter(({ frame }) => frame) ?? [], [], `${step.who} has heard more than the page says`);
      const opened = new Socket(node, this.format);
      this.sockets.set(step.who, opened);
      return within(opened.opened, 'the socket to open');
    }
    if (step.kind === 'send') return socket.send(this.#filled(step.frame));
    if (step.kind === 'drop') {
      socket.ws.terminate();
      step.code = 1006;
    }
    const { frame, closed } = await socket.next(`${step.who} to hear ${JSON.stringify(step.frame ?? step.kind)}`, step.frame?.id);
    if (step.kind === 'hear') assert.deepEqual(this.#general(step.frame, frame ?? { closed }), step.frame);
    else assert.deepEqual(frame ?? closed, step.code);
  }

  /** Nobody has heard more than the page says; then everybody leaves. */
  async end() {
    for (const [who, socket] of this.sockets) {
      if (socket.ws.readyState === WebSocket.OPEN) {
        if (socket.session) await caughtUp(this.cluster.redis, socket);
        socket.send({ type: 'ping', id: SETTLE_ID });
        const { frame } = await socket.next(`${who} to hear a last ok`, SETTLE_ID);
        assert.equal(frame?.id, SETTLE_ID, `${who} has heard more than the page says: ${JSON.stringify(frame)}`);
      }
      assert.deepEqual(socket.frames, [], `${who} has heard more than the page says`);
    }
    for (const { ws } of this.sockets.values()) ws.terminate();
  }
}

/** Plays all examples in one format. `test(name, fn)` runs each story. */
export async function playExamples(examples, format, test) {
  const shared = await startCluster({ nodes: 2, settings: AS_BY_DEFAULT });
  try {
    for (const [heading, all] of grouped(examples)) {
      await test(heading, async () => {
        await shared.redis.command('FLUSHALL');
        const story = new Story(shared, format);
        for (const example of all.filter((one) => !Object.keys(one.settings).length)) await story.play(example);
        await story.end();
      });
      for (const example of all.filter(({ settings }) => Object.keys(settings).length)) {
        const given = Object.entries(example.settings).map((pair) => pair.join('='));
        await test(`${heading}, with ${given.join(' ')}`, () => playAlone(example, format));
      }
    }
  } finally {
    await shared.stop();
  }
}

function grouped(examples) {
  const groups = new Map();
  for (const one of examples) groups.set(one.heading, [...(groups.get(one.heading) ?? []), one]);
  return groups;
}

/** An example with settings of its own has a cluster of its own. */
async function playAlone(example, format) {
  const settings = { ...AS_BY_DEFAULT, ...example.settings };
  if (settings['ice-config']) settings['ice-config'] = fileURLToPath(new URL(`../../${settings['ice-config']}`, import.meta.url));
  const cluster = await startCluster({ nodes: 2, settings });
  try {
    const story = new Story(cluster, format);
    await story.play(example);
    await story.end();
  } finally {
    await cluster.stop();
  }
}
