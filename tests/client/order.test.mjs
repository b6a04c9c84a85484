// A call whose answers and events overtake each other (node/web/client/call.js): the server's side is played by the test.
import assert from 'node:assert/strict';
import { setImmediate as settled } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { incomingCall, joinRoom, startCall } from '../../node/web/client/begin.js';
import { SwitchboardError } from '../../node/web/client/error.js';
import { follow, seats } from '../support/app.mjs';
import { until, within } from '../support/wait.mjs';

const refused = (promise, code) => assert.rejects(promise, (error) => error.name === 'SwitchboardError' && error.code === code);

describe('a call whose answers and events overtake each other', () => {
  /** A client whose server says what the test lets it: me.answer(type, fields) answers the oldest request of that type. */
  function puppet() {
    const waiting = [];
    const me = { user: 'ann', device: 'phone', _options: { RTCPeerConnection: null }, _left: new Set(), _entering: new Map(), _crossed: new Set(), calls: new Map(), _drop() {} };
    me.iceServers = async () => [];
    me.waiting = waiting; // requests without an answer
    me._add = (call) => (me.calls.set(call.id, call), call);
    me._session = { request: (type, fields) => new Promise((resolve, reject) => waiting.push({ type, fields, resolve, reject })) };
    me.asked = async (type) => until(() => waiting.find((one) => one.type === type), `${type} to be asked`);
    me.answer = async (type, fields) => {
      const request = await me.asked(type);
      waiting.splice(waiting.indexOf(request), 1);
      if (fields instanceof Error) request.reject(fields);
      else request.resolve(fields);
    };
    return me;
  }
  const member = (peer, user) => ({ peer, user, device: 'phone', name: user, state: 'here' });
  const [BO, ANN, CY] = [member(1, 'bo'), member(2, 'ann'), member(3, 'cy')];
  const picture = (version, members, more) => ({ version, members, seats: 5, ringing: [], starter: 'bo', locked: false, privacy: null, ...more });
  /** An incoming call of bo's, of version 1. */
  const ringing = (me) => follow(incomingCall(me, { call: 'c', seq: 1, version: 1, from: 'bo', name: 'Bo', seats: 5, members: [BO] }));

  /** Accepted as version 2, with a picture of it. */
  async function accepted(me, now = picture(2, [BO, ANN])) {
    const call = ringing(me);
    const accepting = call.accept();
    await me.answer('call.get', picture(1, [BO]));
    await me.answer('call.accept', { peer: 2, members: [BO, ANN], version: 2 });
    await me.answer('call.get', now);
    await accepting;
    call.log = [];
    return call;
  }

  test('what comes before the answer to the acceptance is told after it', async () => {
    const me = puppet();
    const call = ringing(me);
    const accepting = call.accept();
    await me.answer('call.get', picture(1, [BO]));
    await me.asked('call.accept');
    call._event({ type: 'signal', from: 1, data: 'hello', version: 2 });
    call._event({ type: 'call.joined', ...CY, version: 3 });
    assert.deepEqual(call.log, []);
    await me.answer('call.accept', { peer: 2, members: [BO, ANN], version: 2 });
    await me.answer('call.get', picture(2, [BO, ANN]));
    await accepting;
    assert.deepEqual(call.log, ['state active', 'data 1 "hello"', 'joined 3 cy']);
  });

  test('what ends it need not wait: the acceptance is refused as gone, and a seat that it took is left', async () => {
    const me = puppet();
    const call = ringing(me);
    const accepting = refused(call.accept(), 'gone');
    await me.answer('call.get', picture(1, [BO]));
    await me.asked('call.accept');
    call._event({ type: 'call.cancelled', reason: 'answered_elsewhere', version: 2 });
    assert.deepEqual(call.log, ['state ended', 'ended answered_elsewhere']);
    await me.answer('call.accept', { peer: 2, members: [BO, ANN], version: 2 });
    await me.answer('call.get', picture(2, [BO, ANN]));
    await accepting;
    await me.asked('call.leave');
  });

  test('events that the picture knows are old, signals are not', async () => {
    const call = await accepted(puppet(), picture(4, [BO, ANN, CY], { ringing: ['dan'] }));
    call._event({ type: 'call.joined', ...CY, version: 3 });
    call._event({ type: 'call.rejected', user: 'dan', reason: 'busy', version: 4 });
    call._event({ type: 'call.suspended', peer: 3, version: 4 });
    call._event({ type: 'signal', from: 3, data: 1, version: 3 });
    assert.deepEqual([call.log, [...call.ringing.keys()]], [['data 3 1'], ['dan']]);
    call._event({ type: 'call.rejected', user: 'dan', reason: 'busy', version: 5 });
    assert.deepEqual(call.log.slice(1), ['rejected dan busy']);
  });

  test('signals to who sat on that seat before are not for who sits there now', async () => {
    const call = await accepted(puppet());
    call._event({ type: 'signal', from: 1, data: 'old', version: 1 });
    call._event({ type: 'signal', from: 1, data: 'new', version: 2 });
    assert.deepEqual(call.log, ['data 1 "new"']);
  });

  test('a ring that was over before its answer came does not ring on', async () => {
    const me = puppet();
    const call = await accepted(me);
    const inviting = call.invite('dan');
    await me.asked('call.invite');
    call._event({ type: 'call.rejected', user: 'dan', reason: 'busy', version: 4 });
    await me.answer('call.invite', { reach: { dan: 'ringing' }, version: 3 });
    await me.answer('call.get', picture(4, [BO, ANN]));
    await inviting;
    assert.deepEqual([...call.ringing], []);
  });

  test('a picture that events have overtaken says nothing', async () => {
    const me = puppet();
    const call = await accepted(me);
    const inviting = call.invite('dan');
    await me.asked('call.invite');
    call._event({ type: 'call.joined', ...CY, version: 4 });
    await me.answer('call.invite', { reach: { dan: 'ringing' }, version: 3 });
    await me.asked('call.get');
    call._event({ type: 'call.left', peer: 3, reason: 'hangup', version: 5 });
    await me.answer('call.get', picture(4, [BO, ANN, CY]));
    await inviting;
    assert.deepEqual([seats(call), call.log], [['1 bo', '2 ann (me)'], ['joined 3 cy', 'left 3 hangup']]);
  });

  test('a picture that is newer is told as what happened', async () => {
    const call = await accepted(puppet(), picture(3, [BO, ANN, CY], { ringing: ['dan'] }));
    call._event({ type: 'call.healed', ...picture(9, [{ ...BO, state: 'suspended' }, ANN, member(4, 'dan')], { locked: true }) });
    assert.deepEqual(call.log, ['left 3 lost', 'member 1 suspended', 'joined 4 dan', 'locked true']);
    call._event({ type: 'call.healed', ...picture(10, [BO]) });
    assert.deepEqual(call.log.slice(-2), ['state ended', 'ended lost']);
  });

  test('a seat that another has taken since is another member', async () => {
    const me = puppet();
    const call = await accepted(me, picture(3, [BO, ANN, CY]));
    const cy = call.members[2];
    call._event({ type: 'call.left', peer: 3, reason: 'hangup', version: 4 });
    call._event({ type: 'call.joined', ...member(3, 'dan'), version: 5 });
    await refused(call.send('for cy alone', cy), 'not_found');
    await refused(call.remove(cy), 'not_found');
    assert.deepEqual(seats(call), ['1 bo', '2 ann (me)', '3 dan']);
  });

  test('an answer that comes before older events is not undone by them', async () => {
    const me = puppet();
    const call = await accepted(me, picture(2, [BO, ANN], { ringing: ['dan'] }));
    const cancelling = call.cancel('dan');
    await me.answer('call.cancel', { version: 4 });
    await me.asked('call.get');
    call._event({ type: 'call.ringing', user: 'dan', version: 3 });
    await me.answer('call.get', picture(4, [BO, ANN]));
    await cancelling;
    assert.deepEqual([...call.ringing], []);
    const locking = call.lock();
    await me.answer('call.lock', { version: 5 });
    await locking; // and nothing is asked where nothing was missed
    call._event({ type: 'call.locked', locked: false, version: 6 });
    assert.deepEqual(call.log.slice(-2), ['locked true', 'locked false']);
  });

  test('after the end nothing is told, though an answer comes', async () => {
    const me = puppet();
    const call = await accepted(me, picture(2, [BO, ANN, CY]));
    const removing = call.remove(call.members[2]);
    await me.asked('call.remove');
    call.hangup();
    await me.answer('call.remove', { version: 3 });
    await removing;
    assert.deepEqual(call.log, ['state ended', 'ended hangup']);
  });

  test('the end of an earlier ring is no news to who has answered the next one', async () => {
    const call = await accepted(puppet());
    call._event({ type: 'call.cancelled', reason: 'cancelled', version: 1 });
    assert.deepEqual([call.state, call.log], ['active', []]);
  });

  test('what a store has forgotten is said again, also where a picture was faster than the news of it', async () => {
    class Connection {
      signalingState = 'stable';
      addTransceiver() {
        queueMicrotask(() => this.onnegotiationneeded());
      }
      async setLocalDescription() {
        this.signalingState = 'have-local-offer';
        this.localDescription = { toJSON: () => ({ type: 'offer' }) };
      }
      close() {}
    }
    const me = puppet();
    me._options.RTCPeerConnection = Connection;
    const joining = joinRoom(me, 'c', { stream: null });
    await me.answer('call.join', { peer: 2, members: [BO, ANN], version: 2 });
    await me.answer('call.get', picture(4, [BO, ANN]));
    const call = follow(await joining);
    await me.answer('signal', {});
    call._event({ type: 'call.healed', ...picture(4, [BO, ANN]) });
    assert.deepEqual((await me.asked('signal')).fields.description, { type: 'offer' });
    assert.deepEqual(call.log, []);
    call.hangup(); // and with it its timers
  });

  test('nobody sits down in a session that was lost meanwhile', async () => {
    for (const code of ['reset', 'closed']) {
      const me = puppet();
      const joining = refused(joinRoom(me, 'c'), code);
      await me.answer('call.join', { peer: 2, members: [BO, ANN], version: 2 });
      await me.answer('call.get', new SwitchboardError(code, 'it was'));
      await joining;
      assert.equal(me.calls.size, 0);
    }
  });

  test('of two sessions that are lost one after the other the second takes the seat back', async () => {
    const me = puppet();
    const call = await accepted(me);
    call._welcome({ rejoin: true }, false);
    await me.answer('call.join', { peer: 2, members: [BO, ANN], version: 3 });
    const lost = me.answer('call.get', new SwitchboardError('reset', 'once more'));
    call._welcome({ rejoin: true }, false);
    await lost;
    await me.answer('call.join', { peer: 2, members: [BO, ANN], version: 5 });
    await me.answer('call.get', picture(5, [BO, ANN]));
    await settled();
    call._event({ type: 'call.joined', ...CY, version: 6 });
    assert.deepEqual([call.state, call.log], ['active', ['joined 3 cy']]);
  });

  test('who calls back while the answer is prepared sits down once', async () => {
    const me = puppet();
    const call = me._add(ringing(me));
    const accepting = call.accept();
    const calling = startCall(me, 'bo');
    await me.answer('call.get', picture(1, [BO]));
    await me.answer('call.start', { call: 'c', peer: 2, glare: true, reach: { bo: 'ringing' }, members: [BO, ANN], version: 2 });
    await me.answer('call.get', picture(2, [BO, ANN]));
    assert.deepEqual([await calling, await within(accepting, 'the answer')], [call, call]);
    assert.deepEqual([call.state, me.waiting], ['active', []]);
  });
});
