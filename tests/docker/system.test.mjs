// The whole-system tests of tests/system and tests/client once more, through the HAProxy of docker/compose.yaml, in front of three nodes in containers.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join as path } from 'node:path';
import { describe, test as always } from 'node:test';
import { SETTINGS } from '../support/cluster.mjs';
import { Project, TOP, around, buildImage, test } from '../support/docker.mjs';
import { stretched } from '../support/wait.mjs';

const NODES = 3;

// Why a test, or a whole file, cannot pass here.
const SETTINGS_OF_ITS_OWN = 'it asks for nodes with settings that those of its group are not';
const KILLS = 'it ends, freezes or starts nodes or Redis as processes of its own; cluster.test.mjs does so with containers';
const CHOOSES = 'it chooses which node a client comes to, or asks for one alone; here HAProxy chooses';
const HIDDEN = 'it asks /metrics, /readyz or /healthz, which the proxy shows to nobody';
const WATCHES = 'it looks at what programs write and how they end; image.test.mjs does so with containers';
const NO_NODE = 'it asks for no node';
const PROXIED = 'it asks for what a proxy hides, answers by itself or puts in front; tests/deploy/haproxy.test.mjs asks the proxy';

/** The files that run, by the settings that they ask of their nodes, and which of their tests do not pass, by the reason. */
const GROUPS = [
  {
    settings: {},
    files: {
      'system/call': {},
      'system/offer': { [SETTINGS_OF_ITS_OWN]: ['`any` lets video pass'] },
      'system/signal': { [CHOOSES]: ['a whole call has the same fields, byte for byte'] },
      'system/ring': {
        [KILLS]: ['times out though the node that set the timer is dead', 'goes on though the node of the caller dies, until the caller is lost'],
        [SETTINGS_OF_ITS_OWN]: ['stops when the caller is lost'],
      },
      'system/glare': {},
      'system/session': {
        [SETTINGS_OF_ITS_OWN]: [
          'late is closed with 4001',
          'whose grace is over is a new one, and its seats are gone',
          'that superseded and does not join loses the seat when the grace ends',
          'of a session that is silent for two heartbeats is dropped',
        ],
      },
      'system/storm': {},
      'system/hostile': {
        [HIDDEN]: ['no socket is left over', 'the memory of the node is as before'],
        [SETTINGS_OF_ITS_OWN]: [
          'frames past the rate are rate_limited, and far past it the socket closes with 4007',
          'wrong offer ids past the limit are rate_limited',
          'a slow reader is closed with 4008 and loses nothing when it resumes',
        ],
      },
      'system/web': {
        [SETTINGS_OF_ITS_OWN]: ['is not there without --dev, and none of its files'],
        [HIDDEN]: ['keeps what else is there'],
      },
      'client/call': {
        [SETTINGS_OF_ITS_OWN]: ['a device that comes anew and does nothing hears when its seat is lost', 'who stays away for longer than the grace is lost, to both'],
      },
      'client/people': {},
      'client/session': {
        [CHOOSES]: ['goes on trying until a node answers', 'goes to the next node first'],
        [KILLS]: ['a killed node is left for another', 'while the store is away is tried again until it is back'],
        [SETTINGS_OF_ITS_OWN]: [
          'many at once all get in',
          'a node that leaves is left for another, and nobody is told of a reset',
          'a node that does not say a word any more is left',
          'is told, and what was under way is refused unless it may be said again',
        ],
      },
      'client/package': {},
    },
  },
  {
    settings: { 'watches-max': 8 },
    files: {
      'system/presence': {
        [HIDDEN]: ['is one publish, heard once by each node that has watchers, for 1,000 of them', 'is nothing at the nodes when nobody watches'],
        [SETTINGS_OF_ITS_OWN]: ['is a user until the grace of the lost socket is over', 'stays one who resumes, and one whose device comes with a new session'],
        [KILLS]: ['takes its users offline once their grace is over, and their watchers hear it once'],
      },
    },
  },
  {
    settings: { 'grace-ms': 5000 },
    files: {
      'system/heal': {
        [KILLS]: [
          'while a node is frozen: its members come back to their seats when it wakes',
          'with what it knew a while ago: nobody hears a number twice, and all sit where they sat',
          'with all it was told: nothing is put back, and nothing lost',
        ],
      },
    },
  },
  {
    settings: { 'grace-ms': 120_000 },
    files: { 'system/load-emptied': {} },
  },
  {
    settings: { 'call-default': ['friend-*', 'alice-*', 'bob-*', 'carol-*'], 'calls-per-minute': 4, 'calls-open-max': 2, 'wrong-ids-per-minute': 3 },
    files: { 'system/people': {} },
  },
  {
    settings: { 'frames-per-second': undefined, 'frames-burst': undefined, 'bytes-per-second': undefined, 'bytes-burst': undefined },
    files: {
      'system/protocol-doc': {
        [SETTINGS_OF_ITS_OWN]: [
          'Sessions, with hello-timeout-ms=200',
          'Sessions, with grace-ms=300',
          'Sessions, with drain-ms=200',
          'Ringing people, with call-default=support-*',
          'When the store forgets, with drain-ms=0',
          'ICE servers, with ice-config=tests/data/ice-servers.json',
          'Errors, with wrong-ids-per-minute=2',
        ],
      },
    },
  },
];

/** The files that do not run. */
const NOT_HERE = {
  'system/admission': SETTINGS_OF_ITS_OWN,
  'system/blackout': KILLS,
  'system/budget': HIDDEN,
  'system/death': KILLS,
  'system/health': WATCHES,
  'system/http': PROXIED,
  'system/load-clock': KILLS,
  'system/load-death': KILLS,
  'system/load-restart': KILLS,
  'system/log': WATCHES,
  'system/metrics': HIDDEN,
  'system/model': KILLS,
  'system/operate': WATCHES,
  'system/rotation': SETTINGS_OF_ITS_OWN,
  'system/startup': WATCHES,
  'system/sweep': KILLS,
  'system/tls': PROXIED,
  'client/begin': NO_NODE,
  'client/mesh': NO_NODE,
  'client/order': NO_NODE,
  'client/peer': NO_NODE,
};

for (const { settings, files } of GROUPS) {
  describe(`behind HAProxy ${JSON.stringify(settings)}`, () => {
    let project;
    const all = { ...SETTINGS, 'ice-config': undefined, ...settings };
    around(
      async () => {
        await buildImage();
        project = new Project();
        await project.up({ scale: NODES, settings: all });
        await project.untilOn(NODES);
      },
      () => project?.down(),
    );
    for (const [name, reasons] of Object.entries(files)) {
      test(`tests/${name} passes`, async (t) => {
        const excused = new Set(Object.values(reasons).flat());
        const { told, more } = await project.play(name, { ...all, dev: true }, stretched(300_000));
        const failed = told.filter(({ outcome }) => outcome !== 'ok' && outcome !== 'skipped');
        const titles = (list) => list.map(({ title, outcome }) => `${title}: ${outcome}`);
        assert.deepEqual(titles(failed.filter(({ title }) => !excused.has(title))), [], more);
        const idle = [...excused].filter((title) => !failed.some((one) => one.title === title));
        assert.deepEqual(idle, [], 'these pass, or are not there any more: take them off the table');
        assert.ok(told.length - failed.length > 0, more);
        t.diagnostic(`${told.length - failed.length} of ${told.length} passed`);
      });
    }
  });
}

// Whoever writes a new file decides; so it is asked where no engine is as well.
always('each file of whole-system tests either runs here, or it is said why not', () => {
  const there = ['system', 'client'].flatMap((dir) =>
    readdirSync(path(TOP, 'tests', dir)).filter((file) => file.endsWith('.test.mjs')).map((file) => `${dir}/${file.replace('.test.mjs', '')}`));
  const listed = [...GROUPS.flatMap(({ files }) => Object.keys(files)), ...Object.keys(NOT_HERE)];
  assert.deepEqual(listed.sort(), there.sort());
});
