// What the tests of the page lean on: that two pages can hear each other here, and that it is noticed when they do not.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { describePages, startBrowser } from '../support/browser.mjs';
import { startCluster } from '../support/cluster.mjs';
import { until } from '../support/wait.mjs';

/** In a page: a connection that sends the microphone's sound, and its candidates for the other page. */
async function openConnection() {
  const pc = new RTCPeerConnection();
  globalThis.pc = pc;
  pc.ontrack = ({ streams: [stream] }) => {
    globalThis.sound = Object.assign(new Audio(), { srcObject: stream });
    globalThis.sound.play();
  };
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  for (const track of stream.getTracks()) pc.addTrack(track, stream);
}
/** In a page: applies what the other said, gives the own description with all candidates in it. */
async function describeOnce(theirs) {
  const { pc } = globalThis;
  if (theirs) await pc.setRemoteDescription(theirs);
  if (theirs?.type === 'answer') return undefined;
  await pc.setLocalDescription();
  if (pc.iceGatheringState !== 'complete') await new Promise((resolve) => (pc.onicegatheringstatechange = () => pc.iceGatheringState === 'complete' && resolve()));
  return pc.localDescription.toJSON();
}
async function connect(a, b) {
  for (const one of [a, b]) await one.page.evaluate(openConnection);
  const offer = await a.page.evaluate(describeOnce);
  assert.match(offer.sdp, /a=candidate/, 'no candidate was found: is there an interface with a default route?');
  const answer = await b.page.evaluate(describeOnce, offer);
  await a.page.evaluate(describeOnce, answer);
}

/** A page with nothing on it, of a node's own origin. */
async function openBlank(open, node, options = {}) {
  return open(node, { path: '/readyz', ...options });
}
/** No icon stands on it either, of which the browser complains. */
const NO_ICON = { errors: /404/ };

describePages('the harness', () => {
  let cluster;
  let browser;
  before(async () => {
    cluster = await startCluster({ nodes: 2 });
    browser = await startBrowser();
  });
  after(async () => {
    await browser?.close();
    await cluster?.stop();
  });

  test('two pages at different nodes hear each other', (t) =>
    browser.play(t, NO_ICON, async (open) => {
      const a = await openBlank(open, cluster.nodes[0]);
      const b = await openBlank(open, cluster.nodes[1]);
      await connect(a, b);
      await Promise.all([a.hears(1), b.hears(1)]);
      const end = await a.listen();
      await a.hears(1);
      const heard = await end();
      assert.deepEqual({ lost: heard.lost, connections: heard.connections }, { lost: [], connections: 1 });
      assert.ok(heard.longest < 1000, `a second of silence: ${heard.longest} ms`);
    }));

  test('who sends nothing is not heard', (t) =>
    browser.play(t, NO_ICON, async (open) => {
      const a = await openBlank(open, cluster.nodes[0]);
      const b = await openBlank(open, cluster.nodes[0]);
      await connect(a, b);
      await a.hears(1);
      await b.page.evaluate(() => globalThis.pc.getSenders()[0].track.stop());
      // What was on its way is heard still.
      let since;
      await until(async () => {
        const [now] = await a.audio();
        if (now.energy !== since?.energy) since = now;
        return now.at - since.at > 2000; // longer than from one beep to the next
      }, 'the last sound to be over');
      await assert.rejects(a.hears(1, 3000), /waited 3000 ms for .* to hear 1/);
    }));

  test('an error on the console fails the test', async (t) => {
    const failing = browser.play(t, NO_ICON, async (open) => {
      const a = await openBlank(open, cluster.nodes[0]);
      await a.page.evaluate(() => console.error('something is wrong'));
    });
    await assert.rejects(failing, /something is wrong/);
  });

  test('a denied microphone is refused to the page', (t) =>
    browser.play(t, NO_ICON, async (open) => {
      const a = await openBlank(open, cluster.nodes[0], { microphone: false });
      const asked = a.page.evaluate(() => navigator.mediaDevices.getUserMedia({ audio: true }).then(String, (error) => error.name));
      assert.equal(await asked, 'NotAllowedError');
    }));
});

describePages('a machine without a microphone', () => {
  test('says so to the page', async (t) => {
    const cluster = await startCluster({ nodes: 1 });
    const browser = await startBrowser({ microphone: 'none' });
    try {
      await browser.play(t, NO_ICON, async (open) => {
        const a = await openBlank(open, cluster.nodes[0]);
        const asked = a.page.evaluate(() => navigator.mediaDevices.getUserMedia({ audio: true }).then(String, (error) => error.name));
        assert.equal(await asked, 'NotFoundError');
      });
    } finally {
      await browser.close();
      await cluster.stop();
    }
  });
});
