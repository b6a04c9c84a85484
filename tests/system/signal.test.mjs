// Signals between members (docs/protocol.md): in order, once, to the one they are for, the same in both formats.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CHROMIUM, OFFER, pair, room } from '../support/calls.mjs';
import { Client, fresh, join } from '../support/client.mjs';
import { startCluster } from '../support/cluster.mjs';
import { mint } from '../support/token.mjs';

let cluster;
let nodes;
before(async () => {
  cluster = await startCluster({ nodes: 2 });
  nodes = cluster.nodes;
});
after(() => cluster?.stop());

const two = async (left = {}, right = {}) => {
  const [alice, bob] = [await join(nodes[0], fresh('alice'), left), await join(nodes[1], fresh('bob'), right)];
  return { alice, bob, call: await pair(alice, bob) };
};

describe('signals', () => {
  test('of one sender arrive in the order they were sent, 500 at once', async () => {
    const { alice, bob, call } = await two();
    const sent = Array.from({ length: 500 }, (_, i) => bob.ask('signal', { call, to: 1, data: i }));
    for (const reply of await Promise.all(sent)) assert.equal(reply.type, 'ok', reply.message);
    const got = await alice.expectMany('signal', 500);
    assert.deepEqual(got.map(({ data }) => data), Array.from({ length: 500 }, (_, i) => i));
    await alice.settle();
  });

  test('reach a newcomer from the moment of its ok, whoever has heard of it', async () => {
    const [alice, bob] = [await join(nodes[0], fresh('alice')), await join(nodes[0], fresh('bob'))];
    for (let i = 0; i < 20; i += 1) {
      const { call } = await alice.request('offer.post', { offer: OFFER });
      await bob.request('offer.take', { call });
      await alice.request('signal', { call, to: 2, data: i });
      assert.equal((await bob.expect('signal', (event) => event.call === call)).data, i);
      await bob.request('call.leave', { call });
    }
  });

  test('of four senders at once arrive each in order', async () => {
    const all = [];
    for (let i = 0; i < 5; i += 1) all.push(await join(nodes[i % 2], fresh('user')));
    const [alice, ...others] = all;
    const call = await room(alice, others);
    const sent = others.flatMap((other) => Array.from({ length: 50 }, (_, i) => other.ask('signal', { call, to: 1, data: i })));
    for (const reply of await Promise.all(sent)) assert.equal(reply.type, 'ok', reply.message);
    const got = await alice.expectMany('signal', 200);
    for (const peer of [2, 3, 4, 5]) {
      assert.deepEqual(got.filter(({ from }) => from === peer).map(({ data }) => data), Array.from({ length: 50 }, (_, i) => i));
    }
  });

  test('reach the one they are for and nobody else', async () => {
    const [alice, bob, carol] = [await join(nodes[0], fresh('a')), await join(nodes[1], fresh('b')), await join(nodes[0], fresh('c'))];
    const call = await room(alice, [bob, carol]);
    await carol.request('signal', { call, to: 2, data: 'for bob' });
    await carol.request('signal', { call, to: 1, data: 'for alice' });
    assert.equal((await bob.expect('signal')).data, 'for bob');
    assert.equal((await alice.expect('signal')).data, 'for alice');
    for (const one of [alice, bob, carol]) await one.quiet('signal');
  });

  test('carry who sent them, the call and its version', async () => {
    const { alice, bob, call } = await two();
    await bob.request('signal', { call, to: 1, data: {} });
    const event = await alice.expect('signal');
    const { version } = await alice.request('call.get', { call });
    assert.deepEqual([event.call, event.from, event.version, event.data], [call, 2, version, {}]);
  });

  for (const to of [3, 5]) {
    test(`to peer ${to}, whom nobody is, find nobody`, async () => {
      const { bob, call } = await two();
      await bob.refused('signal', { call, to, data: 1 }, 'not_found');
    });
  }
  for (const to of [6, -1, 1.5, '1', null]) {
    test(`to ${JSON.stringify(to)} are bad requests`, async () => {
      const { bob, call } = await two();
      const reply = await bob.refused('signal', { call, to, data: 1 }, 'bad_request');
      assert.match(reply.message, /to/);
    });
  }

  test('into a call that one does not sit in find nobody', async () => {
    const { alice, call } = await two();
    const carol = await join(nodes[0], fresh('carol'));
    await carol.refused('signal', { call, to: 1, data: 'psst' }, 'not_found');
    await alice.quiet('signal');
  });

  test('need one of description, candidates and data', async () => {
    const { bob, call } = await two();
    await bob.refused('signal', { call, to: 1 }, 'bad_request');
    await bob.refused('signal', { call, to: 1, data: 1, candidates: [] }, 'bad_request');
  });

  test('carry data of up to 16 KiB', async () => {
    const { alice, bob, call } = await two();
    const fits = 'x'.repeat(16_000);
    await bob.request('signal', { call, to: 1, data: fits });
    assert.equal((await alice.expect('signal')).data, fits);
    await bob.refused('signal', { call, to: 1, data: 'x'.repeat(16_500) }, 'too_large');
    await alice.quiet('signal');
  });

  test('carry descriptions of every type that a browser makes', async () => {
    const { alice, bob, call } = await two();
    for (const type of ['offer', 'pranswer', 'answer']) {
      await bob.request('signal', { call, to: 1, description: { type, sdp: OFFER } });
      assert.deepEqual((await alice.expect('signal')).description, { type, sdp: OFFER });
    }
    await bob.request('signal', { call, to: 1, description: { type: 'rollback' } });
    assert.equal((await alice.expect('signal')).description.type, 'rollback');
  });
});

describe('JSON at one node and msgpack at the other', () => {
  const VALUES = {
    text: 'Grüße, 世界, \u{1F4DE}, "quotes", \\, /, \t\n\u0001\u2028',
    empty: '',
    numbers: [0, 1, -1, 127, 128, 255, 256, 32767, 65535, 65536, 2147483647, 4294967295, 4294967296, Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER],
    fractions: [0.5, -0.1, 1e-7, 1e21, 5e-324, 1.7976931348623157e308, 3.141592653589793],
    truths: [true, false, null],
    nested: { list: [[[]], {}, [{}]], '': 'empty key', 'a.b': 1, ünï: 2 },
    long: 'y'.repeat(5000),
  };

  for (const [left, right] of [['json', 'msgpack'], ['msgpack', 'json'], ['msgpack', 'msgpack'], ['json', 'json']]) {
    test(`data from ${left} to ${right} is the same`, async () => {
      const { alice, bob, call } = await two({ format: left }, { format: right });
      await alice.request('signal', { call, to: 2, data: VALUES });
      assert.deepEqual((await bob.expect('signal')).data, VALUES);
    });
  }

  test('a whole call has the same fields, byte for byte', async () => {
    const { audio } = CHROMIUM;
    const stories = [];
    for (const [left, right] of [['json', 'msgpack'], ['msgpack', 'json']]) {
      const alice = await join(nodes[0], fresh('alice'), { format: left, claims: { name: 'Ålice' } });
      const bob = await join(nodes[1], fresh('bob'), { format: right, claims: { name: 'Bob' } });
      const posted = await alice.request('offer.post', { offer: audio.offer, candidates: audio.offer_candidates });
      const taken = await bob.request('offer.take', { call: posted.call });
      const joined = await alice.expect('call.joined');
      await bob.request('signal', { call: posted.call, to: 1, description: { type: 'answer', sdp: audio.answer } });
      const answered = await alice.expect('signal');
      const snapshot = await bob.request('call.get', { call: posted.call });
      const refusal = await bob.refused('signal', { call: posted.call, to: 4, data: 1 }, 'not_found');
      const story = JSON.stringify([alice.welcome, posted, taken, joined, answered, snapshot, refusal]);
      const names = { [alice.user]: 'alice', [bob.user]: 'bob', [posted.call]: 'call', [alice.session]: 'session', [alice.key]: 'key' };
      stories.push(
        Object.entries(names)
          .reduce((text, [name, general]) => text.replaceAll(name, general), story)
          .replace(/"created_ms":\d+/g, '"created_ms":0'),
      );
    }
    assert.equal(stories[0], stories[1]);
  });
});

describe('a subprotocol', () => {
  test('is JSON when none is offered', async () => {
    const alice = await join(nodes[0], fresh('alice'));
    assert.equal(alice.socket.protocol, 'switchboard.v1.json');
    const plain = await new Client().connect(nodes[0], { protocols: [] });
    plain.token = mint(fresh('bob'));
    assert.equal((await plain.hello({ device: 'phone' })).type, 'welcome');
  });

  test('that is another one refuses the handshake', async () => {
    await assert.rejects(new Client().connect(nodes[0], { protocols: ['chat'] }), /400|Unexpected server response/);
  });
});
