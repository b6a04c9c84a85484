// Two people call each other on the page, each at another node, and hear each other.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describePages, setUp } from '../support/browser.mjs';
import { alerted, answer, call, fact, hangUp, idle, member, online, postOffer, ring, sits } from './desk.mjs';

/** Presses Tab until that has the focus. */
async function tabTo({ page, name: visitor }, name) {
  for (let presses = 0; presses < 60; presses += 1) {
    const at = await page.evaluate(() => document.activeElement.ariaLabel ?? document.activeElement.innerText);
    if (at?.trim() === name) return;
    await page.keyboard.press('Tab');
  }
  assert.fail(`${visitor} can't reach ${name} by Tab`);
}

describePages('calls on the page', () => {
  const stage = setUp();
  const scene = (name, body, options = {}) => test(name, (t) => stage.browser.play(t, options, body));
  /** Signed in, each at a node of their own. */
  const both = (open, a, b) => Promise.all([a, b].map(async (user, i) => online(await open(stage.cluster.nodes[i], { user }))));

  scene('a name is typed, and its owner is online at that node', async (open) => {
    const ada = await open(stage.cluster.nodes[0]);
    await ada.page.getByLabel('Your name').fill('ada');
    await ada.button('Sign in').click();
    await online(ada);
    assert.equal(await fact(ada, 'User'), 'ada');
    await ada.page.reload();
    await online(ada);
    assert.equal(await fact(ada, 'User'), 'ada', 'the name is kept when the page is reloaded');
  });

  scene('one calls the other by name: it rings, is answered, both hear; who hangs up ends it for both', async (open) => {
    const [alice, bob] = await both(open, 'alice', 'bob');
    assert.notEqual(await fact(alice, 'Node'), await fact(bob, 'Node'));
    await call(alice, 'bob');
    await answer(bob, 'alice');
    await Promise.all([alice.hears(1), bob.hears(1)]);
    await sits(alice, 2);
    await member(bob, 'alice').getByText('host').waitFor();
    await hangUp(alice);
    await Promise.all([idle(alice), idle(bob)]);
  });

  scene('who is online is in the list, and is called from there; what rings can be declined', async (open) => {
    const [cleo, dora] = await both(open, 'cleo', 'dora');
    await cleo.button('Call dora').click();
    await ring(dora, 'cleo').getByRole('button', { name: 'Decline' }).click();
    await Promise.all([idle(cleo), idle(dora)]);
  });

  scene('all of it goes by the keyboard: Enter signs in, calls and answers, Escape declines', async (open) => {
    const [otto, pia] = [await open(stage.cluster.nodes[0]), await open(stage.cluster.nodes[1])];
    for (const [one, name] of [[otto, 'otto'], [pia, 'pia']]) {
      await one.page.keyboard.type(name); // the field has the focus
      await one.page.keyboard.press('Enter');
      await online(one);
    }
    const dial = async () => {
      await tabTo(otto, 'Call a name');
      await otto.page.keyboard.type('pia');
      await otto.page.keyboard.press('Enter');
      await ring(pia, 'otto').waitFor();
    };
    await dial();
    await pia.page.keyboard.press('Escape');
    await Promise.all([idle(otto), idle(pia)]);
    await dial();
    await pia.page.keyboard.press('Enter');
    await Promise.all([otto.hears(1), pia.hears(1)]);
    await tabTo(pia, 'Mute');
    await pia.page.keyboard.press('Space');
    await member(otto, 'pia').getByText('muted').waitFor();
    await tabTo(pia, 'Hang up');
    await pia.page.keyboard.press('Enter');
    await Promise.all([idle(otto), idle(pia)]);
  });

  scene('who gives up stops the ringing', async (open) => {
    const [eric, fay] = await both(open, 'eric', 'fay');
    await call(eric, 'fay');
    await ring(fay, 'eric').waitFor();
    await hangUp(eric);
    await ring(fay, 'eric').waitFor({ state: 'detached' });
    await idle(fay);
  });

  scene('of several who are called those who are not there are named, and more than four are too many', async (open) => {
    const [ines, jon] = await both(open, 'ines', 'jon');
    const told = ines.sees('Not here now: nobody-there.'); // which goes by itself
    await call(ines, 'jon, nobody-there');
    await ring(jon, 'ines').waitFor();
    await told;
    await hangUp(ines);
    await Promise.all([idle(ines), idle(jon)]);
    await call(ines, 'a b c d e');
    await alerted(ines, 'Up to 4 can be called at once.');
  });

  scene('a microphone that was closed stays so when the page is reloaded, and each sees it', async (open) => {
    const [kim, lou] = await both(open, 'kim', 'lou');
    await call(kim, 'lou');
    await answer(lou, 'kim');
    await Promise.all([sits(kim, 2), sits(lou, 2)]);
    await kim.button('Mute').click();
    const seen = (one) => member(one, 'kim').getByText('muted').waitFor();
    await seen(lou);
    await lou.page.reload();
    await Promise.all([lou.hears(1), seen(lou)]);
    await kim.page.reload();
    await Promise.all([kim.hears(1), seen(kim), seen(lou)]);
    await kim.button('Mute').click();
    await member(lou, 'kim').getByText('muted').waitFor({ state: 'hidden' });
  });

  scene('an offer is posted, and taken by its link', async (open) => {
    const gwen = await online(await open(stage.cluster.nodes[0], { user: 'gwen' }));
    const hash = await postOffer(gwen);
    assert.match(hash, /^#take=./);
    const hugo = await open(stage.cluster.nodes[1], { user: 'hugo', hash });
    await Promise.all([gwen.hears(1), hugo.hears(1)]);
    await hangUp(hugo);
    await Promise.all([idle(gwen), idle(hugo)]);
  });

  scene('two who call each other at once are in one call', async (open) => {
    const [iris, jack] = await both(open, 'iris', 'jack');
    await Promise.all([call(iris, 'jack'), call(jack, 'iris')]);
    await Promise.all([iris.hears(1), jack.hears(1)]);
    for (const one of [iris, jack]) {
      await sits(one, 2);
      assert.equal(await one.page.getByRole('alertdialog').count(), 0, 'nothing rings');
    }
  });

  scene('who calls back instead of answering is in the one call', async (open) => {
    const [kim, leo] = await both(open, 'kim', 'leo');
    await call(kim, 'leo');
    await ring(leo, 'kim').waitFor();
    await call(leo, 'kim');
    await Promise.all([kim.hears(1), leo.hears(1)]);
    await sits(leo, 2);
    assert.equal(await leo.page.getByRole('alertdialog').count(), 0, 'nothing rings');
  });

  scene('both tabs of a user ring; when one answers the other stops', async (open) => {
    const mia = await online(await open(stage.cluster.nodes[0], { user: 'mia' }));
    const first = await online(await open(stage.cluster.nodes[1], { user: 'ned' }));
    const second = await online(await open(stage.cluster.nodes[0], { user: 'ned', beside: first }));
    await call(mia, 'ned');
    await Promise.all([ring(first, 'mia').waitFor(), ring(second, 'mia').waitFor()]);
    await answer(second, 'mia');
    await Promise.all([mia.hears(1), second.hears(1), ring(first, 'mia').waitFor({ state: 'detached' })]);
    await idle(first);
  });
});
