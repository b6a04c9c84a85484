// What every client sent and saw, in one order, with a monotonic stamp. Checks read it; people read the part of it that tells() prints.
import { performance } from 'node:perf_hooks';

/** A frame as a person wants to read it: no SDP, no candidates, no key. */
export function brief(frame, most = Infinity) {
  const shorten = (key, value) => {
    if (key === 'key' || key === 'token') return '…';
    if (typeof value === 'string' && value.startsWith('v=0')) return `<sdp ${/^s=(.*?)\r?$/m.exec(value)?.[1] ?? ''}>`;
    if (['ice_servers', 'limits', 'heartbeat_ms', 'grace_ms', 'server'].includes(key)) return undefined;
    return value;
  };
  const text = JSON.stringify(frame, shorten);
  return text && text.length > most ? `${text.slice(0, most)}…` : text;
}

export class History {
  #start = performance.now();
  #startWall = Date.now();

  constructor() {
    this.records = [];
  }

  /** ms since the beginning. */
  now() {
    return performance.now() - this.#start;
  }

  /**
   * `what`: `send`, `reply` (with the `request` it answers), `event`, `open`, `close`, `cut`, `over` (of a session), `fault`, `lapse` (of a node's lease),
   * `step`, `note`, and what the end of a run adds: `truth`, `view`, `key`. `who`: the device, `user/device`. `session`: its id, once there is one. `link`: the
   * number of the socket.
   */
  add(what, fields) {
    const record = { n: this.records.length, t: Math.round(this.now() * 10) / 10, what, ...fields };
    this.records.push(record);
    return record;
  }

  /** Before a node's log goes: when it found that its lease had lapsed. It stood still for so long, as on a busy machine, or Redis was away. */
  addLapses(node) {
    for (const [, time] of node.output.matchAll(/time=(\S+) .*event=lease\.lapsed/g)) this.add('lapse', { t: Date.parse(time) - this.#startWall, node: node.name });
  }
}

const LINE_MAX = 500;

/** One line for a record; a short one for people who look on. */
export function line({ t, what, who = '', session, link, node, frame, request, asked, ...rest }, most) {
  const extra = frame ? brief(frame, most) : brief(rest.n === undefined ? rest : { ...rest, n: undefined });
  const where = [link === undefined ? '' : `#${link}`, node ?? '', session ? session.slice(0, 6) : ''].filter(Boolean).join(' ');
  return `${(t / 1000).toFixed(4).padStart(9)} ${what.padEnd(6)} ${who.padEnd(6)} ${where}${request ? ` ${request}` : ''} ${extra}`;
}

/** A question that only compares. */
const isProbe = ({ frame, asked }) => Boolean(frame?.probe ?? asked?.probe);

function mentions(record, { call, session, who }) {
  if (isProbe(record)) return false;
  if (call && [record.call, record.frame?.call, record.asked?.call].includes(call)) return true;
  if (call && [...(record.frame?.calls ?? []), ...(record.frame?.pending ?? [])].some((one) => one.call === call)) return true;
  if (session && record.session === session) return true;
  return Boolean(who) && record.who === who;
}

/** The records that concern a violation's call, or else its session or device, and the faults among them; the last `most` up to a little after it. */
export function tells(records, { call, session, who, at = records.length }, most = 70) {
  const about = call ? { call } : { session, who };
  const from = records.findIndex((record) => mentions(record, about));
  if (from < 0) return [];
  const until = Math.min(records.length, at + 400);
  return records.slice(from, until).filter((record) => record.what === 'fault' || mentions(record, about)).slice(-most).map((record) => line(record, LINE_MAX));
}
