// Without a microphone a page says what is wrong in a sentence, and nobody is rung in vain.
import { after, before, test } from 'node:test';
import { describePages, startBrowser } from '../support/browser.mjs';
import { startCluster } from '../support/cluster.mjs';
import { alerted, answer, call, idle, online, ring } from './desk.mjs';

describePages('microphones on the page', () => {
  let cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 2, settings: { dev: true } });
  });
  after(() => cluster?.stop());
  const scene = (name, microphone, body) =>
    test(name, async (t) => {
      const browser = await startBrowser({ microphone });
      try {
        await browser.play(t, {}, (open) => body(open, cluster.nodes));
      } finally {
        await browser.close();
      }
    });

  scene('who denies it is told how to allow it; their call is not begun', 'fake', async (open, [n1, n2]) => {
    const xena = await online(await open(n1, { user: 'xena', microphone: false }));
    const yuri = await online(await open(n2, { user: 'yuri' }));
    await call(xena, 'yuri');
    await alerted(xena, /microphone/i);
    await idle(xena);
    await call(yuri, 'xena');
    await answer(xena, 'yuri');
    await alerted(xena, /microphone/i);
    await ring(xena, 'yuri').waitFor(); // it rings on
  });

  scene('a machine without one says so', 'none', async (open, [n1]) => {
    const zoe = await online(await open(n1, { user: 'zoe' }));
    await call(zoe, 'anyone');
    await alerted(zoe, /microphone/i);
    await idle(zoe);
  });
});
