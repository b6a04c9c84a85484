// A RESP2 client of the smallest kind: commands out, answers in, in order. And the server's side of it, for a Redis that is not one.
import { connect } from 'node:net';

/** What one buffer holds: [value, next offset], or undefined while it is incomplete. */
function parse(buffer, at) {
  const end = buffer.indexOf('\r\n', at);
  if (end < 0) return undefined;
  const line = buffer.toString('utf8', at + 1, end);
  const kind = String.fromCharCode(buffer[at]);
  const next = end + 2;
  if (kind === '+') return [line, next];
  if (kind === '-') return [new Error(line), next];
  if (kind === ':') return [Number(line), next];
  const length = Number(line);
  if (length < 0) return [null, next];
  if (kind === '$') {
    if (buffer.length < next + length + 2) return undefined;
    return [buffer.toString('utf8', next, next + length), next + length + 2];
  }
  const items = [];
  let offset = next;
  for (let i = 0; i < length; i += 1) {
    const item = parse(buffer, offset);
    if (!item) return undefined;
    items.push(item[0]);
    offset = item[1];
  }
  return [items, offset];
}

/** Calls `onValue` for each complete value that the socket brings. */
export function readResp(socket, onValue) {
  let buffer = Buffer.alloc(0);
  socket.on('data', (bytes) => {
    buffer = Buffer.concat([buffer, bytes]);
    let found;
    while (buffer.length && (found = parse(buffer, 0))) {
      buffer = buffer.subarray(found[1]);
      onValue(found[0]);
    }
  });
}

/** A connection: `command(...args)` gives the answer or throws what Redis said. `where`: a Unix socket's path, or {host, port, password}. */
export async function openResp(where) {
  const socket = connect(where);
  const waiting = [];
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  const fail = (error) => {
    while (waiting.length) waiting.shift().reject(error);
  };
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('the connection to Redis closed')));
  readResp(socket, (value) => {
    const { resolve, reject } = waiting.shift();
    if (value instanceof Error) reject(value);
    else resolve(value);
  });
  const command = (...args) =>
    new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
      const parts = args.map((arg) => `$${Buffer.byteLength(String(arg))}\r\n${arg}\r\n`);
      socket.write(`*${args.length}\r\n${parts.join('')}`);
    });
  if (where.password) await command('AUTH', where.password);
  return { command, close: () => socket.destroy() };
}
