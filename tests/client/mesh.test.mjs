// Who offers to whom in a call, and when anew: its members are real, their connections the test's. Real ones are in tests/browser/mesh.test.mjs.
import assert from 'node:assert/strict';
import { setImmediate as settled } from 'node:timers/promises';
import { afterEach, describe, test } from 'node:test';
import { Mesh } from '../../node/web/client/mesh.js';
import { Seating } from '../../node/web/client/seating.js';

/** Offers as soon as it is told to, and says nothing by itself but that. */
class Connection {
  signalingState = 'stable';
  connectionState = 'new';
  did = [];
  addTransceiver() {
    queueMicrotask(() => this.onnegotiationneeded?.());
  }
  getTransceivers() {
    return [];
  }
  async setLocalDescription() {
    const type = this.signalingState === 'have-remote-offer' ? 'answer' : 'offer';
    this.signalingState = type === 'offer' ? 'have-local-offer' : 'stable';
    this.localDescription = { type, sdp: 'own', toJSON: () => ({ type, sdp: 'own' }) };
  }
  async setRemoteDescription({ type }) {
    this.did.push(type);
    this.remoteDescription = { type };
    this.signalingState = type === 'offer' ? 'have-remote-offer' : 'stable';
  }
  async addIceCandidate(init) {
    this.did.push(this.remoteDescription ? init.candidate : `${init.candidate} too early`);
  }
  setConfiguration() {}
  restartIce() {
    this.did.push('restart');
  }
  close() {
    this.signalingState = this.connectionState = 'closed';
  }
}

const NAMES = ['', 'ann', 'bo', 'cy', 'dan', 'eve'];
const member = (peer) => ({ peer, user: NAMES[peer], device: 'phone', name: NAMES[peer] });
const meshes = [];
afterEach(() => meshes.splice(0).forEach((mesh) => mesh.close()));

/** This device on that seat, among the others; `said` is what it says to whom. */
function sit(seat, ...others) {
  const said = [];
  const told = [];
  const seating = new Seating((one) => mesh.part(one), (name, of) => told.push(`${name} ${of.peer ?? of}`));
  const send = async (to, { description, candidates }) => void said.push(`${to} ${description?.type ?? `${candidates.length} candidates`}`);
  const mesh = new Mesh(seating, { send, tell: (name, of) => told.push(`${name} ${of.peer}`), changed() {} });
  meshes.push(mesh);
  mesh.use({ RTC: Connection, stream: null, tracks: [], configuration: {}, refresh: async () => {} });
  seating.sit(seat, null, { version: 1, members: [seat, ...others].map(member) }, true);
  return { mesh, seating, said, told, follow: (type, peer, more) => seating.follow({ type, ...member(peer), ...more }) };
}
const members = (...seats) => ({ members: seats.map(member) });

describe('in a mesh', () => {
  test('a newcomer offers to those who were there, and not to who came since', async () => {
    const { mesh, said } = sit(3, 1, 2, 4);
    mesh.meet(members(1, 2, 3));
    await settled();
    assert.deepEqual(said.sort(), ['1 offer', '2 offer']);
  });

  test('who has taken an offer answers it, takes its candidates after it, and offers to the others', async () => {
    const { mesh, seating, said } = sit(3, 1, 2);
    mesh.meet({ ...members(1, 2, 3), offer: 'theirs', candidates: [{ candidate: 'early' }] });
    await settled();
    assert.deepEqual(said.sort(), ['1 answer', '2 offer']);
    assert.deepEqual(seating.at(1).pc.did, ['offer', 'early']);
  });

  test('the answer to an early offer is for the connection that made it, and what it says goes to that member then', async () => {
    const { mesh, seating, follow, said } = sit(1);
    const early = { pc: new Connection(), receive: (signal) => early.pc.did.push(signal.description.type), open: (link) => (early.link = link), close() {} };
    mesh.expect(early);
    early.link.send({ candidates: [1] });
    follow('call.joined', 2);
    mesh.receive(seating.at(2), { description: { type: 'answer', sdp: 'theirs' } });
    early.link.send({ candidates: [1, 2] });
    await settled();
    assert.deepEqual([said, seating.at(2).pc, early.pc.did], [['0 1 candidates', '2 2 candidates'], early.pc, ['answer']]);
    follow('call.joined', 3);
    mesh.receive(seating.at(3), { description: { type: 'answer', sdp: 'theirs' } });
    await settled();
    assert.deepEqual([said.at(-1), seating.at(3).pc.did, early.pc.did], ['3 offer', [], ['answer']], 'an answer to what nobody offered begins the pair anew');
  });

  test('of a pair the higher number is the polite one', async () => {
    for (const [seat, other, heard] of [[1, 2, false], [2, 1, true]]) {
      const { mesh, seating } = sit(seat, other);
      mesh.meet(members(seat, other));
      await settled();
      mesh.receive(seating.at(other), { description: { type: 'offer', sdp: 'theirs' } });
      await settled();
      assert.deepEqual(seating.at(other).pc.did, heard ? ['offer'] : [], `${seat} hears ${other}`);
    }
  });

  test('what failed while the other one was away is tried as soon as that one is back', async () => {
    const { mesh, seating, follow } = sit(2, 1);
    mesh.meet(members(1, 2));
    await settled();
    mesh.receive(seating.at(1), { description: { type: 'answer', sdp: 'theirs' } });
    const { pc } = seating.at(1);
    follow('call.suspended', 1);
    pc.connectionState = 'failed';
    follow('call.resumed', 1);
    mesh.resumed(seating.at(1));
    await settled();
    assert.deepEqual(pc.did, ['answer', 'restart']);
  });

  test('a connection that held while the other one was away is left as it is', async () => {
    const { mesh, seating, follow } = sit(2, 1);
    mesh.meet(members(1, 2));
    const { pc } = seating.at(1);
    pc.connectionState = 'connected';
    follow('call.suspended', 1);
    follow('call.resumed', 1);
    mesh.resumed(seating.at(1));
    await settled();
    assert.deepEqual(pc.did, []);
  });

  test('who comes anew finds no connection of the old one, and makes the offer', async () => {
    const { mesh, seating, follow, said, told } = sit(1, 2);
    mesh.receive(seating.at(2), { description: { type: 'offer', sdp: 'theirs' } });
    await settled();
    const { pc } = seating.at(2);
    said.length = 0;
    follow('call.rejoined', 2);
    await settled();
    assert.deepEqual([pc.signalingState, seating.at(2).pc, said, told.at(-1)], ['closed', null, [], 'member 2']);
    mesh.receive(seating.at(2), { candidates: [{ candidate: 'of the old one' }] });
    mesh.receive(seating.at(2), { description: { type: 'offer', sdp: 'theirs' } });
    await settled();
    assert.deepEqual([seating.at(2).pc.did, said], [['offer'], ['2 answer']]);
  });

  test('a server that forgot what was under way is told each offer without an answer again, and who was not heard of is approached by the newcomer', async () => {
    const { mesh, seating, said } = sit(3, 1, 2);
    mesh.meet(members(1, 2, 3));
    await settled();
    mesh.receive(seating.at(1), { description: { type: 'answer', sdp: 'theirs' } });
    await settled();
    said.length = 0;
    mesh.healed();
    await settled();
    assert.deepEqual(said, ['2 offer']);
    const late = sit(3, 1, 5);
    late.mesh.healed();
    await settled();
    assert.deepEqual(late.said, ['1 offer']);
  });

  test('who leaves takes the connection along, and its place is another member’s', async () => {
    const { mesh, seating, follow, told } = sit(1, 2);
    mesh.receive(seating.at(2), { description: { type: 'offer', sdp: 'theirs' } });
    const gone = seating.at(2);
    const { pc } = gone;
    await settled();
    follow('call.left', 2, { reason: 'hangup' });
    assert.deepEqual([pc.signalingState, gone.pc, told.at(-1)], ['closed', null, 'left 2']);
    follow('call.joined', 2, { user: 'fay' });
    assert.deepEqual([seating.has(gone), seating.at(2).user, seating.at(2).pc], [false, 'fay', null]);
  });
});
