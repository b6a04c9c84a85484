// The documents say what the sources say.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BINARY } from '../support/cluster.mjs';
import { brokenLinks, brokenPaths, deadLinks, eventsWithoutMeaning, generatedNowhere, missingFromProtocol, metricsWithoutAdvice, missingFromState, pagesBehind, tableRows, untestedGuarantees } from '../support/docs.mjs';

describe('the documents', () => {
  test('have the tables of the sources (tests/support/docs --write brings them up to date)', () => assert.deepEqual(pagesBehind(BINARY), []));
  test('leave out no table', () => assert.deepEqual(generatedNowhere(), []));
  test('name every field of a hash, every state and every timer', () => assert.deepEqual(missingFromState(), []));
  test('name tests for every promise and every fault', () => assert.deepEqual(untestedGuarantees(), []));
  test('say of every metric what to do when it is wrong', () => assert.deepEqual(metricsWithoutAdvice(), []));
  test('say of every event that warns what it means', () => assert.deepEqual(eventsWithoutMeaning(), []));
  test('link to files and headings that are there', () => assert.deepEqual(brokenLinks(), []));
  test('name files that are there', () => assert.deepEqual(brokenPaths(), []));
});

test('a text that C writes in pieces is one cell', () => {
  const [, , , what] = tableRows('node/redis/keys.h', 'KEYS_TABLE').find(([id]) => id === 'TIMERS');
  assert.match(what, /fanout:.*, `grace:<session>:<user>`$/);
});

test('a link that leads nowhere is found', () => {
  const page = '# One\n\n## A `call` & more\n\n## One\n\n```\n# Not me\n```\n[](#one) [](#a-call--more) [](#one-1) [](../README.md#the-first-call) [](../deploy/) [](https://nowhere.example)';
  assert.deepEqual(deadLinks('docs/page.md', page), []);
  assert.deepEqual(deadLinks('docs/page.md', `${page}[](#one-2) [](#not-me) [](../README.md#nowhere) [](gone.md)`), ['docs/page.md: #one-2', 'docs/page.md: #not-me', 'docs/page.md: ../README.md#nowhere', 'docs/page.md: gone.md']);
});

test('what a page leaves out is found', () => {
  for (const [what, missing] of Object.entries(missingFromProtocol(''))) assert.notDeepEqual(missing, [], what);
  assert.deepEqual(untestedGuarantees('### 1. Five\n\n**Tried by** nobody.\n\n## Faults\n\n| Redis is emptied | nothing | – |\n'), ['1. Five', '| Redis is emptied | nothing | – |', '1 promises', '1 faults']);
  assert.ok(metricsWithoutAdvice('').includes('switchboard_sockets'));
  for (const event of ['redis.unreachable', 'redis.lost', 'store.emptied', 'worker.died']) assert.ok(eventsWithoutMeaning('').includes(event), event);
  assert.ok(eventsWithoutMeaning('## Log\n| `nothing.happened` | nothing |\n').includes('nothing.happened: no such event'));
  for (const word of ['epoch', 'candidate_once', 'superseded', 'waiting', 'grace']) assert.ok(missingFromState('').includes(word), word);
});
