// Five in a room on the page, spread over the nodes.
import { test } from 'node:test';
import { describePages, setUp } from '../support/browser.mjs';
import { stretched } from '../support/wait.mjs';
import { alerted, hangUp, idle, online, sits, startRoom } from './desk.mjs';

describePages('rooms on the page', () => {
  const stage = setUp();

  test('five hear each other; the sixth is told that it is full; who leaves makes room', (t) =>
    stage.browser.play(t, {}, async (open) => {
      const ann = await online(await open(stage.cluster.nodes[0], { user: 'ann' }));
      const hash = await startRoom(ann);
      const five = [ann];
      for (const user of ['ben', 'cat', 'dan', 'eve']) {
        five.push(await open(stage.cluster.nodes[five.length % 2], { user, hash }));
        await sits(five.at(-1), five.length);
      }
      await Promise.all(five.map((one) => one.hears(4, stretched(30_000))));
      const fox = await open(stage.cluster.nodes[1], { user: 'fox', hash });
      await alerted(fox, /full/i);
      await idle(fox);
      await hangUp(five[4]);
      await Promise.all(five.slice(0, 4).map((one) => one.hears(3)));
      await fox.page.evaluate((again) => (location.hash = again), hash);
      await fox.hears(4);
    }));
});
