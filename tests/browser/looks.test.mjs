// How the page looks in its main states, in light and dark, on a desk and in a hand: pictures in build/test-logs/screenshots, and that nothing sticks out.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describePages, setUp } from '../support/browser.mjs';
import { stretched } from '../support/wait.mjs';
import { alerted, answer, call, hangUp, idle, online, ring, startRoom } from './desk.mjs';

const DESK = { viewport: { width: 1180, height: 760 } };
const HAND = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const LOOKS = {
  light: { ...DESK, colorScheme: 'light' },
  dark: { ...DESK, colorScheme: 'dark' },
  'phone-light': { ...HAND, colorScheme: 'light' },
  'phone-dark': { ...HAND, colorScheme: 'dark' },
};

/** In the page: what reaches over its right edge, and what lies on something else. */
function misplaced() {
  const name = (element) => element.id || element.className || element.tagName;
  const all = (selector) => [...document.querySelectorAll(selector)].filter((one) => one.checkVisibility()).map((one) => [one, one.getBoundingClientRect()]);
  const wide = document.documentElement.scrollWidth > innerWidth ? all('body *').filter(([, box]) => box.right > innerWidth + 1) : [];
  const cards = all('.card, .idle');
  const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
  const pairs = cards.flatMap(([a, one], i) => cards.slice(i + 1).flatMap(([b, other]) => (meet(one, other) && !a.contains(b) && !b.contains(a) ? `${name(a)} and ${name(b)}` : [])));
  return [...wide.map(([element]) => name(element)), ...pairs];
}
/** In the page: what was said, and would go by itself, goes at once. */
function quiet() {
  for (const one of document.querySelectorAll('[role=status] button[aria-label="Close this message"]')) one.click();
}
/** A picture of the state, by each who is in it. */
async function picture(state, visitors) {
  for (const [look, visitor] of Object.entries(visitors)) {
    if (state !== 'message') await visitor.page.evaluate(quiet);
    await visitor.screenshot(`${state}-${look}`);
    assert.deepEqual(await visitor.page.evaluate(misplaced), [], `${state}, ${look}: too wide, or one on the other`);
  }
}

describePages('the looks of the page', () => {
  const stage = setUp();

  test('each state fits, wide and narrow', (t) =>
    stage.browser.play(t, {}, async (open) => {
      const all = {};
      const names = ['alice', 'bob', 'emma', 'david'];
      for (const [i, look] of Object.keys(LOOKS).entries()) {
        all[look] = await open(stage.cluster.nodes[i % 2], { context: LOOKS[look] });
        all[look].name = names[i];
      }
      await picture('door', all);
      const [alice, bob, emma, david] = Object.values(all);
      const { light, dark, ...phones } = all;
      for (const one of [alice, bob, emma, david]) {
        await one.page.getByLabel('Your name').fill(one.name);
        await one.page.keyboard.press('Enter');
        await online(one);
      }
      await alice.button('Call david').waitFor();
      await picture('desk', all);
      await call(alice, 'nobody');
      await call(emma, 'nobody');
      await Promise.all([alice, emma].map((one) => alerted(one, /nobody is not here/)));
      await picture('message', { light, 'phone-light': emma });
      await Promise.all([alice, emma].map((one) => one.button('Close this message').first().click()));
      await Promise.all([call(alice, 'bob'), call(emma, 'david')]);
      await Promise.all([ring(bob, 'alice').waitFor(), ring(david, 'emma').waitFor()]);
      await picture('ringing', all);
      await Promise.all([answer(bob, 'alice'), answer(david, 'emma')]);
      await Promise.all([alice, bob, emma, david].map((one) => one.hears(1)));
      await picture('call', all);
      await Promise.all([hangUp(alice), hangUp(david)]);
      await Promise.all([alice, bob, emma, david].map(idle));
      const hash = await startRoom(alice);
      const erin = await open(stage.cluster.nodes[1], { user: 'erin', hash });
      for (const one of [bob, emma, david]) await one.page.evaluate((link) => (location.hash = link), hash);
      await Promise.all([alice, bob, emma, david, erin].map((one) => one.hears(4, stretched(30_000))));
      await alice.button('Call erin').waitFor();
      await alice.page.mouse.move(0, 0);
      await picture('room', all);
      for (const one of [bob, emma]) await one.page.getByText('Protocol log').click();
      await picture('log', { dark, 'phone-light': phones['phone-light'] });
    }));
});
