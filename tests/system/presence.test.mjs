// Presence (docs/protocol.md): what others see of a user, once for each change, wherever they are; and what they never see.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Client, fresh, join } from '../support/client.mjs';
import { startCluster } from '../support/cluster.mjs';
import { openResp } from '../support/resp.mjs';
import { until } from '../support/wait.mjs';

let cluster;
let nodes;
before(async () => {
  cluster = await startCluster({ nodes: 4, settings: { 'grace-ms': 600, 'watches-max': 8 } });
  nodes = cluster.nodes;
});
after(() => cluster?.stop());

const OFFLINE = { status: 'offline', in_call: false, devices: 0 };

/** The state of one user, without the name; `last_seen_ms` only as whether it is there. */
function plain({ user, type, last_seen_ms: seen, ...state }) {
  return seen === undefined ? state : { ...state, seen: typeof seen };
}

/** Watches the users and gives their states. */
async function watch(client, ...users) {
  const { states } = await client.request('presence.watch', { users });
  assert.deepEqual(states.map((state) => state.user), users);
  return states.map(plain);
}

/** The next change of that user, as plain() has it. */
async function change(client, user) {
  return plain(await client.expect('presence', (event) => event.user === user));
}

/** A number of a node's metrics. */
async function metric(node, name) {
  const { text } = await node.get('/metrics');
  return Number(new RegExp(`^switchboard_${name}\\S* (\\S+)$`, 'm').exec(text)?.[1]);
}

async function sum(name) {
  const values = await Promise.all(nodes.map((node) => metric(node, name)));
  return values.reduce((a, b) => a + b, 0);
}

describe('a watcher', () => {
  test('is told the state of one who was never there', async () => {
    const bob = await join(nodes[1], fresh('bob'));
    assert.deepEqual(await watch(bob, fresh('alice')), [OFFLINE]);
    await bob.close();
  });

  test('at another node hears of each change once', async () => {
    const user = fresh('alice');
    const bob = await join(nodes[1], fresh('bob'));
    await watch(bob, user);
    const alice = await join(nodes[0], user);
    assert.deepEqual(await change(bob, user), { status: 'available', in_call: false, devices: 1 });
    await alice.request('presence.set', { status: 'away', note: 'at lunch' });
    assert.deepEqual(await change(bob, user), { status: 'away', in_call: false, devices: 1, note: 'at lunch' });
    await alice.request('presence.set', { status: 'away', note: 'at lunch' });
    await alice.request('presence.set', { status: 'dnd' });
    assert.deepEqual(await change(bob, user), { status: 'dnd', in_call: false, devices: 1 });
    await alice.request('bye');
    assert.deepEqual(await change(bob, user), { ...OFFLINE, seen: 'number' });
    await bob.quiet();
  });
});
