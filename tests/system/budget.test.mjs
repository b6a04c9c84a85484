// What each step of a call costs in Redis, held exactly against benchmarks/budget.h: which scripts the nodes call, and how many answers they wait for one after
// another. All other work of the nodes (timers, leases, canaries) only adds to what is counted, so of several plays of a step the least counts.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ANSWER, OFFER, pair, room } from '../support/calls.mjs';
import { fresh, join } from '../support/client.mjs';
import { startCluster } from '../support/cluster.mjs';
import { tableRows } from '../support/docs.mjs';
import { until } from '../support/wait.mjs';

/** Scripts that nodes call by themselves, or once for many changes. */
const BEHIND = new Set(['timers_due', 'lease_renew', 'fanout_done', 'session_sweep', 'held_done']);
const PLAYS_MAX = 40;
const CANDIDATES = Array.from({ length: 10 }, (_, i) => ({ candidate: `candidate:1 1 udp 2122260223 192.0.2.${i} 5000 typ host`, sdpMid: '0', sdpMLineIndex: 0 }));

let cluster;
let nodes;
before(async () => {
  cluster = await startCluster({ nodes: 2 });
  nodes = cluster.nodes;
});
after(() => cluster?.stop());

/** What both nodes together have done: {scripts: {name: n}, writes, commands}. */
async function tally() {
  const all = { scripts: {}, writes: 0, commands: 0 };
  for (const node of nodes) {
    const { text } = await node.get('/metrics');
    for (const [, what, script, n] of text.matchAll(/^switchboard_store_(writes|commands|scripts)_total\{node="[^"]*"(?:,script="(\w+)")?\} (\d+)$/gm)) {
      if (script) all.scripts[script] = (all.scripts[script] ?? 0) + Number(n);
      else all[what] += Number(n);
    }
  }
  return all;
}

/** What `step` costs: {scripts: 'deliver deliver ring', waits, others}. Commands that are no scripts: `others`. */
async function cost(step) {
  const from = await tally();
  await step();
  const to = await tally();
  const names = Object.keys(to.scripts).flatMap((name) => Array.from({ length: to.scripts[name] - from.scripts[name] }, () => name));
  return {
    scripts: names.filter((name) => !BEHIND.has(name)).sort().join(' '),
    waits: to.writes - from.writes,
    others: to.commands - from.commands - names.length,
  };
}

/** Nothing of what was done is still to be told to Redis: a call's change that all have heard of is forgotten a little later. */
const settled = () =>
  until(async () => {
    const script = "local n = 0 for _, key in ipairs(redis.call('KEYS', '*:timers')) do for _, timer in ipairs(redis.call('ZRANGE', key, 0, -1)) do if timer:find('^fanout:') then n = n + 1 end end end return n";
    return (await cluster.redis.command('EVAL', script, '0')) === 0;
  }, 'every change to be told and forgotten');

const two = async () => [await join(nodes[0], fresh('alice'), { ack: false }), await join(nodes[1], fresh('bob'), { ack: false })];
const seated = async () => {
  const [alice, bob] = await two();
  return { alice, bob, call: await pair(alice, bob) };
};
const rung = async () => {
  const [alice, bob] = await two();
  const { call } = await alice.request('call.start', { to: [bob.user], offer: OFFER });
  await bob.expect('call.incoming');
  return { alice, bob, call };
};

/** Each gives [what comes before, the step]; both may be played again and again. */
const STEPS = {
  attach: [two, () => join(nodes[0], fresh('carol'))],
  start: [
    two,
    async ([alice, bob]) => {
      await alice.request('call.start', { to: [bob.user], offer: OFFER });
      await bob.expect('call.incoming');
    },
  ],
  alert: [
    rung,
    async ({ alice, bob, call }) => {
      await bob.request('call.alert', { call });
      await alice.expect('call.ringing');
    },
  ],
  accept: [
    rung,
    async ({ alice, bob, call }) => {
      await bob.request('call.accept', { call, answer: ANSWER });
      assert.equal((await alice.expect('call.joined')).answer, ANSWER);
    },
  ],
  signal: [
    seated,
    async ({ alice, bob, call }) => {
      await bob.request('signal', { call, to: 1, candidates: CANDIDATES });
      await alice.expect('signal');
    },
  ],
  'hang up': [
    seated,
    async ({ alice, bob, call }) => {
      await bob.request('call.leave', { call });
      await alice.expect('call.ended');
    },
  ],
  reject: [
    rung,
    async ({ alice, bob, call }) => {
      await bob.request('call.reject', { call });
      await alice.expect('call.ended');
    },
  ],
  post: [two, ([alice]) => alice.request('offer.post', { offer: OFFER })],
  take: [
    async () => {
      const [alice, bob] = await two();
      const { call } = await alice.request('offer.post', { offer: OFFER });
      return { alice, bob, call };
    },
    async ({ alice, bob, call }) => {
      await bob.request('offer.take', { call });
      await alice.expect('call.joined');
    },
  ],
  join: [
    async () => {
      const [alice, bob] = await two();
      const carol = await join(nodes[1], fresh('carol'), { ack: false });
      return { alice, bob, carol, call: await room(alice, [bob]) };
    },
    async ({ alice, bob, carol, call }) => {
      await carol.request('call.join', { call });
      await alice.expect('call.joined');
      await bob.expect('call.joined');
    },
  ],
  invite: [
    async () => {
      const [alice, bob] = await two();
      const carol = await join(nodes[1], fresh('carol'), { ack: false });
      const call = await room(alice, [bob]);
      await settled(); // a share behind another node's is told at once
      return { alice, bob, carol, call };
    },
    async ({ alice, bob, carol, call }) => {
      await alice.request('call.invite', { call, to: carol.user });
      await bob.expect('call.invited');
      await carol.expect('call.incoming');
    },
  ],
  suspend: [
    async () => {
      const calling = await seated();
      await settled();
      return calling;
    },
    async ({ alice, bob }) => {
      await bob.drop();
      await alice.expect('call.suspended');
    },
  ],
  resume: [
    async () => {
      const bob = await join(nodes[1], fresh('bob'), { ack: false });
      const from = await tally();
      await bob.drop();
      await until(async () => (await tally()).scripts.session_detach > from.scripts.session_detach, 'the session to be suspended');
      return bob;
    },
    async (bob) => assert.equal((await bob.resume(nodes[0])).resumed, true),
  ],
  'resume in a call': [
    async () => {
      const calling = await seated();
      await calling.bob.drop();
      await calling.alice.expect('call.suspended');
      await settled();
      return calling;
    },
    async ({ alice, bob }) => {
      assert.equal((await bob.resume(nodes[0])).resumed, true);
      await alice.expect('call.resumed');
    },
  ],
  status: [
    async () => {
      const [alice, bob] = await two();
      await alice.request('presence.watch', { users: [bob.user] });
      return { alice, bob };
    },
    async ({ alice, bob }) => {
      await bob.request('presence.set', { status: 'away' });
      await alice.expect('presence');
    },
  ],
};

/** Plays a step until it cost no more than it may. What it cost at least, then: by scripts, then by waits. */
async function least([prepare, play], wanted) {
  let best;
  for (let i = 0; i < PLAYS_MAX; i += 1) {
    const before = await prepare();
    const now = await cost(() => play(before));
    const count = (one) => one.scripts.split(' ').length;
    best ??= now;
    if (count(now) < count(best)) best = { ...best, scripts: now.scripts };
    best = { ...best, waits: Math.min(best.waits, now.waits), others: Math.min(best.others, now.others) };
    if (best.scripts === wanted.scripts && best.waits <= wanted.waits && best.others <= wanted.others) break;
  }
  return best;
}

describe('a step of a call calls the scripts of its budget and no more', () => {
  const rows = tableRows('benchmarks/budget.h', 'BUDGET_TABLE');

  test('each step of the budget is played here', () => {
    assert.deepEqual(rows.map(([, step]) => step), Object.keys(STEPS));
  });

  for (const [, step, scripts, waits, which, others] of rows) {
    test(`${step}: at most ${scripts} script calls and ${waits} waits`, async () => {
      const wanted = { scripts: which.split(' ').sort().join(' '), waits: Number(waits), others: others ? others.split(' ').length : 0 };
      assert.ok(which.split(' ').length <= Number(scripts), 'the table itself keeps to the budget');
      assert.deepEqual(await least(STEPS[step], wanted), wanted);
    });
  }
});
