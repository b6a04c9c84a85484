// The cluster of docker/compose.yaml under load, while an operator scales it, restarts it and replaces it, and while things die: what users see is what the
// design says. Each test leaves the same people in the same calls to the next one.
import assert from 'node:assert/strict';
import { gather } from '../support/crowd.mjs';
import { IMAGE, Project, around, buildImage, docker, test } from '../support/docker.mjs';
import { openResp } from '../support/resp.mjs';
import { stretched, until } from '../support/wait.mjs';

const CALLS = 25;
const PAUSE_MS = 20_000;
const NEXT = 'switchboard:test-next';
const LONG = stretched(60_000);
const SETTINGS = { 'grace-ms': 30_000, 'drain-ms': 4000, 'calls-per-minute': 100_000, 'calls-open-max': 1000 };
/** What a client may be closed with that was told in time: by itself (1000), the node goes away (1012), the node is going (1013). */
const TOLD = [1000, 1012, 1013];

let project;
let crowd;
let redis;

around(
  async () => {
    await buildImage();
    await docker(['tag', IMAGE, NEXT]);
    project = new Project();
    await project.up({ scale: 5, settings: SETTINGS });
    await project.untilOn(5);
    redis = await openResp(await project.redis());
  },
  async () => {
    crowd?.leave();
    redis?.close();
    await project?.down();
  },
);

const scale = (count) => project.compose(['up', '-d', '--no-build', '--no-recreate', '--scale', `node=${count}`, 'node']);
/** How sockets ended since then: {code: how many}. */
function closes(since) {
  const codes = {};
  for (const [, code] of crowd.clients.flatMap((one) => one.closes.filter(([at]) => at >= since))) codes[code] = (codes[code] ?? 0) + 1;
  return codes;
}
/** All are there, talk, and see what Redis has. */
async function asBefore() {
  await crowd.connected();
  await crowd.talked();
  crowd.checkSessions();
}

test(`${4 * CALLS} people in ${CALLS} calls talk on five nodes`, async (t) => {
  crowd = await gather({ nodes: [project], redis: { command: (...args) => redis.command(...args) } }, t, { calls: CALLS });
  crowd.startLoad();
  await crowd.talked();
});

test('five nodes become two: no call is lost, and every client is told before its socket ends', async (t) => {
  crowd.say = (text) => t.diagnostic(text);
  const began = Date.now();
  const { resumes } = crowd;
  await scale(2);
  const told = closes(began);
  crowd.say(`three nodes left within ${Date.now() - began} ms; sockets ended: ${JSON.stringify(told)}`);
  assert.deepEqual(Object.keys(told).filter((code) => !TOLD.includes(Number(code))), []);
  assert.ok(crowd.resumes > resumes, 'some were on the nodes that left');
  await asBefore();
  assert.equal((await project.containers()).length, 2);
});

test('Redis restarts: sockets stay, requests are answered once it is back', async (t) => {
  crowd.say = (text) => t.diagnostic(text);
  const began = Date.now();
  redis.close();
  await project.compose(['restart', 'redis']);
  redis = await openResp(await project.redis());
  crowd.say(`Redis was away for ${Date.now() - began} ms`);
  await asBefore();
  assert.deepEqual(closes(began), {}, 'no socket ended');
});

test('a node is killed: its clients resume elsewhere', async (t) => {
  crowd.say = (text) => t.diagnostic(text);
  await scale(3);
  await project.untilReady(3);
  const victim = await project.busiest();
  const began = Date.now();
  const resumes = crowd.resumes;
  await docker(['kill', victim]);
  await until(() => crowd.resumes > resumes, 'somebody to come back', LONG);
  await asBefore();
  crowd.say(`all are back and talked ${Date.now() - began} ms after the death`);
  await docker(['rm', victim]);
  await scale(3);
  await project.untilReady(3);
});

test(`a node is frozen for ${PAUSE_MS / 1000} s: who was there goes on, there or elsewhere`, async (t) => {
  crowd.say = (text) => t.diagnostic(text);
  const victim = await project.busiest();
  const began = Date.now();
  await docker(['pause', victim]);
  await until(() => Date.now() - began > PAUSE_MS, 'the time to pass', 2 * PAUSE_MS);
  await docker(['unpause', victim]);
  await asBefore();
  await project.untilReady(3);
  crowd.say(`${await project.socketsOf(victim)} are there now; sockets ended: ${JSON.stringify(closes(began))}`);
});

test('HAProxy restarts: all come back to their sessions', async (t) => {
  crowd.say = (text) => t.diagnostic(text);
  const began = Date.now();
  await project.compose(['restart', '--timeout', '2', 'haproxy']);
  await asBefore();
  crowd.say(`all are back and talked ${Date.now() - began} ms later; sockets ended: ${JSON.stringify(closes(began))}`);
});

test('docker/roll brings another image to every node: no call is lost, every client is told', async (t) => {
  crowd.say = (text) => t.diagnostic(text);
  const began = Date.now();
  project.with({ SWITCHBOARD_IMAGE: NEXT });
  await project.script('roll');
  const told = closes(began);
  crowd.say(`three nodes were replaced within ${Date.now() - began} ms; sockets ended: ${JSON.stringify(told)}`);
  assert.deepEqual(Object.keys(told).filter((code) => !TOLD.includes(Number(code))), []);
  const images = await Promise.all((await project.containers()).map(async (id) => (await project.inspect(id)).Config.Image));
  assert.deepEqual(images, [NEXT, NEXT, NEXT]);
  await asBefore();
});

test('after all of this every request was answered, every signal came once, and all see what Redis has', async (t) => {
  crowd.say = (text) => t.diagnostic(text);
  await crowd.stopLoad();
  await crowd.checkSignals();
  crowd.checkSessions();
  await crowd.agree();
});
