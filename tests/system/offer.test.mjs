// Offers by id (docs/protocol.md): post here, take there, exactly one taker, nothing lost on the way.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CHROMIUM, OFFER, pair } from '../support/calls.mjs';
import { fresh, join } from '../support/client.mjs';
import { startCluster } from '../support/cluster.mjs';

const { audio, video } = CHROMIUM;

let cluster;
let nodes;
before(async () => {
  cluster = await startCluster({ nodes: 4 });
  nodes = cluster.nodes;
});
after(() => cluster?.stop());

const two = async () => [await join(nodes[0], fresh('alice')), await join(nodes[1], fresh('bob'), { claims: { name: 'Bob' } })];

describe('an offer', () => {
  test('posted at one node and taken at another makes a call, with all that Chromium made', async () => {
    const alice = await join(nodes[0], fresh('alice'), { claims: { name: 'Alice' } });
    const bob = await join(nodes[1], fresh('bob'), { claims: { name: 'Bob' } });
    const posted = await alice.request('offer.post', { offer: audio.offer, candidates: audio.offer_candidates });
    assert.equal(posted.peer, 1);
    assert.match(posted.call, /^[A-Za-z0-9_-]{20,40}$/);
    const taken = await bob.request('offer.take', { call: posted.call });
    assert.equal(taken.call, posted.call);
    assert.equal(taken.peer, 2);
    assert.equal(taken.from, alice.user);
    assert.equal(taken.offer.sdp ?? taken.offer, audio.offer);
    assert.deepEqual(taken.candidates, audio.offer_candidates);
    assert.deepEqual(taken.members.map(({ peer, user, name }) => [peer, user, name]), [
      [1, alice.user, 'Alice'],
      [2, bob.user, 'Bob'],
    ]);
    const joined = await alice.expect('call.joined');
    assert.deepEqual([joined.call, joined.peer, joined.user, joined.name, joined.device], [posted.call, 2, bob.user, 'Bob', 'phone']);
    assert.equal(typeof joined.version, 'number');
    await bob.request('signal', { call: posted.call, to: 1, description: { type: 'answer', sdp: audio.answer } });
    await bob.request('signal', { call: posted.call, to: 1, candidates: audio.answer_candidates });
    const answer = await alice.expect('signal', (event) => event.description);
    assert.deepEqual(answer.description, { type: 'answer', sdp: audio.answer });
    assert.equal(answer.from, 2);
    assert.deepEqual((await alice.expect('signal')).candidates, audio.answer_candidates);
  });

  test('goes to exactly one of 50 that take it at the same moment from four nodes', async () => {
    const alice = await join(nodes[0], fresh('alice'));
    const takers = await Promise.all(Array.from({ length: 50 }, (_, i) => join(nodes[i % 4], fresh('taker'))));
    for (let round = 0; round < 5; round += 1) {
      const { call } = await alice.request('offer.post', { offer: OFFER });
      const replies = await Promise.all(takers.map((taker) => taker.ask('offer.take', { call })));
      const won = replies.map((reply, i) => [reply, takers[i]]).filter(([reply]) => reply.type === 'ok');
      assert.equal(won.length, 1);
      for (const reply of replies) if (reply.type === 'error') assert.equal(reply.code, 'gone');
      const [, winner] = won[0];
      assert.equal((await alice.expect('call.joined')).user, winner.user);
      await winner.request('call.leave', { call });
      await alice.expect('call.left');
      await alice.expect('call.ended');
    }
    for (const taker of takers) await taker.quiet('signal');
    await alice.quiet();
  });

  test('that was taken is gone', async () => {
    const [alice, bob] = await two();
    const carol = await join(nodes[2], fresh('carol'));
    const call = await pair(alice, bob);
    await carol.refused('offer.take', { call }, 'gone');
  });

  test('that never was is not found', async () => {
    const [, bob] = await two();
    await bob.refused('offer.take', { call: 'A'.repeat(22) }, 'not_found');
  });

  test('that expired is gone, and its poster is told', async () => {
    const [alice, bob] = await two();
    const { call } = await alice.request('offer.post', { offer: OFFER, ttl_ms: 1000 });
    const ended = await alice.expect('call.ended');
    assert.deepEqual([ended.call, ended.reason], [call, 'expired']);
    await bob.refused('offer.take', { call }, 'gone');
  });

  test('whose poster left is gone', async () => {
    const [alice, bob] = await two();
    const { call } = await alice.request('offer.post', { offer: OFFER });
    await alice.request('call.leave', { call });
    await bob.refused('offer.take', { call }, 'gone');
  });

  test('can not be taken by its poster', async () => {
    const [alice] = await two();
    const { call } = await alice.request('offer.post', { offer: OFFER });
    const reply = await alice.ask('offer.take', { call });
    assert.equal(reply.type, 'error');
    await alice.settle();
  });

  test('with `allow` is taken by those alone', async () => {
    const [alice, bob] = await two();
    const carol = await join(nodes[2], fresh('carol'));
    const { call } = await alice.request('offer.post', { offer: OFFER, allow: [carol.user] });
    assert.match((await bob.refused('offer.take', { call }, 'forbidden')).message, /`allow` does not name you/);
    assert.equal((await carol.request('offer.take', { call })).peer, 2);
  });

  test('that is waiting shows so in the snapshot of its poster, to nobody else', async () => {
    const [alice, bob] = await two();
    const { call } = await alice.request('offer.post', { offer: OFFER });
    const snapshot = await alice.request('call.get', { call });
    assert.equal(snapshot.state, 'waiting');
    assert.equal(snapshot.starter, alice.user);
    assert.deepEqual([snapshot.seats, snapshot.locked, snapshot.members.length], [2, false, 1]);
    assert.deepEqual(snapshot.ringing, []);
    assert.equal(typeof snapshot.created_ms, 'number');
    await bob.refused('call.get', { call }, 'not_found');
  });
});

describe('early candidates', () => {
  const numbered = (from, count) =>
    Array.from({ length: count }, (_, i) => ({ ...audio.offer_candidates[0], candidate: `candidate:${from + i} 1 udp 2122260223 10.0.0.1 ${1000 + from + i} typ host` }));

  test('sent before the offer is taken are handed over with it, in order', async () => {
    const [alice, bob] = await two();
    const { call } = await alice.request('offer.post', { offer: OFFER, candidates: numbered(0, 2) });
    await alice.request('signal', { call, to: 0, candidates: numbered(2, 3) });
    await alice.request('signal', { call, to: 0, candidates: [...numbered(5, 1), null] });
    const { candidates } = await bob.request('offer.take', { call });
    assert.deepEqual(candidates, [...numbered(0, 6), null]);
  });

  test('sent with `to` 0 later go to the taker', async () => {
    const [alice, bob] = await two();
    const call = await pair(alice, bob);
    await alice.request('signal', { call, to: 0, candidates: numbered(0, 1) });
    assert.deepEqual((await bob.expect('signal')).candidates, numbered(0, 1));
  });

  test('of every writing pass: objects, texts and the end', async () => {
    const [alice, bob] = await two();
    const candidates = [audio.offer_candidates[0], audio.offer_candidates[0].candidate, null, { candidate: '', sdpMid: '0' }];
    const { call } = await alice.request('offer.post', { offer: OFFER, candidates });
    assert.deepEqual((await bob.request('offer.take', { call })).candidates, candidates);
  });

  test('are kept up to 100', async () => {
    const [alice, bob] = await two();
    const { call } = await alice.request('offer.post', { offer: OFFER, candidates: numbered(0, 90) });
    await alice.request('signal', { call, to: 0, candidates: numbered(90, 10) });
    await alice.refused('signal', { call, to: 0, candidates: numbered(100, 1) }, 'too_large');
    assert.equal((await bob.request('offer.take', { call })).candidates.length, 100);
  });

  test('racing with the taking reach the taker once, in order', async () => {
    for (let round = 0; round < 10; round += 1) {
      const [alice, bob] = await two();
      const { call } = await alice.request('offer.post', { offer: OFFER });
      const sent = Array.from({ length: 20 }, (_, i) => alice.ask('signal', { call, to: 0, candidates: numbered(i, 1) }));
      const { candidates } = await bob.request('offer.take', { call });
      for (const reply of await Promise.all(sent)) assert.equal(reply.type, 'ok', reply.message);
      const rest = await bob.expectMany('signal', 20 - candidates.length);
      const all = [...candidates, ...rest.flatMap((event) => event.candidates)];
      assert.deepEqual(all, numbered(0, 20).map((one, i) => numbered(i, 1)[0]));
      await Promise.all([alice.close(), bob.close()]);
    }
  });
});

describe('a call without an offer', () => {
  test('has none for its members either, and that is no failure of the store', async () => {
    const [alice, bob] = await two();
    const { call } = await alice.request('call.start', { to: [], allow: 'anyone' });
    await bob.request('call.join', { call });
    for (const one of [alice, bob]) await one.refused('offer.take', { call }, 'not_found');
  });
});

test('an offer for fewer than 2 or more than 5 seats is refused', async () => {
  const alice = await join(nodes[0], fresh('alice'));
  for (const seats of [1, 6]) assert.match((await alice.refused('offer.post', { offer: OFFER, seats }, 'bad_request')).message, /seats/);
});

describe('the media policy', () => {
  test('refuses an offer with video and names the section', async () => {
    const [alice] = await two();
    const reply = await alice.refused('offer.post', { offer: video.offer }, 'media_not_allowed');
    assert.match(reply.message, /video/);
  });

  test('refuses an answer with video', async () => {
    const [alice, bob] = await two();
    const call = await pair(alice, bob);
    await bob.refused('signal', { call, to: 1, description: { type: 'answer', sdp: video.answer } }, 'media_not_allowed');
    await alice.quiet('signal');
  });

  test('lets pass a video section that is refused (port 0)', async () => {
    const [alice, bob] = await two();
    const call = await pair(alice, bob);
    const sdp = video.answer.replace(/m=video \d+/, 'm=video 0');
    await bob.request('signal', { call, to: 1, description: { type: 'answer', sdp } });
    assert.equal((await alice.expect('signal')).description.sdp, sdp);
  });

  test('refuses what is no SDP, and names the field', async () => {
    const [alice, bob] = await two();
    const named = async (who, type, fields, field) => {
      const { message } = await who.refused(type, fields, 'bad_request');
      assert.ok(message.startsWith(`\`${field}\``), message);
    };
    await named(alice, 'offer.post', { offer: 'hello' }, 'offer');
    const { call } = await alice.request('call.start', { to: [bob.user], offer: OFFER });
    await named(bob, 'call.accept', { call, answer: 'hello' }, 'answer');
    await bob.request('call.accept', { call });
    await named(bob, 'signal', { call, to: 1, description: { type: 'answer', sdp: 'hello' } }, 'description');
  });

  test('`any` lets video pass', async () => {
    const free = await startCluster({ nodes: 1, settings: { media: 'any' } });
    try {
      const [alice, bob] = [await join(free.nodes[0], fresh('alice')), await join(free.nodes[0], fresh('bob'))];
      const { call } = await alice.request('offer.post', { offer: video.offer });
      const { offer } = await bob.request('offer.take', { call });
      assert.equal(offer.sdp ?? offer, video.offer);
    } finally {
      await free.stop();
    }
  });
});

describe('in a call with relay privacy', () => {
  const ADDRESSES = /\b(?!0\.0\.0\.0)\d+\.\d+\.\d+\.\d+\b/;
  const RELAY = 'candidate:9 1 udp 41885439 198.51.100.7 50000 typ relay raddr 10.99.0.1 rport 4711 generation 0';

  async function privately() {
    const [alice, bob] = await two();
    const { call } = await alice.request('call.start', { to: [], allow: 'anyone', privacy: 'relay' });
    await bob.request('call.join', { call });
    return { alice, bob, call };
  }

  test('no address of the other is in a description', async () => {
    const { alice, bob, call } = await privately();
    await alice.request('signal', { call, to: 2, description: { type: 'offer', sdp: audio.offer_gathered } });
    const { sdp } = (await bob.expect('signal')).description;
    assert.doesNotMatch(sdp, ADDRESSES);
    assert.doesNotMatch(sdp, /typ host/);
    assert.match(sdp, /a=fingerprint/);
  });

  test('only relay candidates pass, without what they relate to', async () => {
    const { alice, bob, call } = await privately();
    const relay = { candidate: RELAY, sdpMid: '0', sdpMLineIndex: 0 };
    await alice.request('signal', { call, to: 2, candidates: [...audio.offer_candidates.slice(0, 2), relay, null] });
    const { candidates } = await bob.expect('signal');
    assert.equal(candidates.length, 2);
    assert.match(candidates[0].candidate, /198\.51\.100\.7 50000 typ relay/);
    assert.doesNotMatch(candidates[0].candidate, /10\.99\.0\.1|4711/);
    assert.equal(candidates[1], null);
  });

  test('the store never holds one', async () => {
    const { alice, call } = await privately();
    await alice.request('signal', { call, to: 2, description: { type: 'offer', sdp: audio.offer_gathered } });
    const everything = [];
    for (const key of await cluster.redis.command('KEYS', '*')) {
      if ((await cluster.redis.command('TYPE', key)) === 'stream') everything.push(...(await cluster.redis.command('XRANGE', key, '-', '+')).flat(3));
    }
    const marked = everything.filter((text) => String(text).includes('a=fingerprint') && String(text).includes(call));
    assert.ok(marked.length > 0, 'the description is in a mailbox');
    for (const text of marked) assert.doesNotMatch(text, ADDRESSES);
  });
});
