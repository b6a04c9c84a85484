// Five in a room on the page, spread over the nodes.
import { after, before, test } from 'node:test';
import { describePages, startBrowser } from '../support/browser.mjs';
import { startCluster } from '../support/cluster.mjs';
import { stretched } from '../support/wait.mjs';
import { alerted, hangUp, idle, online, sits, startRoom } from './desk.mjs';

describePages('rooms on the page', () => {
  let cluster;
  let browser;
  before(async () => {
    cluster = await startCluster({ nodes: 2, settings: { dev: true } });
    browser = await startBrowser();
  });
  after(async () => {
    await browser?.close();
    await cluster?.stop();
  });

  test('five hear each other; the sixth is told that it is full; who leaves makes room', (t) =>
    browser.play(t, {}, async (open) => {
      const ann = await online(await open(cluster.nodes[0], { user: 'ann' }));
      const hash = await startRoom(ann);
      const five = [ann];
      for (const user of ['ben', 'cat', 'dan', 'eve']) {
        five.push(await open(cluster.nodes[five.length % 2], { user, hash }));
        await sits(five.at(-1), five.length);
      }
      await Promise.all(five.map((one) => one.hears(4, stretched(30_000))));
      const fox = await open(cluster.nodes[1], { user: 'fox', hash });
      await alerted(fox, /full/i);
      await idle(fox);
      await hangUp(five[4]);
      await Promise.all(five.slice(0, 4).map((one) => one.hears(3)));
      await fox.page.evaluate((again) => (location.hash = again), hash);
      await fox.hears(4);
    }));
});
