// The examples of docs/client.md, run as they stand there: the page in a file, the steps in two browsers, the modules in Node.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import WebSocket from 'ws';
import { describePages, setUp } from '../support/browser.mjs';
import { SECRET } from '../support/token.mjs';
import { until } from '../support/wait.mjs';

const PAGE = readFileSync(new URL('../../docs/client.md', import.meta.url), 'utf8');
const CLIENT = fileURLToPath(new URL('../../node/web/client', import.meta.url));

/** What the browser says of a page that has no icon. */
const NO_ICON = { errors: /404/ };

/** The fenced examples whose first word is `language`: [{words, text, line}]. */
function examples(language) {
  const found = [];
  for (const match of PAGE.matchAll(/^```(\w+) (.+)\n([^]*?)^```$/gm)) {
    const line = PAGE.slice(0, match.index).split('\n').length;
    if (match[1] === language) found.push({ words: match[2].split(' '), text: match[3], line });
  }
  return found;
}

/** Runs a step where the names of the steps before it are known, as a console does. */
async function run(visitor, { text, line }) {
  visitor.console_ ??= await visitor.page.context().newCDPSession(visitor.page);
  const expression = text.replace(/^import (\{[^}]+\}) from ('[^']+');/gm, 'const $1 = await import($2);');
  const { exceptionDetails: wrong } = await visitor.console_.send('Runtime.evaluate', { expression, replMode: true, awaitPromise: true });
  assert.ok(!wrong, `docs/client.md:${line} at ${visitor.name}: ${wrong?.exception?.description ?? wrong?.text}`);
}

/** Values that one passes to the other by some way of their own. */
async function passOn(from, to, names) {
  for (const name of names) {
    const { result } = await from.console_.send('Runtime.evaluate', { expression: `typeof ${name} === 'string' ? ${name} : undefined`, replMode: true });
    if (result.value !== undefined) await to.page.evaluate(([key, value]) => (globalThis[key] = value), [name, result.value]);
  }
}

/** How many others this one sits with by now; nothing while something rings. */
async function company(visitor) {
  const expression = `[...me.calls.values()].map((call) => [call.state, call.members.length - 1])`;
  const calls = (await visitor.console_.send('Runtime.evaluate', { expression, replMode: true, returnByValue: true })).result.value;
  if (calls.every(([state]) => state === 'active' || state === 'waiting')) return calls.reduce((sum, [, others]) => sum + others, 0);
  return undefined;
}

describePages('docs/client.md', () => {
  const stage = setUp({ args: ['--autoplay-policy=no-user-gesture-required'] });
  let dir;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'switchboard-docs-'));
    mkdirSync(join(dir, 'node_modules'));
    symlinkSync(CLIENT, join(dir, 'node_modules', 'switchboard-client'));
  });
  after(() => {
    if (dir) rmSync(dir, { recursive: true });
  });

  test('the page in one file, served from elsewhere, is a call', async (t) => {
    const [{ text }] = examples('html');
    const page = text.replaceAll(/localhost:808(\d)/g, (_, i) => `127.0.0.1:${stage.cluster.nodes[i].port}`);
    const server = createServer((request, response) => response.setHeader('content-type', 'text/html; charset=utf-8').end(page));
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      await stage.browser.play(t, NO_ICON, async (open) => {
        const [alice, bob] = [await open(server.address(), { path: '/?me=alice' }), await open(server.address(), { path: '/?me=bob' })];
        await alice.sees('You are alice');
        await bob.sees('You are bob');
        await alice.button('Call').click();
        await bob.button('Answer').click();
        await Promise.all([alice.hears(1), bob.hears(1)]);
        await bob.button('Hang up').click();
        await Promise.all([alice.sees('It is over: hangup'), bob.sees('It is over: hangup')]);
      });
    } finally {
      server.close();
      server.closeAllConnections?.();
    }
  });

  test('the steps work, one after the other, and are heard', (t) =>
    stage.browser.play(t, NO_ICON, async (open) => {
      const visitors = {};
      for (const [i, name] of ['alice', 'bob'].entries()) {
        visitors[name] = await open(stage.cluster.nodes[i], { path: '/client/switchboard.js' });
        visitors[name].name = name;
        await visitors[name].page.evaluate((user) => (globalThis.user = user), name);
      }
      const { alice, bob } = visitors;
      for (const step of examples('js').filter(({ words }) => words.every((word) => word in visitors))) {
        for (const name of step.words) await run(visitors[name], step);
        if (!bob.console_) continue;
        await passOn(alice, bob, ['link', 'id']);
        for (const one of [alice, bob]) await one.hears(() => company(one));
      }
      const said = () => [...alice.console, ...bob.console].join('\n');
      for (const line of ['it rings at bob', 'over: hangup', 'alice calls', '[alice, bob]', 'available', '[mallory]', 'unreachable']) {
        await until(() => said().includes(line), () => `"${line}" to be said by the examples; they said:\n${said()}`);
      }
    }));

  test('the modules for Node make a token that the nodes take, and a machine that is busy', async () => {
    const [node] = stage.cluster.nodes;
    const [tokens, machine] = examples('js').filter(({ words }) => words[0] === 'node').map(({ text }, i) => {
      const file = join(dir, `example-${i}.mjs`);
      writeFileSync(file, text);
      return import(pathToFileURL(file));
    });
    const { tokenFor } = await tokens;
    const { answeringMachine } = await machine;
    const { connect } = await import(pathToFileURL(join(CLIENT, 'switchboard.js')));
    const url = `http://127.0.0.1:${node.port}`;
    const answering = await answeringMachine(url, tokenFor('machine', 'Machine', SECRET), WebSocket);
    const caller = await connect({ url, token: tokenFor('caller', 'Caller', SECRET), WebSocket });
    const call = await caller.call('machine');
    const [reason] = call.state === 'ended' ? [call.reason] : await call.once('ended');
    assert.equal(reason, 'busy');
    await Promise.all([answering.close(), caller.close()]);
  });
});
