// The walk-through of docs/by-hand.md, typed into deploy/talk as a newcomer would.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startCluster } from '../support/cluster.mjs';
import { startProcess } from '../support/processes.mjs';
import { until } from '../support/wait.mjs';

const TOP = new URL('../../', import.meta.url);
const PAGE = readFileSync(new URL('docs/by-hand.md', TOP), 'utf8');

/** What one of them types, block by block. */
const typedBy = (name) => [...PAGE.matchAll(new RegExp(`\`\`\`${name}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, text]) => text);

function talk(user, node) {
  const started = startProcess(fileURLToPath(new URL('deploy/talk', TOP)), [user, '--node', `127.0.0.1:${node.port}`], { stdio: ['pipe', 'pipe', 'pipe'] });
  const hears = (pattern) => until(() => pattern.exec(started.output), () => `${user} to hear ${pattern}; it has:\n${started.output}`);
  return { ...started, hears, type: (text) => started.child.stdin.write(text) };
}

test('the call happens as docs/by-hand.md says', async () => {
  assert.match(PAGE, /^deploy\/talk alice$/m);
  assert.match(PAGE, /^deploy\/talk bob --node 127\.0\.0\.1:8081$/m);
  const cluster = await startCluster({ nodes: 2, settings: { dev: true, 'jwt-key': undefined, 'grace-ms': 300 } });
  try {
    const [alice, bob] = [talk('alice', cluster.nodes[0]), talk('bob', cluster.nodes[1])];
    await Promise.all([alice.hears(/← \{"type":"welcome"/), bob.hears(/← \{"type":"welcome"/)]);
    const [start, then] = typedBy('alice');
    alice.type(start);
    await bob.hears(/← \{"type":"call.incoming".*"from":"alice".*"offer":"v=0/);
    bob.type(typedBy('bob')[0]);
    await alice.hears(/← \{"type":"call.ringing"/);
    await alice.hears(/← \{"type":"call.joined".*"user":"bob".*"answer":"v=0/);
    alice.type(then);
    await bob.hears(/← \{"type":"signal".*"candidates"/);
    await alice.hears(/← \{"type":"ok","id":4.*"state":"active"/);
    bob.child.kill('SIGINT');
    await alice.hears(/← \{"type":"call.suspended"/);
    await alice.hears(/← \{"type":"call.left".*"reason":"lost"/);
    await alice.hears(/← \{"type":"call.ended"/);
    assert.doesNotMatch(alice.output + bob.output, /"error"|\n\? /);
    alice.child.stdin.end();
    await alice.hears(/closed: 1000 bye/);
  } finally {
    await cluster.stop();
  }
});
