// Connections between the members of a call, in pages that have nothing but the client: who hears whom, whatever way they came together.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describePages, setUp } from '../support/browser.mjs';
import { stretched, until } from '../support/wait.mjs';

const LONG = stretched(20_000);

/** In a page: a client that notes what it says, and plays whom it hears. */
async function connectClient(user) {
  const { connect } = await import('/client/switchboard.js');
  const getToken = async () => (await (await fetch(`/dev/token?user=${user}`)).json()).token;
  const me = await connect({ getToken });
  const said = [];
  me.on('frame', (direction, frame) => direction === 'out' && said.push(frame));
  const play = (call) => {
    const sound = (stream) => Object.assign(new Audio(), { srcObject: stream }).play();
    for (const { me: own, stream } of call.members) if (!own && stream) sound(stream);
    call.on('stream', (member, stream) => sound(stream));
    globalThis.call = call;
  };
  me.on('incoming', async (call) => {
    await globalThis.begun;
    if (!globalThis.wait) play(await call.accept());
  });
  me.on('rejoin', async (call) => play(await call.rejoin()));
  Object.assign(globalThis, { me, play, said });
}

describePages('the mesh', () => {
  const stage = setUp();

  /** A page for each of them, in turn at one node and the other. No icon stands on these, of which the browser complains. */
  const scene = (name, users, body, options = {}) =>
    test(name, (t) =>
      stage.browser.play(t, { errors: /404/ }, async (open) => {
        const visitors = [];
        for (const user of users) {
          const visitor = await open(stage.cluster.nodes[visitors.length % 2], { path: '/readyz', ...options });
          visitor.name = user;
          visitors.push(visitor);
        }
        await Promise.all(visitors.map((one) => one.page.evaluate(connectClient, one.name)));
        await body(...visitors);
        const warned = visitors.flatMap(({ console: lines }) => lines.filter((line) => line.includes('switchboard:')));
        assert.deepEqual(warned, [], 'what the client warned of');
      }),
    );
  const call = (from, to, options) => from.page.evaluate(async ([user, more]) => globalThis.play(await globalThis.me.call(user, more)), [to.name, options]);
  const join = (one, id) => one.page.evaluate(async (room) => globalThis.play(await globalThis.me.join(room)), id);
  const openRoom = (one, options) =>
    one.page.evaluate(async (more) => {
      globalThis.play(await globalThis.me.room(more));
      return globalThis.call.id;
    }, options);
  const hear = (...all) => Promise.all(all.map((one) => one.hears(all.length - 1, LONG)));
  const said = (one) => one.page.evaluate(() => globalThis.said.map((frame) => JSON.stringify(frame)));
  const seated = (one, count) => until(() => one.page.evaluate((n) => globalThis.call?.members.length === n, count), `${one.name} to see ${count} seated`);

  scene('poster and taker hear each other', ['mesh-ann', 'mesh-bo'], async (ann, bo) => {
    const id = await ann.page.evaluate(async () => {
      globalThis.play(await globalThis.me.post());
      return globalThis.call.id;
    });
    // Candidates that were found before anybody took it wait with the offer.
    await until(async () => (await said(ann)).some((frame) => /"to":0,"candidates".*typ host/.test(frame)), 'candidates to wait with the offer');
    await bo.page.evaluate(async (offer) => globalThis.play(await globalThis.me.take(offer)), id);
    await hear(ann, bo);
  });

  scene('five in a room hear each other, also when one is gone and comes again', ['mesh-a', 'mesh-b', 'mesh-c', 'mesh-d', 'mesh-e'], async (...all) => {
    const id = await openRoom(all[0]);
    await Promise.all(all.slice(1).map((one) => join(one, id)));
    await hear(...all);
    await all[2].page.evaluate(() => globalThis.call.hangup());
    await Promise.all(all.filter((one) => one !== all[2]).map((one) => seated(one, 4)));
    await join(all[2], id);
    await hear(...all);
  });

  scene('a page that is reloaded takes its seat back, and hears and is heard', ['mesh-ann', 'mesh-bo', 'mesh-cy'], async (ann, bo, cy) => {
    const id = await openRoom(ann);
    await join(bo, id);
    await join(cy, id);
    await hear(ann, bo, cy);
    await bo.page.reload();
    await bo.page.evaluate(connectClient, bo.name);
    await hear(ann, bo, cy);
    assert.equal(await bo.page.evaluate(() => globalThis.call.id), id);
  });

  scene('two who call each other at once, and answer whoever calls, hear each other once', ['mesh-ann', 'mesh-bo'], async (ann, bo) => {
    // Who answers before the own call has begun has not called at once: on a busy machine one page is later than the other.
    const hold = () => {
      globalThis.begun = new Promise((resolve) => (globalThis.begin = resolve));
    };
    const cross = (from, to) =>
      from.page.evaluate(async (user) => {
        const calling = globalThis.me.call(user);
        globalThis.begin();
        globalThis.play(await calling);
      }, to.name);
    for (let i = 0; i < 3; i += 1) {
      await Promise.all([ann, bo].map((one) => one.page.evaluate(hold)));
      await Promise.all([cross(ann, bo), cross(bo, ann)]);
      await hear(ann, bo);
      const [one, two] = await Promise.all([ann, bo].map((visitor) => visitor.page.evaluate(() => [...globalThis.me.calls.keys()])));
      assert.deepEqual([one.length, one], [1, two]);
      await ann.page.evaluate(() => globalThis.call.hangup());
      await until(() => bo.page.evaluate(() => globalThis.me.calls.size === 0), 'the call to end');
    }
  });

  scene('a caller who reloads the page while it rings is heard all the same', ['mesh-ann', 'mesh-bo'], async (ann, bo) => {
    await bo.page.evaluate(() => (globalThis.wait = true));
    await call(ann, bo);
    await until(() => bo.page.evaluate(() => [...globalThis.me.calls.values()].some(({ state }) => state === 'incoming')), 'it to ring');
    await ann.page.reload();
    await ann.page.evaluate(connectClient, ann.name);
    await until(() => ann.page.evaluate(() => globalThis.call?.state === 'ringing'), 'the caller to be back');
    await bo.page.evaluate(async () => globalThis.play(await [...globalThis.me.calls.values()][0].accept()));
    await hear(ann, bo);
  });

  scene('the microphone is let go and the connections closed when the call is over, on both sides', ['mesh-ann', 'mesh-bo'], async (ann, bo) => {
    await call(ann, bo);
    await hear(ann, bo);
    const tracks = (one) =>
      one.page.evaluate(() => {
        const { stream, members } = globalThis.call;
        Object.assign(globalThis, { tracks: stream.getTracks(), pc: members.find(({ me }) => !me).pc });
      });
    await Promise.all([tracks(ann), tracks(bo)]);
    await bo.page.evaluate(() => globalThis.call.hangup());
    for (const one of [ann, bo]) {
      const over = () => globalThis.pc.connectionState === 'closed' && globalThis.tracks.every((track) => track.readyState === 'ended');
      await until(() => one.page.evaluate(over), `${one.name} to let go`);
    }
  });

  scene('both negotiate anew at the same time, again and again, and go on hearing each other', ['mesh-ann', 'mesh-bo'], async (ann, bo) => {
    await call(ann, bo);
    await hear(ann, bo);
    // Each takes its sound away and gives it back, and adds a section: whatever of it crosses, the two end up with the same.
    const stir = () => {
      globalThis.call.members.find(({ me }) => !me).pc.addTransceiver('audio', { direction: 'recvonly' });
    };
    for (let i = 0; i < 5; i += 1) await Promise.all([ann, bo].map((one) => one.page.evaluate(stir)));
    const steady = (one) => until(() => one.page.evaluate(() => globalThis.call.members.find(({ me }) => !me).pc.signalingState === 'stable'), `${one.name} to agree`);
    const restart = () => globalThis.call.members.find(({ me }) => !me).pc.restartIce();
    await Promise.all([ann, bo].map((one) => one.page.evaluate(restart)));
    const toggle = async () => {
      const own = globalThis.call.stream;
      const clone = own.clone();
      await globalThis.call.setStream(null);
      await globalThis.call.setStream(clone);
    };
    await Promise.all([ann, bo].map((one) => one.page.evaluate(toggle)));
    // Until offers did cross: more were said than were answered.
    const count = async (kind) => (await Promise.all([said(ann), said(bo)])).flat().filter((frame) => frame.includes(`"description":{"type":"${kind}"`)).length;
    await until(
      async () => {
        await Promise.all([ann, bo].map((one) => one.page.evaluate(restart)));
        const offers = await count('offer');
        await Promise.all([ann, bo].map(steady)); // whatever was offered then is answered, or was dropped
        return offers > (await count('answer'));
      },
      'offers to cross',
      LONG,
    );
    const settled = () => {
      const { pc } = globalThis.call.members.find(({ me }) => !me);
      return pc.signalingState === 'stable' && pc.getTransceivers().every(({ mid }) => mid !== null) && pc.getTransceivers().length;
    };
    await until(
      async () => {
        const [a, b] = await Promise.all([ann, bo].map((one) => one.page.evaluate(settled)));
        return a >= 6 && a === b;
      },
      'the two to agree',
      LONG,
    );
    await hear(ann, bo);
    const heard = await Promise.all([ann, bo].map((one) => one.page.evaluate(() => globalThis.call.members.find(({ me }) => !me).connection)));
    assert.deepEqual(heard, ['connected', 'connected']);
  });

  scene('a call with relay privacy says no address', ['mesh-ann', 'mesh-bo'], async (ann, bo) => {
    const address = /typ (host|srflx|prflx)|10\.99\.0\.1|\.local/;
    await call(ann, bo, { privacy: 'relay' });
    await until(() => bo.page.evaluate(() => globalThis.call?.state === 'active'), 'the answer');
    const gathered = () => globalThis.call.members.find(({ me }) => !me).pc?.iceGatheringState === 'complete';
    for (const one of [ann, bo]) await until(() => one.page.evaluate(gathered), 'all candidates');
    for (const one of [ann, bo]) assert.deepEqual((await said(one)).filter((frame) => address.test(frame)), []);
    assert.equal(await bo.page.evaluate(() => globalThis.call.privacy), 'relay');
    await bo.page.evaluate(() => globalThis.call.hangup());
    // Else they are said, and this test would see them.
    await until(() => ann.page.evaluate(() => globalThis.me.calls.size === 0), 'the first call to end');
    await call(ann, bo);
    await hear(ann, bo);
    for (const one of [ann, bo]) assert.ok((await said(one)).some((frame) => address.test(frame)));
  });

  scene('a store that forgot everything breaks no sound, and a newcomer is heard', ['mesh-ann', 'mesh-bo', 'mesh-cy'], async (ann, bo, cy) => {
    const id = await openRoom(ann);
    await join(bo, id);
    await hear(ann, bo);
    const ends = await Promise.all([ann.listen(), bo.listen()]);
    await stage.cluster.redis.command('FLUSHALL');
    await ann.page.evaluate(() => globalThis.call.lock());
    await until(() => bo.page.evaluate(() => globalThis.call.locked), 'the lock to be seen', LONG);
    for (const end of ends) assert.deepEqual((await end()).lost, []);
    await ann.page.evaluate(() => globalThis.call.lock(false));
    await join(cy, id);
    await hear(ann, bo, cy);
  });

  scene('a session that was lost begins the media anew by itself', ['mesh-ann', 'mesh-bo'], async (ann, bo) => {
    await call(ann, bo);
    await hear(ann, bo);
    const reset = await bo.page.evaluateHandle(() => {
      const { send } = WebSocket.prototype;
      // A sequence number that never was: the server can't go on with this session.
      WebSocket.prototype.send = function forget(text) {
        send.call(this, text.replace(/("resume":.*"seq":)\d+/, '$1999'));
      };
      globalThis.before = globalThis.call.members.find(({ me }) => !me).pc;
      const coming = { reset: globalThis.me.once('reset') };
      globalThis.me.cut();
      return coming;
    });
    await reset.evaluate((coming) => coming.reset);
    await until(() => bo.page.evaluate(() => globalThis.before.connectionState === 'closed'), 'the old connection to close');
    await hear(ann, bo);
  });

  scene(
    'a denied microphone is said so, and calls nobody',
    ['mesh-ann', 'mesh-bo'],
    async (ann, bo) => {
      const code = await ann.page.evaluate((to) => globalThis.me.call(to).catch((error) => error.code), bo.name);
      assert.equal(code, 'microphone_denied');
      assert.ok(!(await said(ann)).some((frame) => frame.includes('call.start')));
    },
    { microphone: false },
  );
});
