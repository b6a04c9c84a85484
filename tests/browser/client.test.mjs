// The client alone, on an app's own page: what it does with WebRTC that Node can't show.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describePages, setUp } from '../support/browser.mjs';

/** In a page: connects, answers whoever calls, and plays what comes. */
async function connectClient(user) {
  const { connect } = await import('/client/switchboard.js');
  const getToken = async () => (await (await fetch(`/dev/token?user=${user}`)).json()).token;
  const me = await connect({ getToken });
  const play = (call) => {
    globalThis.call = call;
    const sound = (stream) => Object.assign(new Audio(), { srcObject: stream }).play();
    for (const { me: own, stream } of call.members) if (!own && stream) sound(stream);
    call.on('stream', (member, stream) => stream && sound(stream));
  };
  me.on('incoming', async (call) => play(await call.accept()));
  Object.assign(globalThis, { me, play });
}

describePages('the client in a browser', () => {
  const stage = setUp();
  /** With a page for each of the names, in turn at one node and the other. No icon stands on them, of which the browser complains. */
  const scene = (name, users, body) =>
    test(name, (t) =>
      stage.browser.play(t, { errors: /404/ }, async (open) => {
        const visitors = [];
        for (const user of users) visitors.push(await open(stage.cluster.nodes[visitors.length % 2], { path: '/readyz' }));
        await Promise.all(visitors.map((one, i) => one.page.evaluate(connectClient, users[i])));
        await body(...visitors);
      }),
    );

  scene('who only listens hears, and is heard once there is a stream, which stays the app’s own', ['eli', 'flo'], async (eli, flo) => {
    await eli.page.evaluate(async () => globalThis.play(await globalThis.me.call('flo', { stream: null })));
    await eli.hears(1);
    assert.equal((await flo.audio())[0].packets, 0);
    await eli.page.evaluate(async () => {
      globalThis.own = await navigator.mediaDevices.getUserMedia({ audio: true });
      await globalThis.call.setStream(globalThis.own);
    });
    await flo.hears(1);
    const live = await eli.page.evaluate(async () => {
      await globalThis.call.hangup();
      return globalThis.own.getTracks().every((track) => track.readyState === 'live');
    });
    assert.ok(live);
  });
});
