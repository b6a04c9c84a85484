// The client alone, on an app's own page: what it does with WebRTC that Node can't show.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describePages, setUp } from '../support/browser.mjs';
import { stretched, until } from '../support/wait.mjs';

const CALLS = 4;

/** In a page: connects, answers whoever calls, and plays what comes. */
async function connectClient(user) {
  const { connect } = await import('/client/switchboard.js');
  const getToken = async () => (await (await fetch(`/dev/token?user=${user}`)).json()).token;
  const me = await connect({ getToken });
  const play = (call) => {
    globalThis.call = call;
    const sound = (stream) => {
      const audio = Object.assign(new Audio(), { srcObject: stream });
      call.on('ended', () => (audio.srcObject = null));
      return audio.play();
    };
    for (const { me: own, stream } of call.members) if (!own && stream) sound(stream);
    call.on('stream', (member, stream) => stream && sound(stream));
  };
  me.on('incoming', async (call) => play(await call.accept()));
  Object.assign(globalThis, { me, play });
}

/** How many objects of these classes a page has that are not to be collected. The browser collects them first, as far as it can. */
async function living(page, classes) {
  const session = await page.context().newCDPSession(page);
  const counts = {};
  for (const name of classes) {
    const { result } = await session.send('Runtime.evaluate', { expression: `${name}.prototype` });
    const { objects } = await session.send('Runtime.queryObjects', { prototypeObjectId: result.objectId });
    const count = { objectId: objects.objectId, functionDeclaration: 'function () { return this.length; }', returnByValue: true };
    counts[name] = (await session.send('Runtime.callFunctionOn', count)).result.value;
  }
  await session.detach();
  return counts;
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

  scene('of calls that are over nothing is left', ['gil', 'hal'], async (gil, hal) => {
    for (const one of [gil, hal]) {
      await one.page.evaluate(async () => {
        globalThis.RTCPeerConnection = Object.getPrototypeOf(globalThis.RTCPeerConnection); // the test's own keeps all that were made
        globalThis.Call = (await import('/client/switchboard.js')).Call;
      });
    }
    const connected = () => globalThis.call?.members.some(({ stream, connection }) => stream && connection === 'connected');
    for (let i = 0; i < CALLS; i += 1) {
      await gil.page.evaluate(async () => globalThis.play(await globalThis.me.call('hal')));
      for (const one of [gil, hal]) await until(() => one.page.evaluate(connected), `${one.name} to be connected`, stretched(60_000));
      await [gil, hal][i % 2].page.evaluate(() => globalThis.call.hangup());
      for (const one of [gil, hal]) {
        await until(() => one.page.evaluate(() => globalThis.me.calls.size === 0), 'the call to end');
        await one.page.evaluate(() => (globalThis.call = undefined));
      }
    }
    let left;
    const nothing = { RTCPeerConnection: 0, Call: 0, HTMLAudioElement: 0, AudioContext: 0, WebSocket: 1 };
    for (const { page, name } of [gil, hal]) {
      await until(
        async () => {
          left = await living(page, Object.keys(nothing));
          return JSON.stringify(left) === JSON.stringify(nothing);
        },
        () => `${name} to let go of ${CALLS} calls; there is ${JSON.stringify(left)}`,
      );
    }
  });
});
