// Records tests/data/chromium-sdp.json: descriptions and candidates of a real Chromium, for tests and the load generator.
//
//     node tests/support/record-sdp.mjs [chromium]
//
// Run by hand, as root, when a newer Chromium is worth recording. Chromium gathers candidates only on an interface other than loopback with a
// default route, so the script moves into a network namespace of its own with a veth pair; nothing leaves it.
import { spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';

const OUT = fileURLToPath(new URL('../data/chromium-sdp.json', import.meta.url));
const NETWORK = [
  'ip link set lo up',
  'ip link add v0 type veth peer name v1',
  'ip addr add 10.99.0.1/24 dev v0',
  'ip link set v0 up',
  'ip link set v1 up',
  'ip route add default via 10.99.0.254 dev v0',
].join(' && ');

/** The page's part: two connections in one page, each description as made and each candidate as it came. */
async function inPage(kinds) {
  const media = Object.fromEntries(kinds.map((kind) => [kind, true]));
  const stream = await navigator.mediaDevices.getUserMedia(media);
  const ends = [new RTCPeerConnection(), new RTCPeerConnection()];
  const candidates = [[], []];
  const gathered = ends.map(
    (end, i) =>
      new Promise((resolve) => {
        end.onicecandidate = ({ candidate }) => {
          candidates[i].push(candidate && candidate.toJSON());
          if (!candidate) resolve();
        };
      }),
  );
  for (const end of ends) for (const track of stream.getTracks()) end.addTrack(track, stream);
  const [a, b] = ends;
  const offer = await a.createOffer();
  await a.setLocalDescription(offer);
  await b.setRemoteDescription(offer);
  const answer = await b.createAnswer();
  await b.setLocalDescription(answer);
  await a.setRemoteDescription(answer);
  await Promise.all(gathered);
  return {
    offer: offer.sdp,
    answer: answer.sdp,
    offer_candidates: candidates[0],
    answer_candidates: candidates[1],
    offer_gathered: a.localDescription.sdp,
    answer_gathered: b.localDescription.sdp,
  };
}

/** A DevTools session over one WebSocket: send(method, params) → result. */
async function devtools(url) {
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  const waiting = new Map();
  let last = 0;
  socket.on('message', (bytes) => {
    const { id, result, error } = JSON.parse(bytes);
    if (!waiting.has(id)) return;
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error) reject(new Error(error.message));
    else resolve(result);
  });
  return (method, params = {}, sessionId = undefined) =>
    new Promise((resolve, reject) => {
      last += 1;
      waiting.set(last, { resolve, reject });
      socket.send(JSON.stringify({ id: last, method, params, sessionId }));
    });
}

async function startChromium(program, profile) {
  const child = spawn(
    program,
    [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--use-fake-ui-for-media-stream',
      '--use-fake-device-for-media-stream',
      '--remote-debugging-port=0',
      `--user-data-dir=${profile}`,
      'about:blank',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const url = await new Promise((resolve, reject) => {
    let seen = '';
    child.stderr.on('data', (bytes) => {
      seen += bytes;
      const found = /DevTools listening on (ws:\S+)/.exec(seen);
      if (found) resolve(found[1]);
    });
    child.once('exit', () => reject(new Error(`chromium ended: ${seen.slice(-500)}`)));
  });
  return { child, send: await devtools(url) };
}

async function record(program) {
  const server = createServer((request, response) => response.end('<!doctype html><title>record</title>'));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const profile = mkdtempSync(join(tmpdir(), 'record-sdp-'));
  const { child, send } = await startChromium(program, profile);
  try {
    const { product } = await send('Browser.getVersion');
    const { targetId } = await send('Target.createTarget', { url: `http://127.0.0.1:${server.address().port}/` });
    const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
    const run = async (kinds) => {
      const expression = `(${inPage})(${JSON.stringify(kinds)})`;
      const answer = await send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true }, sessionId);
      if (answer.exceptionDetails) throw new Error(JSON.stringify(answer.exceptionDetails));
      return answer.result.value;
    };
    const recording = { browser: product, audio: await run(['audio']), video: await run(['audio', 'video']) };
    writeFileSync(OUT, `${JSON.stringify(recording, null, 2)}\n`);
  } finally {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill();
    await ended;
    server.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

const [program = '/usr/bin/chromium', inside] = process.argv.slice(2);
if (inside) {
  await record(program);
  process.exit(0);
}
const again = `${NETWORK} && exec "$0" "$1" "$2" inside`;
const { status } = spawnSync('unshare', ['-n', 'sh', '-c', again, process.execPath, fileURLToPath(import.meta.url), program], {
  stdio: 'inherit',
});
process.exit(status);
