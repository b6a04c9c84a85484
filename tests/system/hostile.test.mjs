// Bad input of every kind against a running node. Each row says what is sent and what must come back: an error code, and the connection stays; or a close code.
// The others notice nothing, and the node's memory is as before.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { encode } from '@msgpack/msgpack';
import { CHROMIUM, OFFER, pair } from '../support/calls.mjs';
import { Client, fresh, join } from '../support/client.mjs';
import { BINARY, startCluster } from '../support/cluster.mjs';
import { mint, nowSeconds, unsigned, withClaims } from '../support/token.mjs';
import { until } from '../support/wait.mjs';

const MESSAGE_MAX = 65_536;
const ROUNDS = 6;
const GROWTH_MAX_KB = 4096;

let cluster;
let node;
let alice; // in a call with bob all the while
let bob;
let call;
before(async () => {
  cluster = await startCluster({ nodes: 1 });
  [node] = cluster.nodes;
  [alice, bob] = [await join(node, fresh('alice')), await join(node, fresh('bob'))];
  call = await pair(alice, bob);
});
after(() => cluster?.stop());

/** A row: what to do to a client that said hello (or not, or speaks msgpack), and what must come of it. */
const cases = [];
const closes = (code, name, act, options = {}) => cases.push({ name, act, closes: [code].flat(), ...options });
const refused = (code, name, type, fields, options = {}) => cases.push({ name, type, fields, codes: [code].flat(), ...options });
const ignored = (name, act, options = {}) => cases.push({ name, act, stays: true, ...options });

const text = (data) => (client) => client.sendRaw(data, { binary: false });
const bytes = (...data) => (client) => client.sendRaw(Buffer.from(data.flat()), { binary: true });
const frame = (fields) => (client) => client.send(fields);
const bent = (raw) => (client) => client.socket._socket.write(Buffer.from(raw));
const deep = (levels) => `{"type":"ping","id":2,"x":${'['.repeat(levels)}${']'.repeat(levels)}}`;
/** A client's WebSocket frame as RFC 6455 section 5.2 has it, of our making: mask of zeros. */
const wire = (first, length, payload = []) => [first, 0x80 | length, 0, 0, 0, 0, ...payload];

// ---- frames that are no object ----
closes(4002, 'half an object', text('{"type":"ping","id":2'));
closes(4002, 'nothing', text(''));
closes(4002, 'a list', text('[{"type":"ping","id":2}]'));
closes(4002, 'a number', text('42'));
closes(4002, 'a string', text('"ping"'));
closes(4002, 'null', text('null'));
closes(4002, 'an object and more behind it', text('{"type":"ping","id":2} {}'));
closes(4002, 'an object and a word behind it', text('{"type":"ping","id":2} x'));
closes(4002, 'single quotes', text("{'type':'ping','id':2}"));
closes(4002, 'a comment', text('{"type":"ping",/* */"id":2}'));
closes(4002, 'a comma too many', text('{"type":"ping","id":2,}'));
closes(4002, 'a byte order mark', text('\uFEFF{"type":"ping","id":2}'));
closes(4002, 'a key twice', text('{"type":"ping","id":2,"id":3}'));
closes(4002, 'a key twice, further in', text('{"type":"ping","id":2,"x":{"a":1,"a":2}}'));
closes(4002, 'a key twice, once escaped', text('{"type":"ping","id":2,"x":1,"\\u0078":2}'));
closes(4002, 'a NUL in a text', text('{"type":"ping","id":2,"x":"\\u0000"}'));
closes(4002, 'a NUL in a key', text('{"type":"ping","id":2,"x\\u0000":1}'));
closes(4002, 'half a surrogate pair', text('{"type":"ping","id":2,"x":"\\ud800"}'));
closes(4002, 'a bare control character', text('{"type":"ping","id":2,"x":"\n"}'));
closes([4002, 1007], 'bytes that are no UTF-8', (client) => client.sendRaw(Buffer.from('{"type":"ping","id":2,"x":"\xff\xfe"}', 'latin1'), { binary: false }));
closes([4002, 1007], 'an overlong encoding', (client) => client.sendRaw(Buffer.from('{"type":"ping","id":2,"x":"\xc0\xaf"}', 'latin1'), { binary: false }));
closes(4002, 'NaN', text('{"type":"ping","id":2,"x":NaN}'));
closes(4002, 'a number that is infinite', text('{"type":"ping","id":2,"x":1e999}'));
closes(4002, 'an integer beyond 64 bits', text('{"type":"ping","id":2,"x":99999999999999999999}'));
closes(4002, 'a number of 60,000 digits', text(`{"type":"ping","id":2,"x":${'9'.repeat(60_000)}}`));
closes(4002, 'nesting of 17 levels', text(deep(17)));
closes(4002, 'nesting of 30,000 levels', text(deep(30_000)));
closes(4002, 'half a nesting of 60,000 levels', text('['.repeat(60_000)));
closes(4002, 'a binary frame on the text protocol', bytes(...Buffer.from('{"type":"ping","id":2}')));

// ---- frames without a usable id ----
for (const id of ['0', '-1', '1.5', '"2"', 'null', 'true', '[2]', '{}', '1e3', '9223372036854775808']) closes(4002, `the id ${id}`, text(`{"type":"ping","id":${id}}`));
closes(4002, 'no id', text('{"type":"ping"}'));
closes(4002, 'an ack without seq', text('{"type":"ack"}'));
closes(4002, 'an ack in words', text('{"type":"ack","seq":"all"}'));
closes(4002, 'a negative ack', text('{"type":"ack","seq":-1}'));
ignored('an ack of what was never sent', frame({ type: 'ack', seq: 1_000_000 }));
ignored('an ack of 2^63-1', text('{"type":"ack","seq":9223372036854775807}'));
refused('bad_request', 'an ack in words with a request', 'ping', { ack: 'all' });

// ---- too much ----
closes(1009, 'a message past the limit', text(`{"type":"ping","id":2,"x":"${'x'.repeat(MESSAGE_MAX)}"}`));
closes(1009, 'fragments past the limit', (client) => {
  for (let i = 0; i < 70; i += 1) client.socket.send(Buffer.alloc(1000, 0x20), { fin: false, binary: false });
});
closes(1009, 'an endless fragment', (client) => {
  client.socket._socket.write(Buffer.from([0x01, 0xff, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]));
  client.socket._socket.write(Buffer.alloc(MESSAGE_MAX + 1024, 0x20));
}, { mayJustDrop: true });

// ---- WebSocket that is none (RFC 6455 section 5) ----
const broken = { mayJustDrop: true };
closes([1002, 1006, 4002], 'a reserved opcode', bent(wire(0x83, 0)), broken);
closes([1002, 1006, 4002], 'a reserved bit', bent(wire(0xc1, 2, [0x7b, 0x7d])), broken);
closes([1002, 1006, 4002], 'a ping of 126 bytes', bent([0x89, 0xfe, 0, 126, 0, 0, 0, 0, ...Buffer.alloc(126)]), broken);
closes([1002, 1006, 4002], 'a continuation of nothing', bent(wire(0x80, 2, [0x7b, 0x7d])), broken);
closes([1002, 1006, 4002], 'a frame without a mask', bent([0x81, 2, 0x7b, 0x7d]), broken);
closes([1000, 1002, 1005, 1006, 1007, 4002], 'a close of one byte', bent(wire(0x88, 1, [3])), broken);

// ---- states ----
closes(4009, 'a request before hello', frame({ type: 'ping', id: 1 }), { greeted: false });
closes(4009, 'an offer before hello', frame({ type: 'offer.post', id: 1, offer: OFFER }), { greeted: false });
closes(4009, 'an ack before hello', frame({ type: 'ack', seq: 1 }), { greeted: false });
refused(['bad_request', 'conflict'], 'hello twice', 'hello', { token: 'x', device: 'phone' });
ignored('a falling id', async (client) => {
  assert.equal((await client.ask('ping', {}, 1000)).type, 'ok');
  assert.ok(['ok', 'error'].includes((await client.ask('ping', {}, 999)).type));
});
ignored('an id sent again with another request', async (client) => {
  const first = await client.ask('offer.post', { offer: OFFER }, 50);
  const again = await client.ask('call.leave', { call: first.call }, 50);
  assert.ok(again.type === 'error' || again.call === first.call);
  assert.equal((await client.request('call.get', { call: first.call })).state, 'waiting');
});

// ---- tokens ----
const greet = (token) => (client) => {
  client.ask('hello', { token: token(), device: 'phone' }).catch(() => {}); // why it was refused comes before the close
};
const fresher = { greeted: false };
closes(4003, 'a token without a signature', greet(() => unsigned('mallory')), fresher);
closes(4003, 'a forged token', greet(() => withClaims(mint('mallory'), { sub: 'alice' })), fresher);
closes(4003, 'a token signed with another secret', greet(() => mint('alice', {}, { key: 'guess' })), fresher);
closes(4003, 'an expired token', greet(() => mint('alice', { exp: nowSeconds() - 3600 })), fresher);
closes(4003, 'a token of 60,000 letters', greet(() => 'e'.repeat(60_000)), fresher);
closes(4003, 'a token of dots', greet(() => '.'.repeat(1000)), fresher);
refused('unauthorized', 'a renewal without a signature', 'auth.renew', { token: unsigned('mallory') });
refused('bad_request', 'a renewal by a number', 'auth.renew', { token: 7 });
for (const [name, fields] of Object.entries({
  'no token': { device: 'phone' },
  'a number for a token': { token: 7, device: 'phone' },
  'a device with a blank': { token: 'x', device: 'my phone' },
  'a device of 65 letters': { token: 'x', device: 'x'.repeat(65) },
  'an empty device': { token: 'x', device: '' },
  'a resume in words': { token: 'x', device: 'phone', resume: 'please' },
})) {
  refused(['bad_request', 'too_large'], `hello with ${name}`, 'hello', fields, fresher);
}

// ---- other people's things ----
ignored('a session of somebody else with a guessed key', async (client) => {
  const thief = new Client();
  await thief.connect(node);
  const resume = { session: alice.session, key: client.key, seq: 0 };
  const welcome = await thief.ask('hello', { token: mint(client.user), device: 'tablet', resume });
  assert.notEqual(welcome.session, alice.session);
  assert.notEqual(welcome.resumed, true);
  await thief.close();
});
ignored('a session of somebody else with its key', async (client) => {
  const thief = new Client();
  await thief.connect(node);
  const resume = { session: alice.session, key: alice.key, seq: 0 };
  const welcome = await thief.ask('hello', { token: mint(client.user), device: 'tablet', resume });
  assert.notEqual(welcome.session, alice.session);
  await thief.close();
});
const theirs = (fields) => () => ({ call, ...fields });
refused(['not_found', 'forbidden'], "a look at someone else's call", 'call.get', theirs());
refused(['not_found', 'forbidden', 'call_full'], "a seat in someone else's call", 'call.join', theirs());
refused(['not_found', 'forbidden', 'gone'], "someone else's offer once more", 'offer.take', theirs());
refused(['not_found', 'forbidden'], "leaving someone else's call", 'call.leave', theirs());
refused(['not_found', 'forbidden'], "removing people from someone else's call", 'call.remove', theirs({ peer: 1 }));
refused(['not_found', 'forbidden'], "locking someone else's call", 'call.lock', theirs({ locked: true }));
refused(['not_found', 'forbidden'], "a signal into someone else's call", 'signal', theirs({ to: 1, data: 'boo' }));

// ---- fields ----
refused('bad_request', 'a type that is none', 'call.explode', {});
refused('bad_request', 'a type that is empty', '', {});
refused('bad_request', 'a type of 60,000 letters', 'x'.repeat(60_000), {});
cases.push({ name: 'no type', raw: { id: 2 }, codes: ['bad_request'] });
cases.push({ name: 'a number for a type', raw: { id: 2, type: 7 }, codes: ['bad_request'] });
refused(['bad_request', 'not_found'], 'no call', 'call.get', {});
for (const id of ['', 'x', 'x'.repeat(41), '../../etc/passwd', 'a}b{c', '{17}:timers', 'a b', 'a\nb', 'zzzzzzzzzzzzzzzzzzzzzzzz', '*', 'ü'.repeat(12)]) {
  refused(['bad_request', 'not_found', 'too_large'], `the call ${JSON.stringify(id).slice(0, 30)}`, 'call.get', { call: id });
  refused(['bad_request', 'not_found', 'too_large'], `the offer ${JSON.stringify(id).slice(0, 30)}`, 'offer.take', { call: id });
}
for (const id of [7, true, ['x'], { x: 1 }]) refused('bad_request', `the call ${JSON.stringify(id)}`, 'call.join', { call: id });
refused('media_not_allowed', 'an offer with video', 'offer.post', { offer: CHROMIUM.video.offer }, { names: 'offer' });
refused('bad_request', 'an offer that is no SDP', 'offer.post', { offer: 'v=1' }, { names: 'offer' });
refused('bad_request', 'an offer that is empty', 'offer.post', { offer: '' }, { names: 'offer' });
refused('bad_request', 'an offer of one endless line', 'offer.post', { offer: `v=0\r\no=${'x'.repeat(50_000)}` }, { names: 'offer' });
refused('bad_request', 'an offer with a line that is none', 'offer.post', { offer: OFFER.replace('s=-', 'nonsense') }, { names: 'offer' });
refused('bad_request', 'an offer that is a number', 'offer.post', { offer: 7 }, { names: 'offer' });
refused('bad_request', 'an offer that is a list', 'offer.post', { offer: [OFFER] }, { names: 'offer' });
refused('bad_request', 'no offer', 'offer.post', {}, { names: 'offer' });
refused('bad_request', 'candidates that are no list', 'offer.post', { offer: OFFER, candidates: { candidate: '' } });
refused('bad_request', 'candidates that are numbers', 'offer.post', { offer: OFFER, candidates: [1, 2, 3] });
refused(['bad_request', 'too_large'], '10,000 candidates', 'offer.post', { offer: OFFER, candidates: Array(10_000).fill(null) });
for (const ttl of [0, -1, 86_400_001, 1.5, '1000', 2 ** 53]) refused('bad_request', `a time to live of ${JSON.stringify(ttl)}`, 'offer.post', { offer: OFFER, ttl_ms: ttl });
for (const seats of [1, 6, 2 ** 40, '5', 2.5]) refused('bad_request', `${JSON.stringify(seats)} seats`, 'call.start', { to: [], allow: 'anyone', seats });
refused('bad_request', '`allow` with a name that is none', 'offer.post', { offer: OFFER, allow: ['not a name'] });
refused('bad_request', '`allow` with a number', 'offer.post', { offer: OFFER, allow: [7] });
refused('bad_request', '`allow` that is a number', 'offer.post', { offer: OFFER, allow: 7 });
refused(['bad_request', 'too_large'], 'five to ring', 'call.start', { to: ['a', 'b', 'c', 'd', 'e'] });
refused('bad_request', 'one to ring, twice', 'call.start', { to: ['a', 'a'] });
refused('bad_request', 'a privacy that is none', 'call.start', { to: [], allow: 'anyone', privacy: 'total' });
refused('bad_request', 'a peer that is a text', 'call.remove', theirs({ peer: '1' }));
refused('bad_request', 'a lock that is a text', 'call.lock', theirs({ locked: 'yes' }));

// ---- msgpack ----
const packed = { format: 'msgpack' };
/** {"type":"ping","id":2,"x":…} with bytes of one's own for x. */
const withX = (...x) => bytes([0x83, 0xa4, ...Buffer.from('type'), 0xa4, ...Buffer.from('ping'), 0xa2, ...Buffer.from('id'), 2, 0xa1, 0x78], x.flat());
closes(4002, 'msgpack: text on the binary protocol', text('{"type":"ping","id":2}'), packed);
closes(4002, 'msgpack: nothing', bytes(), packed);
closes(4002, 'msgpack: nil', bytes(0xc0), packed);
closes(4002, 'msgpack: the byte that is never used', bytes(0xc1), packed);
closes(4002, 'msgpack: a list', bytes(...encode([{ type: 'ping', id: 2 }])), packed);
closes(4002, 'msgpack: half a map', bytes(...encode({ type: 'ping', id: 2 }).subarray(0, 8)), packed);
closes(4002, 'msgpack: a map and more behind it', bytes(...encode({ type: 'ping', id: 2 }), 0xc0), packed);
closes(4002, 'msgpack: a map of 4,294,967,295 pairs', bytes(0xdf, 0xff, 0xff, 0xff, 0xff), packed);
closes(4002, 'msgpack: a list of 4,294,967,295 items', withX(0xdd, 0xff, 0xff, 0xff, 0xff), packed);
closes(4002, 'msgpack: a text of 4,294,967,295 bytes', withX(0xdb, 0xff, 0xff, 0xff, 0xff, 0x78), packed);
closes(4002, 'msgpack: bytes', withX(0xc4, 1, 0), packed);
closes(4002, 'msgpack: an extension', withX(0xd4, 1, 0), packed);
closes(4002, 'msgpack: a timestamp', withX(0xd6, 0xff, 0, 0, 0, 0), packed);
closes(4002, 'msgpack: NaN', withX(0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0), packed);
closes(4002, 'msgpack: infinity', withX(0xcb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0), packed);
closes(4002, 'msgpack: an integer beyond 63 bits', withX(0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), packed);
closes(4002, 'msgpack: a key twice', withX(0x82, 0xa1, 0x61, 1, 0xa1, 0x61, 2), packed);
closes(4002, 'msgpack: a key that is a number', withX(0x81, 1, 1), packed);
closes(4002, 'msgpack: a NUL in a text', withX(0xa1, 0), packed);
closes(4002, 'msgpack: bytes that are no UTF-8', withX(0xa2, 0xff, 0xfe), packed);
closes(4002, 'msgpack: nesting of 17 levels', withX(Array(17).fill(0x91), 0xc0), packed);
closes(4002, 'msgpack: nesting of 60,000 levels', withX(Array(60_000).fill(0x91), 0xc0), packed);

async function prepared({ greeted = true, format = 'json' }) {
  const client = new Client({ format });
  client.token = mint(fresh('hostile'));
  await client.connect(node);
  if (greeted) await client.hello({ device: 'phone' });
  return client;
}

async function play(row) {
  const client = await prepared(row);
  if (row.closes) {
    row.act(client);
    const { code } = await client.closed();
    const expected = row.mayJustDrop ? [...row.closes, 1006] : row.closes;
    assert.ok(expected.includes(code), `closed with ${code} instead of ${row.closes}`);
    return;
  }
  if (row.codes) {
    const fields = typeof row.fields === 'function' ? row.fields() : row.fields;
    const reply = row.raw ? (client.send(row.raw), await client.replyTo(row.raw.id)) : await client.ask(row.type, fields);
    assert.equal(reply.type, 'error', `not refused: ${JSON.stringify(reply).slice(0, 200)}`);
    assert.ok(row.codes.includes(reply.code), `${reply.code} instead of ${row.codes}: ${reply.message}`);
    assert.ok(reply.message.length > 0 && reply.message.length < 500, reply.message);
    if (row.names) assert.ok(reply.message.includes(`\`${row.names}\``), reply.message);
    client.lastId = Math.max(client.lastId, row.raw?.id ?? 0);
  } else {
    await row.act(client);
  }
  if (row.greeted !== false) {
    await client.request('ping');
    await client.request('bye');
  } else {
    await client.hello({ device: 'phone' });
    await client.request('bye');
  }
  await client.closed();
}

const residentKb = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${node.pid}/status`, 'utf8'))[1]);
const gauge = async (name) => Number(new RegExp(`^switchboard_${name}(?:\\{[^}]*\\})? (\\d+)`, 'm').exec((await node.get('/metrics')).text)?.[1]);

describe(`${cases.length} hostile cases get what the protocol says`, () => {
  for (const row of cases) {
    const outcome = row.closes ? `closes with ${row.closes.join(' or ')}` : row.codes ? `is refused: ${row.codes.join(' or ')}` : 'harms nothing';
    test(`${row.name} ${outcome}`, () => play(row));
  }
});

describe('after all of them', () => {
  test('there are at least 60', () => assert.ok(cases.length >= 60, `${cases.length}`));

  test('the others have noticed nothing', async () => {
    await alice.quiet();
    await bob.quiet();
    await alice.request('signal', { call, to: 2, data: 'still here' });
    assert.equal((await bob.expect('signal')).data, 'still here');
    assert.equal(alice.seq, 1);
  });

  test('no socket is left over', async () => {
    await until(async () => (await gauge('sockets')) === 2, 'two sockets to remain');
  });

  const sanitized = /asan/.test(BINARY) ? 'a sanitizer keeps freed memory' : false;
  test('the memory of the node is as before', { skip: sanitized }, async () => {
    const round = async () => {
      for (const row of cases) await play(row);
      await until(async () => (await gauge('sockets')) === 2, 'two sockets to remain');
    };
    await round();
    const start = residentKb();
    for (let i = 1; i < ROUNDS; i += 1) await round();
    const growth = residentKb() - start;
    assert.ok(growth < GROWTH_MAX_KB, `it grew by ${growth} KiB in ${(ROUNDS - 1) * cases.length} cases`);
  });
});

describe('limits', () => {
  test('frames past the rate are rate_limited, and far past it the socket closes with 4007', async () => {
    const strict = await startCluster({ nodes: 1, settings: { 'frames-per-second': 10, 'frames-burst': 20 } });
    try {
      const flooder = await join(strict.nodes[0], fresh('flooder'));
      const other = await join(strict.nodes[0], fresh('other'));
      const replies = [];
      for (let i = 0; i < 5000; i += 1) replies.push(flooder.ask('ping').catch(() => null));
      assert.equal((await flooder.closed()).code, 4007);
      const limited = (await Promise.all(replies)).filter((reply) => reply?.code === 'rate_limited');
      assert.ok(limited.length > 0);
      assert.ok(limited.every((reply) => reply.retry_after_ms > 0));
      await other.settle();
    } finally {
      await strict.stop();
    }
  });

  test('wrong offer ids past the limit are rate_limited', async () => {
    const strict = await startCluster({ nodes: 1, settings: { 'wrong-ids-per-minute': 5 } });
    try {
      const guesser = await join(strict.nodes[0], fresh('guesser'));
      const codes = [];
      for (let i = 0; i < 12; i += 1) codes.push((await guesser.ask('offer.take', { call: `${i}`.padStart(22, 'A') })).code);
      assert.equal(codes[0], 'not_found');
      assert.equal(codes.at(-1), 'rate_limited');
    } finally {
      await strict.stop();
    }
  });

  test('a slow reader is closed with 4008 and loses nothing when it resumes', async () => {
    const strict = await startCluster({ nodes: 2, settings: { 'queue-bytes-max': 65_536, 'mailbox-bytes-max': 268_435_456, 'mailbox-events-max': 65_536 } });
    try {
      const [n1, n2] = strict.nodes;
      const [slow, sender] = [await join(n1, fresh('slow')), await join(n2, fresh('sender'))];
      const both = await pair(slow, sender);
      slow.socket._socket.pause();
      const data = 'x'.repeat(15_000);
      let sent = 0;
      const slowReaders = async () => Number(/switchboard_slow_readers_total(?:\{[^}]*\})? (\d+)/.exec((await n1.get('/metrics')).text)?.[1]);
      await until(async () => {
        const some = Array.from({ length: 20 }, () => sender.request('signal', { call: both, to: 1, data: `${sent++} ${data}` }));
        await Promise.all(some).catch((error) => assert.fail(`after ${sent}: ${error.message}`));
        return (await slowReaders()) > 0;
      }, 'the slow reader to be noticed');
      slow.socket._socket.resume();
      assert.equal((await slow.closed()).code, 4008);
      assert.equal((await slow.resume(n2)).resumed, true);
      const got = await slow.expectMany('signal', sent);
      assert.deepEqual(got.map((event) => Number.parseInt(event.data, 10)), Array.from({ length: sent }, (_, i) => i));
    } finally {
      await strict.stop();
    }
  });
});
