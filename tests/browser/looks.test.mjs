// How the page looks in its main states, in light and dark, on a desk and in a hand: pictures in build/test-logs/screenshots, and that nothing sticks out.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describePages, setUp } from '../support/browser.mjs';
import { mint } from '../support/token.mjs';
import { stretched } from '../support/wait.mjs';
import { alerted, answer, call, hangUp, idle, online, ring, sits, startRoom } from './desk.mjs';

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
/** In the page: texts that stand out from what is behind them by less than 4.5 to 1 (WCAG 2.2, 1.4.3). What can't be pressed may; faces are pictures. */
function faint() {
  const paper = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true });
  /** Colours, the lowest first, as what one sees: [r, g, b]. */
  const seen = (...colours) => {
    for (const colour of ['#fff', ...colours]) {
      paper.fillStyle = colour;
      paper.fillRect(0, 0, 1, 1);
    }
    return [...paper.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((x) => (x / 255 <= 0.04045 ? x / 255 / 12.92 : ((x / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  const behind = (element) => (element ? [...behind(element.parentElement), getComputedStyle(element).backgroundColor] : []);
  const says = (element) => [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
  const texts = [...document.querySelectorAll('body *')].filter((one) => one.checkVisibility() && says(one) && !one.closest('.avatar, option, :disabled, [data-status=offline]'));
  return texts.flatMap((one) => {
    const grounds = behind(one);
    const [a, b] = [light(seen(...grounds)), light(seen(...grounds, getComputedStyle(one).color))];
    const contrast = Math.max(a, b) / Math.min(a, b);
    return contrast < 4.5 ? [`${one.textContent.trim()}: ${contrast.toFixed(2)}`] : [];
  });
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
    assert.deepEqual(await visitor.page.evaluate(faint), [], `${state}, ${look}: hard to read`);
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

  test('names of any length and direction leave room for what is said of them; who chose colours of their own sees faces and meters', (t) =>
    stage.browser.play(t, {}, async (open) => {
      const names = { long: 'Wolfeschlegelsteinhausenbergerdorff, the Third of his Name, of Somewhere', rtl: 'محمد عبد الله (الفارسي)' };
      const looks = { long: { ...DESK, forcedColors: 'active' }, rtl: HAND };
      const signIn = async (user, node) => {
        const visitor = await open(node, { context: looks[user] });
        // A token that says what the page's own can't: a name that is no user's.
        await visitor.page.evaluate((token) => (globalThis.fetch = async (url) => new Response(JSON.stringify(String(url).includes('token') ? { token } : { people: [] }))), mint(user, { name: names[user] }));
        await visitor.page.getByLabel('Your name').fill(user);
        await visitor.page.keyboard.press('Enter');
        return online(visitor);
      };
      const [long, rtl] = await Promise.all([signIn('long', stage.cluster.nodes[0]), signIn('rtl', stage.cluster.nodes[1])]);
      const cut = (one) => one.page.evaluate(() => [...document.querySelectorAll('.ring h2, .call h2, .message p')].filter((text) => text.scrollWidth > text.clientWidth + 1).map((text) => text.textContent));
      for (const [from, to] of [[long, rtl], [rtl, long]]) {
        const name = from === long ? names.long : names.rtl;
        await call(from, to === long ? 'long' : 'rtl');
        await ring(to, name).waitFor();
        assert.deepEqual(await cut(to), [], 'who calls');
        assert.deepEqual(await to.page.evaluate(misplaced), []);
        if (to === rtl) {
          await hangUp(from);
          await Promise.all([idle(from), idle(to)]); // else the next call may cross with this one
        } else {
          await answer(to, name);
        }
      }
      await Promise.all([sits(long, 2), sits(rtl, 2)]);
      for (const one of [long, rtl]) {
        assert.deepEqual(await cut(one), [], 'who sits there');
        assert.deepEqual(await one.page.evaluate(misplaced), []);
      }
      const direction = (one, name) => one.page.locator('.member .name').filter({ hasText: name }).evaluate((element) => getComputedStyle(element).direction);
      assert.deepEqual(await Promise.all([direction(long, names.rtl), direction(rtl, names.long)]), ['rtl', 'ltr'], 'its end is what is left out');
      const unseen = await long.page.evaluate(() =>
        ['.member .avatar', '.member .meter', '.member .meter span', '.line .dot'].filter((part) => getComputedStyle(document.querySelector(part)).backgroundColor === getComputedStyle(document.querySelector('.card')).backgroundColor),
      );
      assert.deepEqual(unseen, []);
    }));
});
