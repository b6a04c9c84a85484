// What goes on, and what comes back, when a node, a tab or a network is lost in mid-call.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { UNREACHED, describePages, mediaNetwork, startBrowser } from '../support/browser.mjs';
import { startCluster } from '../support/cluster.mjs';
import { startLine } from '../support/line.mjs';
import { stretched, until } from '../support/wait.mjs';
import { alerted, answer, call, fact, hangUp, idle, member, online, sits, startRoom } from './desk.mjs';

describePages('losses in mid-call', () => {
  let cluster;
  let browser;
  before(async () => {
    browser = await startBrowser();
  });
  after(async () => {
    await browser?.close();
    await cluster?.stop();
  });
  /** With a cluster of its own, since nodes die in it. */
  const scene = (name, settings, body) =>
    test(name, async (t) => {
      cluster = await startCluster({ nodes: 3, settings: { dev: true, ...settings } });
      try {
        await browser.play(t, { errors: UNREACHED }, (open) => body(open, cluster.nodes, t));
      } finally {
        await cluster.stop();
        cluster = undefined;
      }
    });

  scene("the caller's node is killed: the sound goes on, the session resumes at another node, and negotiates there", {}, async (open, [n1, n2, n3]) => {
    const alice = await online(await open(n1, { user: 'alice', nodes: [n3] }));
    const bob = await online(await open(n2, { user: 'bob' }));
    await call(alice, 'bob');
    await answer(bob, 'alice');
    await Promise.all([alice.hears(1), bob.hears(1)]);
    const before = { node: await fact(alice, 'Node'), session: await fact(alice, 'Session') };
    const ends = [await alice.listen(), await bob.listen()];
    await [n1, n3].find(({ port }) => port === alice.port).kill();
    await until(async () => (await fact(alice, 'Node')) !== before.node, 'the session to be at another node');
    await online(alice);
    assert.equal(await fact(alice, 'Session'), before.session, 'it is the same session');
    await Promise.all([alice.hears(1), bob.hears(1)]);
    for (const end of ends) {
      const { longest, lost, connections } = await end();
      assert.deepEqual({ lost, connections }, { lost: [], connections: 1 });
      assert.ok(longest < stretched(1000), `a second of silence: ${longest} ms`);
    }
    await alice.renegotiates();
    await bob.renegotiates();
    await Promise.all([alice.hears(1), bob.hears(1)]);
    await Promise.all([sits(alice, 2), sits(bob, 2)]);
  });

  scene('a socket that is cut comes back, and nobody leaves', {}, async (open, [n1, n2]) => {
    const olga = await online(await open(n1, { user: 'olga' }));
    const paul = await online(await open(n2, { user: 'paul' }));
    await call(olga, 'paul');
    await answer(paul, 'olga');
    await olga.hears(1);
    const session = await fact(olga, 'Session');
    const told = olga.sees(/nothing was missed/); // which goes by itself
    await olga.button('Cut my connection').click();
    await told;
    await online(olga);
    assert.equal(await fact(olga, 'Session'), session);
    await Promise.all([olga.hears(1), paul.hears(1), sits(paul, 2)]);
  });

  scene('what is begun while the connection is away is not begun behind one’s back when it returns', {}, async (open, [n1], t) => {
    const line = await startLine(n1);
    t.after(() => line.close());
    const zoe = await online(await open(line, { user: 'zoe' }));
    line.cut();
    await zoe.sees('reconnecting');
    await zoe.button('Start a room').click();
    await alerted(zoe, /Try again when it is back/);
    line.mend();
    await online(zoe);
    await idle(zoe);
  });

  scene('a tab whose place another took says so, and comes back beside it', {}, async (open, [n1]) => {
    const first = await online(await open(n1, { user: 'nora' }));
    await startRoom(first);
    const kept = await first.page.evaluate(() => Object.entries(sessionStorage));
    const second = await open(n1, { beside: first });
    await second.page.evaluate((all) => all.forEach(([key, value]) => sessionStorage.setItem(key, value)), kept);
    await second.page.goto(first.page.url());
    await sits(second, 1);
    await alerted(first, /taken by another tab/);
    await first.seesNo(/was lost/);
    await first.button('Sign in').click();
    await Promise.all([online(first), online(second)]);
    assert.notEqual(await fact(first, 'Session'), await fact(second, 'Session'));
  });

  scene('a tab that is reloaded rejoins by itself, and both hear again', {}, async (open, [n1, n2]) => {
    const quin = await online(await open(n1, { user: 'quin' }));
    const rosa = await online(await open(n2, { user: 'rosa' }));
    await call(quin, 'rosa');
    await answer(rosa, 'quin');
    await Promise.all([quin.hears(1), rosa.hears(1)]);
    for (const one of [quin, rosa]) {
      await one.page.reload();
      await Promise.all([quin.hears(1), rosa.hears(1)]);
      await Promise.all([sits(quin, 2), sits(rosa, 2)]);
    }
  });

  scene('who is offline for longer than the grace time has left for the others, and comes back to a clean state', { 'grace-ms': 1500 }, async (open, [n1, n2, n3], t) => {
    const sven = await online(await open(n1, { user: 'sven' }));
    const hash = await startRoom(sven);
    const tess = await open(n2, { user: 'tess', hash });
    const line = await startLine(n3);
    t.after(() => line.close());
    const ugo = await open(line, { user: 'ugo', hash });
    await Promise.all([sven, tess, ugo].map((one) => one.hears(2)));
    const session = await fact(ugo, 'Session');
    await ugo.page.context().setOffline(true);
    line.cut();
    await Promise.all([sven, tess].map((one) => member(one, 'ugo').waitFor({ state: 'detached', timeout: stretched(30_000) })));
    await Promise.all([sven.hears(1), tess.hears(1)]);
    const told = ugo.sees(/Back .* with a new session/); // which goes by itself
    line.mend();
    await ugo.page.context().setOffline(false);
    await until(async () => (await fact(ugo, 'Session')) !== session, 'ugo to have a new session');
    await online(ugo);
    await told;
    await idle(ugo);
    await call(ugo, 'sven');
    await answer(sven, 'ugo');
    await ugo.hears(1);
  });

  scene('who finds no way to the other is told so; so is, in mid-call, whose way breaks off until there is another', {}, async (open, [n1, n2]) => {
    const at = async (node, user) => online(await open(node, { user }));
    const [vera, walt, xavi, yves] = await Promise.all([at(n1, 'vera'), at(n2, 'walt'), at(n1, 'xavi'), at(n2, 'yves')]);
    await call(xavi, 'yves');
    await answer(yves, 'xavi');
    await Promise.all([xavi.hears(1), yves.hears(1)]);
    await mediaNetwork(false);
    try {
      await call(vera, 'walt');
      await answer(walt, 'vera');
      await alerted(vera, /No direct way to walt was found/, stretched(40_000));
      await alerted(xavi, /between you and yves broke off/, stretched(40_000));
    } finally {
      await mediaNetwork(true);
    }
    await Promise.all([xavi.hears(1), yves.hears(1)]);
    await xavi.seesNo(/broke off/);
    await hangUp(vera);
    await Promise.all([idle(vera), idle(walt)]);
  });
});
