// What happens to a stream of signals when something dies under it (promises 3, 8, 10): nothing lost, nothing twice, nothing out of order.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { pair } from '../support/calls.mjs';
import { fresh, join } from '../support/client.mjs';
import { startCluster } from '../support/cluster.mjs';
import { Persistent } from '../support/stream.mjs';
import { stretched, until } from '../support/wait.mjs';

const COUNT = 1000;
const ALL = Array.from({ length: COUNT }, (_, i) => i);

let cluster;
let nodes;
before(async () => {
  cluster = await startCluster({ nodes: 3 });
  nodes = cluster.nodes;
});
after(() => cluster?.stop());

/** How often a lease of a node has lapsed: its clients are sent elsewhere then, and rightly so. */
async function lapses() {
  return (await Promise.all(nodes.map((node) => node.metric('leases_lapsed_total')))).reduce((a, b) => a + b, 0);
}

const running = () => nodes.filter((node) => node.running);

/** Alice and bob in a call, both of the kind that comes back. Alice would rather come back at the last node, bob where he was. */
async function persistentPair() {
  const [alice, bob] = [await join(nodes[0], fresh('alice')), await join(nodes[1], fresh('bob'))];
  const call = await pair(alice, bob);
  const left = new Persistent(alice, () => running().reverse());
  const right = new Persistent(bob, () => [...new Set([nodes[1], ...running()])].filter((node) => node.running));
  return { call, left, right };
}

/** Both send COUNT signals; `trouble(n)` is called as alice's n-th is answered. Then both have all of the other's. */
async function streamBothWays({ call, left, right }, trouble) {
  await Promise.all([left.sendNumbered(call, 2, COUNT, trouble), right.sendNumbered(call, 1, COUNT)]);
  for (const end of [left, right]) {
    const got = await end.client.expectMany('signal', COUNT);
    assert.deepEqual(got.map(({ data }) => data), ALL);
    await end.quiet('signal');
  }
}

describe('1,000 numbered signals each way all arrive, in order, once', () => {
  test('when the node of one is killed and both resume, one at another node', async () => {
    const stream = await persistentPair();
    const done = [];
    await streamBothWays(stream, (n) => {
      if (n === 300) {
        done.push(nodes[0].kill());
        stream.right.client.socket.terminate();
      }
    });
    await Promise.all(done);
    assert.equal(stream.left.client.node, nodes[2]);
    assert.ok(stream.left.resumes >= 1 && stream.right.resumes >= 1);
    await Promise.all([stream.left.leave(), stream.right.leave()]);
    await nodes[0].start();
  });

  test('when sockets are cut again and again', async () => {
    const stream = await persistentPair();
    await streamBothWays(stream, (n) => {
      if (n % 150 === 75) stream.left.client.socket.terminate();
      if (n % 200 === 100) stream.right.client.socket.terminate();
    });
    assert.ok(stream.left.resumes >= 3);
    await Promise.all([stream.left.leave(), stream.right.leave()]);
  });

  test('when the pub/sub connections to Redis are killed', async () => {
    const stream = await persistentPair();
    const before_ = await lapses();
    const killed = [];
    await streamBothWays(stream, (n) => {
      if (n % 250 === 100) killed.push(cluster.redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub'));
    });
    assert.ok((await Promise.all(killed)).some((count) => count > 0));
    // A machine that stands still for so long may cost a node its lease.
    if ((await lapses()) === before_) assert.equal(stream.left.resumes + stream.right.resumes, 0, 'no socket was lost');
    await Promise.all([stream.left.leave(), stream.right.leave()]);
  });

  test('when all connections to Redis are killed', async () => {
    const stream = await persistentPair();
    const killed = [];
    await streamBothWays(stream, (n) => {
      if (n % 400 === 200) killed.push(cluster.redis.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'));
    });
    assert.ok((await Promise.all(killed)).some((count) => count > 0));
    await Promise.all([stream.left.leave(), stream.right.leave()]);
  });

  test('when the scripts are flushed from Redis', async () => {
    const stream = await persistentPair();
    await streamBothWays(stream, (n) => {
      if (n % 300 === 100) cluster.redis.command('SCRIPT', 'FLUSH');
    });
    await Promise.all([stream.left.leave(), stream.right.leave()]);
  });
});

describe('while nothing comes back through the bus', () => {
  test('/readyz is red, and what was sent meanwhile arrives when the bus is back', async () => {
    const stream = await persistentPair();
    const { redis } = cluster;
    await redis.command('ACL', 'SETUSER', 'default', '-ssubscribe');
    try {
      await redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await Promise.all(nodes.map((node) => until(async () => (await node.get('/readyz')).status === 503, `${node.name} to be red`, stretched(40_000))));
      assert.equal((await nodes[0].get('/healthz')).status, 200, 'it lives all the same');
      await stream.left.sendNumbered(stream.call, 2, 50);
    } finally {
      await redis.command('ACL', 'SETUSER', 'default', '+ssubscribe');
    }
    const got = await stream.right.client.expectMany('signal', 50);
    assert.deepEqual(got.map(({ data }) => data), ALL.slice(0, 50));
    for (const node of nodes) await node.untilReady();
    await Promise.all([stream.left.leave(), stream.right.leave()]);
  });
});

describe('a node that is stopped', () => {
  test('tells its clients to reconnect, closes with 1012, and nothing is lost', async () => {
    const { call, left, right } = await persistentPair();
    const { client } = left;
    await client.settle();
    const sending = right.sendNumbered(call, 1, 200);
    const before_ = client.node;
    const closed = client.closed();
    before_.signal('SIGTERM');
    const notice = await client.expect('reconnect');
    assert.equal(typeof notice.after_ms, 'number');
    assert.equal(notice.seq, undefined);
    assert.equal((await closed).code, 1012);
    await sending;
    const got = await client.expectMany('signal', 200);
    assert.deepEqual(got.map(({ data }) => data), ALL.slice(0, 200));
    await before_.stop();
    await Promise.all([left.leave(), right.leave()]);
    await before_.start();
  });

  test('is not ready from the first moment', async () => {
    const slow = await startCluster({ nodes: 1, settings: { 'drain-ms': 600_000 } });
    try {
      const [node] = slow.nodes;
      const people = await Promise.all(Array.from({ length: 5 }, () => join(node, fresh('alice'))));
      node.signal('SIGTERM');
      await node.untilReady(false);
      assert.ok(people.some((one) => one.open), 'while most are still there');
    } finally {
      await slow.stop();
    }
  });
});

describe('a node that was frozen and wakes', () => {
  /** She asks the frozen node. Whatever it says when it wakes, and whether it says anything, her client is not there any more. */
  function askInVain(alice, type, fields) {
    alice.ask(type, fields).catch(() => {});
  }

  /** What the node that wakes had to tell Redis it has told: this goes the same way, behind it. */
  async function spokenOut() {
    const witness = await join(nodes[0], fresh('witness'));
    await witness.request('bye');
  }

  /** Her client comes in at another node, while the frozen one holds her socket. */
  async function elsewhere(alice) {
    const moved = alice.twin();
    assert.equal((await moved.resume(nodes[2])).resumed, true);
    return moved;
  }

  test('has lost its sessions, and says nothing again that was said elsewhere', async () => {
    const [alice, bob] = [await join(nodes[0], fresh('alice')), await join(nodes[1], fresh('bob'))];
    const call = await pair(alice, bob);
    nodes[0].freeze();
    let moved;
    try {
      askInVain(alice, 'signal', { call, to: 2, data: 'first' });
      moved = await elsewhere(alice);
      assert.equal((await moved.ask('signal', { call, to: 2, data: 'first' }, alice.lastId)).type, 'ok');
      await moved.request('signal', { call, to: 2, data: 'second' });
    } finally {
      nodes[0].thaw();
    }
    await alice.closed();
    await spokenOut();
    await moved.request('signal', { call, to: 2, data: 'last' });
    const heard = await bob.expectMany('signal', 3);
    assert.deepEqual(heard.map(({ data }) => data), ['first', 'second', 'last']);
    await bob.quiet('signal');
    await nodes[0].untilReady();
  });

  /** She asks the frozen node, gets the answer elsewhere and leaves that call again; then `next` happens, and the node wakes. */
  async function outlived(alice, type, fields, next = () => {}) {
    nodes[0].freeze();
    let moved;
    try {
      askInVain(alice, type, fields);
      moved = await elsewhere(alice);
      const { call } = await moved.ask(type, fields, alice.lastId);
      await moved.request('call.leave', { call: call ?? fields.call });
      await next(moved);
    } finally {
      nodes[0].thaw();
    }
    await alice.closed();
    await spokenOut();
    await nodes[0].untilReady();
    return moved;
  }

  test('begins no call again that its client has begun, and left, elsewhere since', async () => {
    const [alice, bob] = [await join(nodes[0], fresh('alice')), await join(nodes[1], fresh('bob'))];
    let call;
    const moved = await outlived(alice, 'call.start', { to: [bob.user] }, async (there) => {
      ({ call } = await bob.request('call.start', { to: [alice.user] }));
      await there.expect('call.incoming', (event) => event.call === call);
    });
    const { members, ringing } = await bob.request('call.get', { call });
    assert.deepEqual([members.map(({ user }) => user), ringing], [[bob.user], [alice.user]], 'it rings on: nobody has answered');
    assert.equal((await moved.request('call.accept', { call })).version, 2);
  });

  test('takes no seat again that its client has taken, and left, elsewhere since', async () => {
    const [alice, bob] = [await join(nodes[0], fresh('alice')), await join(nodes[1], fresh('bob'))];
    const { call } = await bob.request('call.start', { to: [], allow: 'anyone' });
    await outlived(alice, 'call.join', { call });
    assert.deepEqual((await bob.request('call.get', { call })).members.map(({ user }) => user), [bob.user]);
  });
});
