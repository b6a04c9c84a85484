// Many clients want few seats (promise 1): never six, never a seat lost, and in the end every view is Redis's.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { room } from '../support/calls.mjs';
import { fresh, join } from '../support/client.mjs';
import { startCluster } from '../support/cluster.mjs';
import { DEADLINE_MS, until } from '../support/wait.mjs';

const CLIENTS = 200;
const SEATS = 5;
const ENOUGH = 100; // joins, and refusals: a busy machine has more time for them
const STORM_MS = process.env.TEST_LONG ? 60_000 : 10_000;

let cluster;
before(async () => {
  cluster = await startCluster({ nodes: 4 });
});
after(() => cluster?.stop());

/** What a member sees: the members of its ok, and each event with a higher version after it. */
class View {
  constructor({ version, members, peer }) {
    this.version = version;
    this.members = new Map(members.map((member) => [member.peer, member.user]));
    this.peer = peer;
  }

  apply(events) {
    const news = events.filter((event) => event.version > this.version && event.type.startsWith('call.'));
    for (const event of news) {
      this.version = event.version;
      if (event.type === 'call.joined') {
        assert.ok(!this.members.has(event.peer), `peer ${event.peer} joined a seat that is taken`);
        this.members.set(event.peer, event.user);
      } else if (event.type === 'call.left') {
        assert.ok(this.members.delete(event.peer), `peer ${event.peer} left a seat that is empty`);
      }
      assert.ok(this.members.size <= SEATS, `${this.members.size} members`);
    }
    return this;
  }
}

/** Who is surely seated at a moment: from the ok of a join to the sending of the leave. */
class Seated {
  #peers = new Map();

  enter(peer, user) {
    assert.ok(!this.#peers.has(peer), `peer ${peer} is ${this.#peers.get(peer)} and ${user}`);
    this.#peers.set(peer, user);
    assert.ok(this.#peers.size <= SEATS, `${this.#peers.size} seated at one moment`);
  }

  leave(peer) {
    this.#peers.delete(peer);
  }
}

async function storm(client, call, isOver, seated, totals) {
  await pause(randomInt(200));
  while (!isOver()) {
    client.events.length = 0;
    const reply = await client.ask('call.join', { call });
    if (reply.type === 'error') {
      assert.equal(reply.code, 'call_full', reply.message);
      totals.full += 1;
      await pause(randomInt(100));
      continue;
    }
    totals.joined += 1;
    seated.enter(reply.peer, client.user);
    const view = new View(reply);
    await pause(randomInt(40));
    if (randomInt(8) === 0) {
      totals.dropped += 1;
      await client.drop();
      const node = cluster.nodes[randomInt(4)];
      assert.equal((await client.resume(node)).resumed, true);
    }
    view.apply(client.events);
    if (isOver()) return view;
    seated.leave(reply.peer);
    await client.request('call.leave', { call });
    await pause(randomInt(20));
  }
  return null;
}

describe(`${CLIENTS} clients on four nodes that want ${SEATS} seats`, () => {
  test('never sit six, lose no seat, and all see the same in the end', async (t) => {
    const starter = await join(cluster.nodes[0], fresh('starter'));
    const call = await room(starter, []);
    const clients = await Promise.all(Array.from({ length: CLIENTS }, (_, i) => join(cluster.nodes[i % 4], fresh('stormer'))));
    const seated = new Seated();
    seated.enter(1, starter.user);
    const started = new View({ version: 0, members: [{ peer: 1, user: starter.user }], peer: 1 });
    const totals = { joined: 0, full: 0, dropped: 0 };
    const end = Date.now() + STORM_MS;
    const enough = () => totals.joined > ENOUGH && totals.full > ENOUGH;
    const isOver = () => Date.now() >= end && (enough() || Date.now() >= end + DEADLINE_MS);
    const views = await Promise.all(clients.map((client) => storm(client, call, isOver, seated, totals)));
    t.diagnostic(`${totals.joined} joins, ${totals.full} refused, ${totals.dropped} sockets dropped`);
    assert.ok(enough(), JSON.stringify(totals));

    const truth = await starter.request('call.get', { call });
    const members = new Map(truth.members.map(({ peer, user }) => [peer, user]));
    // Its own changes a member hears of in its oks, so a view may well end at a version below the truth's: it is the members that agree.
    const agrees = (client, view) =>
      until(() => isDeepStrictEqual(view.apply(client.events).members, members), () => `${client.user} to see ${[...members]} instead of ${[...view.members]}`);
    await agrees(starter, started);
    for (const [i, view] of views.entries()) {
      if (!view) continue;
      await agrees(clients[i], view);
      await clients[i].settle();
    }
    assert.deepEqual([...members.values()].slice(1).sort(), clients.filter((_, i) => views[i]).map(({ user }) => user).sort());

    await Promise.all(clients.filter((_, i) => views[i]).map((client) => client.request('call.leave', { call })));
    const again = await Promise.all(clients.map((client) => client.ask('call.join', { call })));
    assert.deepEqual(again.filter(({ type }) => type === 'ok').map(({ peer }) => peer).sort(), [2, 3, 4, 5]);
  });
});
