// The protocol as it happens: a line for each frame, which unfolds to the whole of it.
import { $, stamp, text } from './dom.js';

const MAX_LINES = 500;
const DRAW_MS = 60;

/** What a line says of a frame beside its type, in the order in which it says it. */
const TELLING = ['id', 'seq', 'code', 'reason', 'user', 'from', 'to', 'peer', 'status', 'state', 'resumed', 'retry_after_ms', 'after_ms'];

const many = (count, what) => `${count} ${what}${count === 1 ? '' : 's'}`;

function digest(frame) {
  const words = [];
  for (const key of TELLING)
    if (frame[key] !== undefined && typeof frame[key] !== 'object') words.push(key === 'id' || key === 'seq' ? `#${frame[key]}` : `${key} ${frame[key]}`);
  if (Array.isArray(frame.to)) words.push(`to ${frame.to.join(', ') || 'nobody'}`);
  if (frame.in_call) words.push('in a call');
  if (frame.users) words.push(many(frame.users.length, 'user'));
  const sdp = frame.offer ? 'offer' : frame.answer ? 'answer' : frame.description?.type;
  if (sdp) words.push(`${sdp}: ${(frame.offer ?? frame.answer ?? frame.description.sdp ?? '').length} bytes of SDP`);
  if (frame.candidates?.length) words.push(many(frame.candidates.length, 'candidate'));
  if (typeof frame.call === 'string') words.push(`call ${frame.call.slice(0, 6)}…`);
  return words.join(' · ');
}

/** JSON for people: line ends within a text (SDP has many) are line ends. */
function pretty(frame) {
  return JSON.stringify(frame, null, 2).replace(/^( *).*\\n.*$/gm, (line, indent) => line.replace(/(\\r)?\\n(?!")/g, `\n${indent}    `).replace(/(\\r)?\\n"/, '"'));
}

function line({ direction, frame, at }) {
  const part = stamp('t-frame');
  part.root.dataset.direction = direction;
  text(part.time, at);
  text(part.arrow, direction === 'out' ? '→' : '←');
  part.arrow.ariaLabel = direction === 'out' ? 'sent' : 'received';
  part.arrow.role = 'img';
  text(part.type, frame.type);
  text(part.digest, digest(frame));
  part.root.addEventListener(
    'toggle',
    () => {
      const whole = document.createElement('pre');
      whole.textContent = pretty(frame);
      part.root.append(whole);
    },
    { once: true },
  );
  return part.root;
}

const lines = $('log-lines');
let waiting = [];
let drawing;
let count = 0;

function draw() {
  drawing = undefined;
  text($('log-count'), `${count} frames`);
  if (!$('log').open) return;
  const atEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 40;
  lines.append(...waiting.map(line));
  waiting = [];
  while (lines.childElementCount > MAX_LINES) lines.firstElementChild.remove();
  if (atEnd) lines.scrollTop = lines.scrollHeight;
}

export function note(direction, frame) {
  const now = new Date();
  const at = `${now.toLocaleTimeString('en-GB')}.${String(now.getMilliseconds()).padStart(3, '0')}`;
  count += 1;
  waiting.push({ direction, frame, at });
  if (waiting.length > MAX_LINES) waiting.shift();
  drawing ??= setTimeout(draw, DRAW_MS);
}

$('log').addEventListener('toggle', draw);
$('log-clear').onclick = () => {
  count = 0;
  waiting = [];
  lines.replaceChildren();
  draw();
};
