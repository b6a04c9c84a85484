// The parts of the model test that decide something: what a seed makes of a run, what a client knows, what the end of a run takes for right.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { disagreement, lastWords, mayStay, presenceFits } from './end.mjs';
import { History, brief, tells } from './history.mjs';
import { makePlan } from './plan.mjs';
import { STEPS } from './steps.mjs';
import { STEP_WEIGHTS } from './plan.mjs';
import { SessionView } from './view.mjs';

const SETTINGS = { seed: 7, seconds: 20 };

describe('a plan', () => {
  test('is decided by its seed', () => {
    assert.deepEqual(makePlan(SETTINGS), makePlan(SETTINGS));
    assert.notDeepEqual(makePlan(SETTINGS), makePlan({ ...SETTINGS, seed: 8 }));
  });

  test('has a step for each kind that it may name', () => {
    assert.deepEqual(Object.keys(STEP_WEIGHTS).sort(), Object.keys(STEPS).sort());
  });

  test('leaves out kinds, steps and faults without changing the others', () => {
    const { steps, faults } = makePlan(SETTINGS);
    const less = makePlan({ ...SETTINGS, skip: `signal,race,10-20,${faults[0].kind}` });
    const stays = ({ n, kind }) => !/^(signal|race)(\.|$)/.test(kind) && (n < 10 || n > 20);
    assert.deepEqual(less.steps, steps.filter(stays));
    assert.deepEqual(less.faults, faults.filter(({ kind }) => kind !== faults[0].kind));
    assert.deepEqual(makePlan({ ...SETTINGS, skip: 'f1' }).faults, faults.slice(1));
  });

  test('keeps only what is named', () => {
    const { steps, faults } = makePlan({ ...SETTINGS, only: '5-9,f1' });
    assert.deepEqual(steps.map(({ n }) => n), [5, 6, 7, 8, 9]);
    assert.deepEqual(faults.map(({ n }) => n), [1]);
    assert.equal(makePlan({ ...SETTINGS, steps: 12 }).steps.length, 12);
  });

  test('leaves half of the nodes up, and heals all before its end', () => {
    for (let seed = 0; seed < 200; seed += 1) {
      const { faults } = makePlan({ seed, seconds: 60 });
      for (const { at, ms, node, kind } of faults) {
        assert.ok(at + ms <= 60_000 + 200, `${kind} of seed ${seed} ends in time`);
        const down = new Set(faults.filter((other) => other.ms && other.kind !== 'redis.restart' && other.at <= at && other.at + other.ms > at).map((other) => other.node));
        assert.ok(down.size <= 2, `seed ${seed}: ${[...down]} are down, ${node} too`);
      }
    }
  });
});

const member = (peer, user, state = 'here') => ({ peer, user, device: 'a', state });

/** Alice's view of a call in which she sits with bob, at version 2. */
function viewOfTwo() {
  const session = new SessionView({ user: 'alice', device: 'a' });
  session.onOk('call.start', { to: ['bob', 'carol'] }, { type: 'ok', call: 'c', peer: 1, version: 1, reach: { bob: 'ringing', carol: 'waiting' } });
  session.onEvent({ type: 'call.joined', call: 'c', version: 2, peer: 2, user: 'bob', device: 'a' });
  return session;
}
const truth = (rest = {}) => ({ version: 2, members: [member(1, 'alice'), member(2, 'bob')], ringing: ['carol'], locked: false, ...rest });

describe("a client's view", () => {
  test('follows the events', () => {
    assert.equal(disagreement(viewOfTwo().calls.get('c'), truth()), null);
  });

  test('is replaced by what heals it', () => {
    const session = viewOfTwo();
    const healed = { version: 4, members: [member(1, 'alice'), member(3, 'carol')], ringing: [], locked: false };
    session.onEvent({ type: 'call.healed', call: 'c', ...healed });
    assert.equal(disagreement(session.calls.get('c'), healed), null);
  });

  test('takes changes in the order of their versions, not of their coming', () => {
    const session = viewOfTwo();
    session.onOk('call.remove', { call: 'c', peer: 3 }, { type: 'ok', version: 4 });
    session.onEvent({ type: 'call.joined', call: 'c', version: 3, peer: 3, user: 'carol', device: 'a' });
    assert.equal(disagreement(session.calls.get('c'), truth({ version: 4, ringing: [] })), null);
  });

  test('keeps what comes before the ok that seats it', () => {
    const session = new SessionView({ user: 'bob', device: 'a' });
    session.onEvent({ type: 'call.joined', call: 'c', version: 3, peer: 3, user: 'carol', device: 'a' });
    session.onOk('call.join', { call: 'c' }, { type: 'ok', call: 'c', peer: 2, version: 2, members: [member(1, 'alice'), member(2, 'bob')] });
    assert.deepEqual([...session.calls.get('c').state.members.keys()], [1, 2, 3]);
  });

  test('knows what came before the ok that it is late for', () => {
    const session = new SessionView({ user: 'alice', device: 'a' });
    session.onWelcome({ resumed: true, calls: [{ call: 'c', version: 2, members: [member(1, 'alice'), member(2, 'bob')], ringing: [], locked: false }] });
    session.onOk('call.start', { to: ['bob'] }, { type: 'ok', call: 'c', peer: 1, version: 1, reach: { bob: 'ringing' } });
    assert.deepEqual([...session.calls.get('c').state.members.keys()], [1, 2]);
    session.onEvent({ type: 'call.ended', call: 'd', version: 4, reason: 'hangup' });
    session.onOk('call.start', { to: ['bob'] }, { type: 'ok', call: 'd', peer: 2, version: 2, glare: true, members: [member(1, 'bob'), member(2, 'alice')] });
    assert.equal(session.calls.has('d'), false);
  });

  test('is out when it left, was removed, or the call ended', () => {
    for (const go of [
      (session) => session.onOk('call.leave', { call: 'c' }, { type: 'ok', version: 3 }),
      (session) => session.onEvent({ type: 'call.left', call: 'c', version: 3, peer: 1, reason: 'removed' }),
      (session) => session.onEvent({ type: 'call.ended', call: 'c', version: 3, reason: 'hangup' }),
    ]) {
      const session = viewOfTwo();
      go(session);
      assert.equal(session.calls.size, 0);
    }
  });

  test('knows which calls ring', () => {
    const session = new SessionView({ user: 'bob', device: 'a' });
    session.onWelcome({ resumed: false, calls: [], pending: [{ call: 'c', version: 1 }] });
    session.onEvent({ type: 'call.incoming', call: 'd', version: 1 });
    session.onEvent({ type: 'call.cancelled', call: 'c', version: 2 });
    assert.deepEqual([...session.rings.keys()], ['d']);
    // Rejected, and invited anew before the client heard that.
    session.onEvent({ type: 'call.incoming', call: 'd', version: 3 });
    session.onOk('call.reject', { call: 'd' }, { version: 2 });
    assert.deepEqual([...session.rings.keys()], ['d']);
  });
});

describe('a view disagrees with the truth', () => {
  const cases = {
    'about who sits there': truth({ members: [member(1, 'alice')] }),
    'about who sits where': truth({ members: [member(1, 'alice'), member(3, 'bob')] }),
    'about who is away': truth({ members: [member(1, 'alice'), member(2, 'bob', 'suspended')] }),
    'about who rings': truth({ ringing: [] }),
    'about the lock': truth({ locked: true }),
    'when it is ahead': truth({ version: 1 }),
  };
  for (const [name, snapshot] of Object.entries(cases)) {
    test(name, () => assert.equal(typeof disagreement(viewOfTwo().calls.get('c'), snapshot), 'string'));
  }

  test('but not about its own socket', () => {
    assert.equal(disagreement(viewOfTwo().calls.get('c'), truth({ members: [member(1, 'alice', 'suspended'), member(2, 'bob')] })), null);
  });
});

describe('the last word of a user', () => {
  const status = ({ status: value }) => value;
  const say = (n, session, id, value) => ({ n, what: 'send', who: 'bob/a', session, frame: { type: 'presence.set', id, status: value } });
  const done = (n, session, id, code) => ({ n, what: 'reply', who: 'bob/a', session, request: 'presence.set', frame: { id, type: code ? 'error' : 'ok', code } });
  const words = (records) => lastWords(records, 'bob', 'presence.set', status, 'available');

  test('is the last that was said', () => {
    assert.deepEqual(words([say(1, 's', 2, 'away'), done(2, 's', 2), say(3, 's', 3, 'dnd'), done(4, 's', 3)]), ['dnd']);
    assert.deepEqual(words([]), ['available']);
  });

  test('is one of two when they overlapped', () => {
    assert.deepEqual(words([say(1, 's', 2, 'away'), say(2, 't', 2, 'dnd'), done(3, 's', 2), done(4, 't', 2)]), ['away', 'dnd']);
  });

  test('may be one that was not answered, or is unavailable', () => {
    assert.deepEqual(words([say(1, 's', 2, 'away'), done(2, 's', 2), say(3, 's', 3, 'dnd'), done(4, 's', 3, 'unavailable')]), ['away', 'dnd']);
    assert.deepEqual(words([say(1, 's', 2, 'away')]), ['away', 'available']);
  });

  test('is not one that was refused', () => {
    assert.deepEqual(words([say(1, 's', 2, 'away'), done(2, 's', 2, 'bad_request')]), ['available']);
  });
});

describe('presence fits the truth', () => {
  const bob = { statuses: ['away'], blockers: [[]], devices: 2, inCall: true };
  const there = { status: 'away', in_call: true, devices: 2 };
  const cases = [
    ['when all is as it is', there, bob, true],
    ['but not with another status', { ...there, status: 'dnd' }, bob, false],
    ['but not with another number of devices', { ...there, devices: 1 }, bob, false],
    ['but not when it forgets a call', { ...there, in_call: false }, bob, false],
    ['but not when nobody is there', there, { ...bob, devices: 0 }, false],
    ['but not when one who is there looks offline', { status: 'offline' }, bob, false],
    ['when one who is not there looks offline', { status: 'offline' }, { ...bob, devices: 0 }, true],
    ['when the invisible looks offline', { status: 'offline' }, { ...bob, statuses: ['invisible'] }, true],
    ['but not when the invisible is seen', { ...there, status: 'available' }, { ...bob, statuses: ['invisible'] }, false],
    ['when the blocked see nobody', { status: 'offline' }, { ...bob, blockers: [['alice']] }, true],
    ['but not when the blocked see somebody', there, { ...bob, blockers: [['alice']] }, false],
    ['but not when nothing was told', null, bob, false],
  ];
  for (const [name, word, truthOfBob, fits] of cases) test(name, () => assert.equal(presenceFits(word, truthOfBob, 'alice'), fits));
});

describe('a key that is left in Redis', () => {
  test('may stay if it goes by itself', () => {
    assert.ok(mayStay('{17}:call:abc', 90_000));
    assert.ok(mayStay('{cluster}:nodes', -1));
  });

  test('may not stay for good, or if nobody knows why', () => {
    assert.equal(mayStay('{17}:call:abc', -1), null);
    assert.equal(mayStay('{17}:session:abc', 5000), null);
    assert.equal(mayStay('{17}:timers', -1), null);
  });
});

describe('a history', () => {
  test('tells of a call, with the faults between', () => {
    const history = new History();
    history.add('send', { who: 'a/a', session: 's', frame: { type: 'call.join', call: 'c' } });
    history.add('send', { who: 'b/a', session: 't', frame: { type: 'call.join', call: 'd' } });
    history.add('fault', { kind: 'kill', node: 'n1', begins: true });
    history.add('event', { who: 'a/a', session: 's', frame: { type: 'call.ended', call: 'c' } });
    const told = tells(history.records, { call: 'c' });
    assert.equal(told.length, 3);
    assert.match(told[1], /kill/);
  });

  test('shows no SDP and no key', () => {
    const text = brief({ key: 'secret', offer: 'v=0\r\ns=tag\r\n' });
    assert.ok(!text.includes('secret') && !text.includes('v=0'));
  });
});
