// How calls begin (node/web/client/begin.js), where a real node is too quick for what is asked here.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { leaveAll, signIn } from '../support/app.mjs';
import { startFakeNode } from '../support/fake-node.mjs';
import { within } from '../support/wait.mjs';

let node;
before(async () => {
  node = await startFakeNode();
});
after(() => {
  leaveAll();
  return node?.stop();
});

const MEMBERS = [
  { peer: 1, user: 'bob', device: 'phone', name: 'Bob', state: 'here' },
  { peer: 2, user: 'alice', device: 'phone', name: 'Alice', state: 'here' },
];

describe('a call that crosses with another', () => {
  test('is that one, though its ring comes behind the answer', async () => {
    const signing = signIn(node, 'alice');
    const line = await node.line();
    await line.welcome();
    const { me } = await signing;
    const rung = [];
    me.on('incoming', (call) => rung.push(call));
    const calling = me.call('bob');
    const start = await line.read('call.start');
    line.ok(start, { call: 'c1', peer: 2, glare: true, reach: { bob: 'ringing' }, members: MEMBERS, version: 2 });
    const get = await line.read('call.get');
    line.send({ type: 'call.incoming', call: 'c1', version: 1, from: 'bob', name: 'Bob', members: [MEMBERS[0]], seats: 2, expires_ms: Date.now() + 9000, in_call: false, seq: 1 });
    line.ok(get, { call: 'c1', state: 'active', version: 2, seats: 2, members: MEMBERS, ringing: [], starter: 'bob', locked: false, privacy: null });
    const call = await calling;
    assert.deepEqual([call.id, call.state, me.calls.get('c1') === call], ['c1', 'active', true]);
    assert.deepEqual(rung, [], 'one that it is in does not ring');
  });
});

describe('a call that was answered', () => {
  test('while the session was lost is one to rejoin', async () => {
    const signing = signIn(node, 'alice', { alert: false });
    const line = await node.line();
    await line.welcome();
    const { me } = await signing;
    const ringing = me.once('incoming');
    line.send({ type: 'call.incoming', call: 'c1', version: 1, from: 'bob', name: 'Bob', members: [MEMBERS[0]], seats: 2, expires_ms: Date.now() + 9000, in_call: false, seq: 1 });
    const [rung] = await within(ringing, 'a ring');
    const accepting = assert.rejects(rung.accept(), { code: 'reset' });
    line.ok(await line.read('call.get'), { privacy: null });
    await line.read('call.accept');
    const coming = me.once('rejoin');
    line.close(1012);
    const next = await node.line();
    await next.welcome({ resumed: false, seq: 0, calls: [{ call: 'c1', state: 'active', version: 3, seats: 2, members: MEMBERS, ringing: [], starter: 'bob', locked: false, privacy: null, rejoin: true }] });
    await accepting;
    const [back] = await within(coming, 'a call to rejoin');
    assert.deepEqual([rung.state, rung.reason, back.state, me.calls.get('c1') === back], ['ended', 'lost', 'rejoin', true]);
  });
});
