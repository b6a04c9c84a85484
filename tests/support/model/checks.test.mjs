// Each judge of the model test can say no: a made-up history that breaks its rule is found, and the same one told rightly is not.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CHECKS, indexed } from './checks.mjs';

const ALICE = { who: 'alice/a', session: 'sA', link: 1 };
const BOB = { who: 'bob/a', session: 'sB', link: 2 };
const BOB2 = { who: 'bob/b', session: 'sC', link: 3 };
const CAROL = { who: 'carol/a', session: 'sD', link: 4 };
const CALL = 'call-1';

const event = (at, frame) => ({ what: 'event', ...at, frame: { call: CALL, ...frame } });
const send = (at, frame) => ({ what: 'send', ...at, frame: { call: CALL, ...frame } });
const reply = (at, request, frame, asked = {}) => ({ what: 'reply', ...at, request, asked: { call: CALL, ...asked }, frame: { type: 'ok', id: 2, ...frame } });
const welcome = (at, frame = {}, rest = {}) => ({ what: 'reply', ...at, request: 'hello', frame: { type: 'welcome', id: 1, resumed: false, seq: 0, calls: [], pending: [], ...frame }, ...rest });
const lasts = (at) => ({ what: 'lasts', ...at });
const redisAway = (from, to) => [{ what: 'fault', fault: 1, kind: 'redis.restart', begins: true, t: from }, { what: 'fault', fault: 1, kind: 'redis.restart', ends: true, t: to }];
const member = (peer, user, device = 'a') => ({ peer, user, device, state: 'here' });

/** Numbers and stamps the records: 1 ms apart, unless they say a `t` themselves. */
function indexOf(records, rest) {
  return { ...indexed(records.map((record, n) => ({ t: n, ...record, n }))), ...rest };
}

const joined = (at, version, peer, seq) => event(at, { type: 'call.joined', version, peer, user: 'bob', device: 'a', seq });
const ended = (at, version, reason, seq) => event(at, { type: 'call.ended', version, reason, seq });
const incoming = (at, version, seq) => event(at, { type: 'call.incoming', version, from: 'alice', members: [member(1, 'alice')], seats: 2, seq });
const cancelled = (at, version, seq, reason = 'cancelled') => event(at, { type: 'call.cancelled', version, reason, seq });
const signal = (at, data, seq) => event(at, { type: 'signal', from: 1, data, version: 2, seq });
const started = (asked = { to: ['bob'] }, frame = {}) => reply(ALICE, 'call.start', { call: CALL, peer: 1, version: 1, reach: { bob: 'ringing' }, ...frame }, { call: undefined, ...asked });
const startSent = (at, to, id = 2) => ({ what: 'send', ...at, frame: { type: 'call.start', id, to } });
const seated = [started({ to: [], seats: 2 }), reply(BOB, 'call.join', { call: CALL, peer: 2, version: 2, members: [member(1, 'alice'), member(2, 'bob')] })];

/** name of a check → [what breaks it, the records, what else the index holds?]… and under `fine` what does not. */
const CASES = {
  eventsInOrder: {
    broken: {
      'a hole': [[joined(ALICE, 2, 2, 1), joined(ALICE, 3, 3, 3)]],
      'a double': [[joined(ALICE, 2, 2, 1), joined(ALICE, 3, 3, 1)]],
      'a resume that goes on too far': [[joined(ALICE, 2, 2, 1), welcome(ALICE, { resumed: true, seq: 2 })]],
    },
    fine: [[welcome(ALICE), joined(ALICE, 2, 2, 1), welcome(ALICE, { resumed: true, seq: 1 }), joined(ALICE, 3, 3, 2)]],
  },
  versionsRise: {
    broken: {
      'a version twice': [[joined(ALICE, 2, 2, 1), event(ALICE, { type: 'call.left', version: 2, peer: 2, seq: 2 })]],
      'a signal from before': [[joined(ALICE, 3, 2, 1), signal(ALICE, 'x', 2)]],
      'an event without one': [[joined(ALICE, undefined, 2, 1)]],
    },
    fine: [[joined(ALICE, 2, 2, 1), signal(ALICE, 'x', 2), event(ALICE, { type: 'call.left', version: 3, peer: 2, seq: 3 })]],
  },
  oneStory: {
    broken: { 'two tales of one version': [[joined(ALICE, 2, 2, 1), joined(CAROL, 2, 3, 1)]] },
    fine: [[joined(ALICE, 2, 2, 1), joined(CAROL, 2, 2, 1)]],
  },
  neverTooMany: {
    broken: {
      'six in a list': [[reply(ALICE, 'call.get', { call: CALL, seats: 5, version: 6, members: [1, 2, 3, 4, 5, 6].map((peer) => member(peer, `u${peer}`)) })]],
      'three on two seats': [[...seated, { what: 'truth', call: CALL, snapshot: { version: 3, members: [1, 2, 3].map((peer) => member(peer, `u${peer}`)) } }]],
      'two on one seat': [[reply(ALICE, 'call.get', { call: CALL, seats: 5, version: 3, members: [member(1, 'alice'), member(1, 'bob')] })]],
      'a join on a taken seat': [[...seated, joined(ALICE, 3, 2, 1)]],
      'a third by the events': [[...seated, joined(ALICE, 3, 3, 1)]],
      'a leave of an empty seat': [[...seated, event(ALICE, { type: 'call.left', version: 3, peer: 4, seq: 1 })]],
      'a picture that the events contradict': [[...seated, joined(ALICE, 2, 2, 1), event(ALICE, { type: 'call.left', version: 3, peer: 2, seq: 2 }), reply(ALICE, 'call.get', { call: CALL, seats: 2, version: 3, members: [member(1, 'alice'), member(2, 'bob')] })]],
    },
    fine: [[...seated, joined(ALICE, 2, 2, 1), event(ALICE, { type: 'call.left', version: 3, peer: 2, seq: 2 }), joined(ALICE, 4, 2, 3), ended(ALICE, 5, 'hangup', 4)]],
  },
  oneWinner: {
    broken: {
      'two takers': [[reply(BOB, 'offer.take', { call: CALL, peer: 2, version: 2 }), reply(CAROL, 'offer.take', { call: CALL, peer: 3, version: 3 })]],
      'two devices that answer one ring': [[incoming(BOB, 1, 1), incoming(BOB2, 1, 1), reply(BOB, 'call.accept', { version: 2 }), reply(BOB2, 'call.accept', { version: 3 })]],
      'two that answer at once': [[incoming(BOB, 1, 1), incoming(BOB, 5, 2), reply(BOB, 'call.accept', { version: 2 }), reply(BOB2, 'call.accept', { version: 2 })]],
    },
    fine: [[incoming(BOB, 1, 1), reply(BOB, 'call.accept', { version: 2 }), incoming(BOB, 5, 2), reply(BOB2, 'call.accept', { version: 6 })]],
  },
  oneEnd: {
    broken: {
      'two reasons': [[ended(ALICE, 3, 'hangup', 1), ended(BOB, 3, 'lost', 1)]],
      'two versions': [[ended(ALICE, 3, 'hangup', 1), ended(BOB, 4, 'hangup', 1)]],
      'a change after the end': [[ended(ALICE, 3, 'hangup', 1), joined(BOB, 4, 2, 1)]],
    },
    fine: [[joined(ALICE, 2, 2, 1), ended(ALICE, 3, 'hangup', 2), ended(BOB, 3, 'hangup', 1)]],
  },
  ringsEnd: {
    broken: {
      'a ring that never ends': [[welcome(BOB), incoming(BOB, 1, 1), lasts(BOB)]],
      'a second ring while the first rings': [[welcome(BOB), incoming(BOB, 1, 1), incoming(BOB, 2, 2), cancelled(BOB, 3, 3)]],
      'a ring that was there before': [[welcome(BOB), incoming(BOB, 3, 1), cancelled(BOB, 4, 2), incoming(BOB, 2, 3)]],
      'an end without a ring': [[welcome(BOB), cancelled(BOB, 2, 1)]],
      'an end after the own answer': [[welcome(BOB), incoming(BOB, 1, 1), reply(BOB, 'call.accept', { version: 2 }), cancelled(BOB, 3, 2)]],
      'a ring that was not pending, though nobody had answered': [[incoming(BOB2, 1, 1), welcome(BOB), send(BOB2, { type: 'call.accept', id: 2 }), cancelled(BOB, 2, 1, 'answered_elsewhere')]],
    },
    fine: [
      [welcome(BOB), incoming(BOB, 1, 1), cancelled(BOB, 2, 2), incoming(BOB, 3, 3), reply(BOB, 'call.reject', { version: 4 }), lasts(BOB)],
      [welcome(BOB, { pending: [{ call: CALL, version: 1 }] }), incoming(BOB, 1, 1), cancelled(BOB, 2, 2), lasts(BOB)],
      [welcome(BOB), incoming(BOB, 1, 1), send(BOB, { type: 'call.reject', id: 2 }), incoming(BOB, 3, 2), reply(BOB, 'call.reject', { version: 2 }), cancelled(BOB, 4, 3), lasts(BOB)],
      [incoming(BOB2, 1, 1), send(BOB2, { type: 'call.accept', id: 2 }), welcome(BOB), cancelled(BOB, 2, 1, 'answered_elsewhere'), lasts(BOB)],
      [incoming(BOB2, 1, 1), startSent(BOB2, ['alice']), welcome(BOB), cancelled(BOB, 2, 1, 'answered_elsewhere'), lasts(BOB)],
    ],
  },
  noRingAfterTheEnd: {
    broken: { 'a ring as young as the end': [[ended(ALICE, 3, 'cancelled', 1), incoming(BOB, 3, 1)]] },
    fine: [[ended(ALICE, 3, 'cancelled', 1), incoming(BOB, 1, 1), cancelled(BOB, 2, 2)]],
  },
  ringsReach: {
    broken: {
      'a device that never hears it': [[welcome(ALICE), welcome(BOB), startSent(ALICE, ['bob']), started(), lasts(BOB)]],
      'though it has unblocked the caller': [[welcome(ALICE), welcome(BOB), send(BOB, { type: 'block.set', id: 2, users: [] }), startSent(ALICE, ['bob']), started(), lasts(BOB)]],
    },
    fine: [
      [welcome(ALICE), welcome(BOB), startSent(ALICE, ['bob']), send(BOB, { type: 'block.set', id: 2, users: ['alice'] }), started(), lasts(BOB)],
      [welcome(ALICE), welcome(BOB), startSent(ALICE, ['bob']), incoming(BOB, 1, 1), started(), lasts(BOB)],
      [welcome(ALICE), startSent(ALICE, ['bob']), welcome(BOB), started(), lasts(BOB)],
      [welcome(ALICE), welcome(BOB), startSent(ALICE, ['bob']), started({ to: ['bob'] }, { reach: { bob: 'waiting' } }), lasts(BOB)],
    ],
  },
  sameAnswer: {
    broken: {
      'another call': [[started(), started({ to: ['bob'] }, { call: 'call-2' })]],
      'a refusal after an ok': [[reply(BOB, 'call.join', { peer: 2, version: 2 }), reply(BOB, 'call.join', { type: 'error', code: 'gone' })]],
    },
    fine: [
      [reply(BOB, 'call.join', { peer: 2, version: 2 }), reply(BOB, 'call.join', { version: 2, peer: 2 })],
      [reply(BOB, 'call.join', { peer: 2, version: 2 }), reply(BOB, 'call.join', { type: 'error', code: 'unavailable' }), reply(BOB, 'call.join', { version: 2, peer: 2 })],
      [reply(BOB, 'call.join', { type: 'error', code: 'call_full' }), reply(BOB, 'call.join', { version: 2, peer: 2 })],
    ],
  },
  oneReplyEach: {
    broken: {
      'two replies to one request': [[send(ALICE, { type: 'call.get', id: 2 }), reply(ALICE, 'call.get', {}), reply(ALICE, 'call.get', {})]],
      'no reply': [[send(ALICE, { type: 'call.get', id: 2 }), lasts(ALICE)]],
    },
    fine: [[send(ALICE, { type: 'call.get', id: 2 }), send({ ...ALICE, link: 9 }, { type: 'call.get', id: 2 }), reply({ ...ALICE, link: 9 }, 'call.get', {}), lasts(ALICE)]],
  },
  refusalsAreKnown: {
    broken: {
      'a code that the request has not': [[reply(ALICE, 'call.leave', { type: 'error', code: 'call_full' })]],
      'a mistake of which the client knows nothing': [[reply(ALICE, 'signal', { type: 'error', code: 'bad_request' })]],
      'unavailable on a fine day': [[reply(ALICE, 'call.leave', { type: 'error', code: 'unavailable' })]],
    },
    fine: [[{ what: 'fault', begins: true, t: 0 }, reply(ALICE, 'call.leave', { type: 'error', code: 'unavailable' }), { what: 'fault', ends: true, t: 9000 }, reply(ALICE, 'call.leave', { type: 'error', code: 'gone' })]],
  },
  signalsArrive: {
    broken: {
      'one that arrives twice': [[...seated, send(ALICE, { type: 'signal', id: 3, to: 2, data: 'x' }), signal(BOB, 'x', 1), signal(BOB, 'x', 2)]],
      'one that arrives at two sessions': [[...seated, send(ALICE, { type: 'signal', id: 3, to: 2, data: 'x' }), signal(BOB, 'x', 1), signal({ ...BOB, session: 'sNew' }, 'x', 1)]],
      'one that nobody sent': [[...seated, signal(BOB, 'x', 1)]],
      'one at a stranger': [[...seated, send(ALICE, { type: 'signal', id: 3, to: 2, data: 'x' }), signal(CAROL, 'x', 1)]],
      'one in another call': [[...seated, send(ALICE, { type: 'signal', id: 3, to: 2, data: 'x', call: 'call-2' }), signal(BOB, 'x', 1)]],
      'two in the wrong order': [[...seated, send(ALICE, { type: 'signal', id: 3, to: 2, data: 'x' }), send(ALICE, { type: 'signal', id: 4, to: 2, data: 'y' }), signal(BOB, 'y', 1), signal(BOB, 'x', 2)]],
      'one that is lost': [[...seated, send(ALICE, { type: 'signal', id: 3, to: 2, data: 'x' }), reply(ALICE, 'signal', { id: 3 }, { to: 2, data: 'x' }), lasts(BOB)]],
    },
    fine: [
      [...seated, send(ALICE, { type: 'signal', id: 3, to: 2, data: 'x' }), reply(ALICE, 'signal', { id: 3 }, { to: 2, data: 'x' }), signal(BOB, 'x', 1), lasts(BOB)],
      [...seated, send(ALICE, { type: 'signal', id: 3, to: 2, data: 'x' }), reply(ALICE, 'signal', { id: 3 }, { to: 2, data: 'x' })],
      [...seated, send(ALICE, { type: 'signal', id: 3, to: 2, data: 'x' }), signal(BOB, 'x', 1), send(ALICE, { type: 'signal', id: 3, to: 2, data: 'x' }), signal({ ...BOB, session: 'sNew' }, 'x', 1)],
      [
        ...seated,
        send(ALICE, { type: 'signal', id: 3, to: 2, data: 'x' }),
        reply(ALICE, 'signal', { id: 3 }, { to: 2, data: 'x' }),
        send(ALICE, { type: 'signal', id: 4, to: 2, data: 'y' }),
        signal({ ...BOB, session: 'sNew' }, 'y', 1),
        send(ALICE, { type: 'signal', id: 3, to: 2, data: 'x' }),
        signal({ ...BOB, session: 'sNew' }, 'x', 2),
      ],
    ],
  },
  offersArrive: {
    broken: {
      'another offer': [[started({ to: ['bob'], offer: 's=one\r\n' }), reply(BOB, 'call.accept', { version: 2, offer: 's=two\r\n' })]],
      'none for the taker': [[reply(ALICE, 'offer.post', { call: CALL, version: 1 }, { offer: 's=one\r\n' }), reply(BOB, 'offer.take', { call: CALL, version: 2 })]],
    },
    fine: [[started({ to: ['bob'], offer: 's=one\r\n' }), reply(BOB, 'call.accept', { version: 2, offer: 's=one\r\n' })]],
  },
  crossingCallsAreOne: {
    broken: {
      'a second call while the first rings': [
        [startSent(ALICE, ['bob']), started(), { what: 'send', ...BOB, frame: { type: 'call.start', id: 2, to: ['alice'] } }, reply(BOB, 'call.start', { call: 'call-2', peer: 1, version: 1, reach: { alice: 'ringing' } }, { call: undefined, to: ['alice'] })],
      ],
    },
    fine: [
      [
        startSent(ALICE, ['bob']),
        started(),
        event(ALICE, { type: 'call.ended', version: 3, reason: 'rejected', seq: 1 }),
        { what: 'send', ...BOB, frame: { type: 'call.start', id: 2, to: ['alice'] } },
        reply(BOB, 'call.start', { call: 'call-2', peer: 1, version: 1, reach: { alice: 'ringing' } }, { call: undefined, to: ['alice'] }),
      ],
      [startSent(ALICE, ['bob']), started(), { what: 'send', ...BOB, frame: { type: 'call.start', id: 2, to: ['alice'] } }, reply(BOB, 'call.start', { call: CALL, peer: 2, version: 2, glare: true }, { call: undefined, to: ['alice'] })],
    ],
  },
  closesAreKnown: {
    broken: {
      'a mistake': [[{ what: 'close', ...ALICE, code: 4002 }]],
      'a socket that something else took the place of': [[{ what: 'close', ...ALICE, code: 4005 }]],
    },
    fine: [[{ what: 'close', ...ALICE, code: 4005, dropped: true }, { what: 'close', ...BOB, code: 1012 }]],
  },
  sessionsKept: {
    broken: {
      'a session that is gone too soon': [[welcome(ALICE), { what: 'close', ...ALICE, t: 1000 }, welcome({ ...ALICE, session: 'sNew' }, {}, { t: 1500, before: 'sA' })], { grace: 3000 }],
      'though its node had lapsed before': [[{ what: 'lapse', node: 'n1', t: -5 }, welcome(ALICE, {}, { node: 'n1' }), { what: 'close', ...ALICE, t: 1000 }, welcome({ ...ALICE, session: 'sNew' }, {}, { t: 1500, before: 'sA' })], { grace: 3000 }],
      'though Redis was away for a moment': [[...redisAway(3000, 6000), welcome(ALICE, {}, { node: 'n1', t: 1 }), { what: 'close', ...ALICE, t: 6000 }, welcome({ ...ALICE, session: 'sNew' }, {}, { t: 6500, before: 'sA' })], { grace: 3000 }],
    },
    fine: [
      [...redisAway(3000, 9000), welcome(ALICE, {}, { node: 'n1', t: 1 }), { what: 'close', ...ALICE, t: 9000 }, welcome({ ...ALICE, session: 'sNew' }, {}, { t: 9500, before: 'sA' })],
      [welcome(ALICE, {}, { node: 'n1' }), { what: 'close', ...ALICE, t: 9000 }, { what: 'lapse', node: 'n1', t: 9000 }, welcome({ ...ALICE, session: 'sNew' }, {}, { t: 9100, before: 'sA' })],
      [welcome(ALICE), { what: 'close', ...ALICE, t: 1000 }, welcome({ ...ALICE, session: 'sNew' }, {}, { t: 4500, before: 'sA' })],
      [welcome(ALICE), send(ALICE, { type: 'bye', id: 2 }), { what: 'close', ...ALICE, t: 1000 }, welcome({ ...ALICE, session: 'sNew' }, {}, { t: 1500, before: 'sA' })],
      [welcome(ALICE, {}, { node: 'n1' }), { what: 'fault', kind: 'freeze', node: 'n1', begins: true, t: 2 }, { what: 'close', ...ALICE, t: 9000 }, welcome({ ...ALICE, session: 'sNew' }, {}, { t: 9100, before: 'sA' })],
    ],
  },
  endIsRight: {
    broken: { 'what the end of the run found': [[{ what: 'wrong', message: 'a key is left' }]] },
    fine: [[{ what: 'note', message: 'everybody is back' }]],
  },
};

describe('a judge of histories finds', () => {
  for (const [name, { broken, fine }] of Object.entries(CASES)) {
    for (const [what, [records, rest]] of Object.entries(broken)) {
      test(`${name}: ${what}`, () => {
        const found = CHECKS[name](indexOf(records, rest));
        assert.equal(found.length > 0, true, 'nothing was found');
        assert.equal(typeof found[0].message, 'string');
      });
    }
    test(`${name}: nothing where all is right`, () => {
      for (const records of fine) assert.deepEqual(CHECKS[name](indexOf(records, { grace: 3000 })), []);
    });
  }

  test('and no judge is without its case', () => {
    assert.deepEqual(Object.keys(CASES), Object.keys(CHECKS));
  });
});
