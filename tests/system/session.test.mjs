// Sessions (docs/protocol.md): who gets in, what the welcome says, and how a session outlives its socket.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { OFFER, pair, room } from '../support/calls.mjs';
import { Client, fresh, join } from '../support/client.mjs';
import { startCluster } from '../support/cluster.mjs';
import { SECRET, mint, nowSeconds, signed, unsigned, withClaims } from '../support/token.mjs';
import { unhurried, until } from '../support/wait.mjs';

/** What the server forgives clocks that differ. */
const LEEWAY_S = 30;

let cluster;
let brief; // a cluster whose sessions outlive their sockets by little
let n1;
let n2;
before(async () => {
  cluster = await startCluster({ nodes: 2 });
  brief = await startCluster({ nodes: 2, settings: { 'grace-ms': 600 } });
  [n1, n2] = cluster.nodes;
});
after(async () => {
  await Promise.all([cluster?.stop(), brief?.stop()]);
});

async function connected(node = n1, options = {}) {
  return new Client(options).connect(node);
}

describe('hello', () => {
  test('is answered by a welcome with every field', async () => {
    const alice = await join(n1, fresh('alice'));
    const { welcome } = alice;
    assert.equal(welcome.type, 'welcome');
    assert.equal(welcome.id, 1);
    assert.equal(welcome.resumed, false);
    assert.equal(welcome.device, 'phone');
    assert.equal(welcome.seq, 0);
    assert.equal(welcome.heartbeat_ms, 25_000);
    assert.equal(welcome.grace_ms, 20_000);
    assert.deepEqual([welcome.ice_servers, welcome.calls, welcome.pending], [[], [], []]);
    assert.equal(typeof welcome.limits, 'object');
    assert.equal(typeof welcome.server.node, 'string');
    assert.equal(typeof welcome.server.version, 'string');
    for (const id of [welcome.session, welcome.key]) assert.match(id, /^[A-Za-z0-9_-]{20,40}$/);
    await alice.close();
  });

  test('names the user that the token names', async () => {
    const user = fresh('alice');
    const alice = await join(n1, user);
    assert.equal(alice.welcome.user, user);
    await alice.close();
  });

  test('late is closed with 4001', async () => {
    const silent = await connected(await cluster.add({ 'hello-timeout-ms': 500 }));
    assert.equal((await silent.closed()).code, 4001);
  });

  test('twice is refused and the session goes on', async () => {
    const alice = await join(n1, fresh('alice'));
    const reply = await alice.ask('hello', { token: alice.token, device: 'phone' }).catch((error) => error);
    if (reply.type === 'error') await alice.settle();
    else assert.match(reply.message, /closed with 4009/);
  });

  test('asks for a device', async () => {
    const client = await connected();
    const reply = await client.ask('hello', { token: mint(fresh('alice')) });
    assert.equal(reply.code, 'bad_request');
    assert.match(reply.message, /device/);
  });

  test('takes the device of a token that binds one', async () => {
    const alice = await join(n1, fresh('alice'), { claims: { device: 'laptop' }, device: 'laptop' });
    assert.equal(alice.welcome.device, 'laptop');
    await alice.close();
  });

  test('gives ids that differ from session to session', async () => {
    const user = fresh('alice');
    const ids = new Set();
    for (const device of ['a', 'b', 'c']) {
      const { welcome } = await join(n1, user, { device });
      ids.add(welcome.session).add(welcome.key);
    }
    assert.equal(ids.size, 6);
  });
});

describe('a token is refused with 4003', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicPem = publicKey.export({ type: 'spki', format: 'pem' });
  const user = 'mallory';
  const cases = {
    'that is empty': '',
    'that is no token': 'open sesame',
    'of two parts': mint(user).split('.').slice(0, 2).join('.'),
    'of four parts': `${mint(user)}.x`,
    'that says it needs no signature': unsigned(user),
    'that says so in capitals': unsigned(user, 'NONE'),
    'with an empty signature': mint(user).replace(/[^.]*$/, ''),
    'signed with another secret': mint(user, {}, { key: `${SECRET}!` }),
    'signed with an empty secret': mint(user, {}, { key: '' }),
    'whose claims were changed': withClaims(mint(user), { sub: 'alice' }),
    'of an algorithm without a key here': mint(user, {}, { alg: 'ES256', key: privateKey }),
    'that uses a public key as a secret': mint(user, {}, { key: publicPem }),
    'whose header says another algorithm than its signature': signed({ alg: 'RS256', typ: 'JWT' }, { sub: user, exp: nowSeconds() + 60 }),
    'that names a key which is not here': mint(user, {}, { header: { kid: 'nobody' } }),
    'with a critical extension': mint(user, {}, { header: { crit: ['b64'], b64: false } }),
    'that expired': mint(user, { exp: nowSeconds() - LEEWAY_S - 5 }),
    'that never expires': mint(user, { exp: undefined }),
    'that expires in words': mint(user, { exp: 'tomorrow' }),
    'that is not valid yet': mint(user, { exp: nowSeconds() + 7200, nbf: nowSeconds() + LEEWAY_S + 3600 }),
    'of nobody': mint(undefined),
    'of a user with an empty name': mint(''),
    'of a user whose name is too long': mint('x'.repeat(65)),
    'of a user with a blank in the name': mint('al ice'),
    'bound to another device': mint(user, { device: 'laptop' }),
    'with a claim twice': signed({ alg: 'HS256' }, `{"sub":"mallory","sub":"alice","exp":${nowSeconds() + 60}}`),
    'whose claims are a list': signed({ alg: 'HS256' }, '[]'),
    'whose header is no JSON': signed('{', { sub: user, exp: nowSeconds() + 60 }),
    'with a blank inside': mint(user).replace('.', '. '),
    'longer than 8 KiB': mint(user, { padding: 'x'.repeat(9000) }),
  };
  for (const [name, token] of Object.entries(cases)) {
    test(name, async () => {
      const client = await connected();
      client.ask('hello', { token, device: 'phone' }).catch(() => {});
      const { code, reason } = await client.closed();
      assert.equal(code, 4003);
      assert.ok(reason.length > 0);
    });
  }
});

describe('a token that expires', () => {
  test('closes with 4004, unless it was renewed', () =>
    unhurried(async (pace) => {
      const [left, right] = [fresh('alice'), fresh('bob')];
      const claims = { exp: nowSeconds() - LEEWAY_S + 3 * pace };
      const renewed = await join(n1, right, { claims });
      await renewed.request('auth.renew', { token: mint(right) });
      const expiring = await join(n1, left, { claims });
      assert.equal((await expiring.closed()).code, 4004);
      await renewed.settle();
      await renewed.close();
    }));

  test('is renewed for as long as the socket stays', async () => {
    const user = fresh('alice');
    const alice = await join(n1, user);
    const long = await alice.request('auth.renew', { token: mint(user, { exp: nowSeconds() + 3600 }) });
    assert.ok(long.expires_in_ms > 3_000_000 && long.expires_in_ms <= 3_600_000, `${long.expires_in_ms}`);
    const late = await alice.request('auth.renew', { token: mint(user, { exp: nowSeconds() - 1 }) });
    assert.ok(late.expires_in_ms >= 0 && late.expires_in_ms <= LEEWAY_S * 1000, `${late.expires_in_ms}`);
  });

  test('is not renewed by the token of somebody else', async () => {
    const alice = await join(n1, fresh('alice'));
    const reply = await alice.ask('auth.renew', { token: mint(fresh('bob')) });
    assert.ok(['unauthorized', 'forbidden'].includes(reply.code), reply.code);
    await alice.settle();
  });

  test('is not renewed by a forged one', async () => {
    const user = fresh('alice');
    const alice = await join(n1, user);
    await alice.refused('auth.renew', { token: unsigned(user) }, 'unauthorized');
    await alice.settle();
  });
});

describe('a session', () => {
  test('resumes at another node with every event, in order, none twice', async () => {
    const [alice, bob] = [await join(n1, fresh('alice')), await join(n2, fresh('bob'))];
    const call = await pair(alice, bob);
    for (let i = 0; i < 5; i += 1) await bob.request('signal', { call, to: 1, data: { i } });
    await alice.expectMany('signal', 5);
    await alice.drop();
    for (let i = 5; i < 20; i += 1) await bob.request('signal', { call, to: 1, data: { i } });
    const welcome = await alice.resume(n2);
    assert.equal(welcome.resumed, true);
    assert.equal(welcome.seq, alice.seq - alice.events.filter((event) => event.seq).length);
    const later = await alice.expectMany('signal', 15);
    assert.deepEqual(later.map((event) => event.data.i), Array.from({ length: 15 }, (_, i) => i + 5));
    await alice.quiet('signal');
    assert.equal((await alice.request('call.get', { call })).call, call);
  });

  test('gets again what it had not yet seen', async () => {
    const [alice, bob] = [await join(n1, fresh('alice'), { ack: false }), await join(n2, fresh('bob'))];
    const call = await pair(alice, bob);
    const seen = alice.seq;
    for (let i = 0; i < 3; i += 1) await bob.request('signal', { call, to: 1, data: { i } });
    await alice.expectMany('signal', 3);
    await alice.drop();
    alice.seq = seen;
    await alice.resume(n1);
    assert.deepEqual((await alice.expectMany('signal', 3)).map((event) => event.data.i), [0, 1, 2]);
  });

  test('can say that it has handled what it had as it came back', async () => {
    const [alice, bob] = [await join(n1, fresh('alice'), { ack: false }), await join(n2, fresh('bob'))];
    const call = await pair(alice, bob);
    await bob.request('signal', { call, to: 1, data: 'handled' });
    await alice.expect('signal');
    await alice.drop(); // before it could say so
    await alice.resume(n2);
    const handled = alice.seq;
    alice.ack();
    await alice.settle();
    await until(async () => {
      await alice.drop();
      alice.seq = handled - 1;
      return !(await alice.resume(n2)).resumed;
    }, 'what was handled to be kept no longer');
  });

  test('is told again by a snapshot where it sits', async () => {
    const [alice, bob] = [await join(n1, fresh('alice')), await join(n2, fresh('bob'))];
    const call = await pair(alice, bob);
    await alice.drop();
    const { calls } = await alice.resume(n2);
    assert.deepEqual(calls.map((one) => one.call), [call]);
    assert.equal(calls[0].state, 'active');
  });

  test('seems suspended to the others while it has no socket, and resumed after', async () => {
    const [alice, bob] = [await join(n1, fresh('alice')), await join(n2, fresh('bob'))];
    const call = await pair(alice, bob);
    await alice.drop();
    assert.equal((await bob.expect('call.suspended')).peer, 1);
    const { members } = await bob.request('call.get', { call });
    assert.equal(members.find(({ peer }) => peer === 1).state, 'suspended');
    await alice.resume(n2);
    assert.equal((await bob.expect('call.resumed')).peer, 1);
  });

  test('is not resumed with a wrong key, and lives on', async () => {
    const user = fresh('alice');
    const alice = await join(n1, user);
    const thief = await connected(n2);
    const resume = { session: alice.session, key: 'A'.repeat(alice.key.length), seq: 0 };
    const reply = await thief.ask('hello', { token: mint(user), device: 'tablet', resume });
    assert.notEqual(reply.resumed, true);
    assert.notEqual(reply.session, alice.session);
    await alice.settle();
    await alice.close();
  });

  test('is not resumed by another user who has the key', async () => {
    const alice = await join(n1, fresh('alice'));
    const thief = await connected(n2);
    const resume = { session: alice.session, key: alice.key, seq: 0 };
    const reply = await thief.ask('hello', { token: mint(fresh('mallory')), device: 'phone', resume });
    assert.notEqual(reply.resumed, true);
    assert.notEqual(reply.session, alice.session);
    await alice.settle();
  });

  test('that never was is not resumed', async () => {
    const client = await connected();
    const resume = { session: 'x'.repeat(22), key: 'y'.repeat(22), seq: 0 };
    const welcome = await client.ask('hello', { token: mint(fresh('alice')), device: 'phone', resume });
    assert.equal(welcome.resumed, false);
    assert.equal(welcome.seq, 0);
  });

  test('whose grace is over is a new one, and its seats are gone', async () => {
    const [b1, b2] = brief.nodes;
    const [alice, bob] = [await join(b1, fresh('alice')), await join(b2, fresh('bob'))];
    const call = await pair(alice, bob);
    const before_ = alice.session;
    await alice.drop();
    const left = await bob.expect('call.left');
    assert.deepEqual([left.peer, left.reason], [1, 'lost']);
    assert.equal((await bob.expect('call.ended')).call, call);
    const welcome = await alice.resume(b2);
    assert.equal(welcome.resumed, false);
    assert.notEqual(welcome.session, before_);
    assert.deepEqual(welcome.calls, []);
  });

  test('of the same device that says hello is superseded with 4005', async () => {
    const user = fresh('alice');
    const old = await join(n1, user);
    const next = await join(n2, user);
    assert.equal((await old.closed()).code, 4005);
    assert.notEqual(next.session, old.session);
    await next.settle();
  });

  test('of another device goes on beside it', async () => {
    const user = fresh('alice');
    const phone = await join(n1, user);
    const laptop = await join(n2, user, { device: 'laptop' });
    await phone.settle();
    await laptop.settle();
  });

  test('that superseded finds its calls and takes its seat back', async () => {
    const user = fresh('alice');
    const [old, bob] = [await join(n1, user), await join(n2, fresh('bob'))];
    const call = await pair(old, bob);
    const next = await join(n2, user);
    assert.deepEqual(next.welcome.calls.map((one) => [one.call, one.rejoin]), [[call, true]]);
    const { peer } = await next.request('call.join', { call });
    assert.equal(peer, 1);
    assert.equal((await bob.expect('call.rejoined')).peer, 1);
    await bob.request('signal', { call, to: 1, data: 'hello again' });
    assert.equal((await next.expect('signal')).data, 'hello again');
  });

  test('that superseded and does not join loses the seat when the grace ends', async () => {
    const [b1, b2] = brief.nodes;
    const user = fresh('alice');
    const [old, bob] = [await join(b1, user), await join(b2, fresh('bob'))];
    await pair(old, bob);
    const next = await join(b1, user);
    const left = await bob.expect('call.left');
    assert.deepEqual([left.peer, left.reason], [1, 'lost']);
    await next.settle();
  });

  test('ends at once with bye, and its seats are free', async () => {
    const [alice, bob] = [await join(n1, fresh('alice')), await join(n2, fresh('bob'))];
    await pair(alice, bob);
    await alice.request('bye');
    assert.equal((await alice.closed()).code, 1000);
    assert.equal((await bob.expect('call.left')).peer, 1);
    await bob.expect('call.ended');
    assert.equal((await alice.resume(n2)).resumed, false);
  });

  test('answers a ping', async () => {
    const alice = await join(n1, fresh('alice'));
    const reply = await alice.request('ping');
    assert.deepEqual(reply, { type: 'ok', id: alice.lastId });
  });

  test('that is taken over while its old socket stands leaves only one that hears', async () => {
    const [alice, bob] = [await join(n1, fresh('alice')), await join(n2, fresh('bob'))];
    const call = await pair(alice, bob);
    const other = alice.twin();
    assert.equal((await other.resume(n2)).resumed, true);
    await alice.closed();
    await bob.request('signal', { call, to: 1, data: 1 });
    assert.equal((await other.expect('signal')).data, 1);
  });
});

describe('a request sent again with its id', () => {
  test('has its effect once and gets the same answer', async () => {
    const alice = await join(n1, fresh('alice'));
    const id = alice.lastId + 1;
    const first = await alice.ask('offer.post', { offer: OFFER }, id);
    assert.equal(first.type, 'ok');
    assert.deepEqual(await alice.ask('offer.post', { offer: OFFER }, id), first);
  });

  test('also after a resume at another node', async () => {
    const [alice, bob] = [await join(n1, fresh('alice')), await join(n2, fresh('bob'))];
    const call = await pair(alice, bob);
    const id = bob.lastId + 1;
    const first = await bob.ask('signal', { call, to: 1, data: 'once' }, id);
    await bob.drop();
    await bob.resume(n1);
    const again = await bob.ask('signal', { call, to: 1, data: 'once' }, id);
    assert.deepEqual(again, first);
    await bob.request('signal', { call, to: 1, data: 'twice' });
    assert.deepEqual((await alice.expectMany('signal', 2)).map(({ data }) => data), ['once', 'twice']);
  });

  test('joins once', async () => {
    const [alice, bob] = [await join(n1, fresh('alice')), await join(n2, fresh('bob'))];
    const call = await room(alice, []);
    const id = bob.lastId + 1;
    const first = await bob.ask('call.join', { call }, id);
    await bob.drop();
    await bob.resume(n1);
    assert.equal((await bob.ask('call.join', { call }, id)).peer, first.peer);
    const { members } = await alice.request('call.get', { call });
    assert.equal(members.length, 2);
  });
});

describe('a request sent again behind many others', () => {
  const KEPT = 16; // docs/protocol.md, "Sent again"
  test('has its effect once all the same', async () => {
    const alice = await join(n1, fresh('alice'));
    const start = (id) => alice.ask('call.start', { to: [], allow: 'anyone' }, id);
    const id = alice.lastId + 1;
    const first = await start(id);
    for (let i = 1; i < KEPT; i++) await alice.request('call.lock', { call: first.call, locked: i % 2 === 1 });
    assert.deepEqual(await start(id), first);
    await alice.request('call.lock', { call: first.call, locked: false });
    assert.equal((await start(id)).code, 'conflict');
    const look = await alice.ask('call.get', { call: first.call }, id);
    assert.deepEqual([look.type, look.version], ['ok', KEPT + 1]);
    await alice.drop();
    assert.equal((await alice.resume(n2)).calls.length, 1);
  });
});

describe('the socket', () => {
  test('of a session that is silent for two heartbeats is dropped', () =>
    unhurried(async (pace) => {
      const quick = await startCluster({ nodes: 1, settings: { 'heartbeat-ms': 200 * pace } });
      try {
        const [node] = quick.nodes;
        const [deaf, alive] = [new Client(), await join(node, fresh('bob'))];
        deaf.token = mint(fresh('alice'));
        await deaf.connect(node, { autoPong: false });
        await deaf.hello({ device: 'phone' });
        await deaf.closed();
        await alive.settle();
      } finally {
        await quick.stop();
      }
    }));
});
