// docs/protocol.md against real nodes: every example is played, in both formats, and what the sources have in their tables stands there.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { missingFromProtocol } from '../support/docs.mjs';
import { playExamples, readExamples } from '../support/examples.mjs';

const PAGE = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');

for (const format of ['json', 'msgpack']) {
  test(`every example happens as it is written, in ${format}`, async (t) => {
    await playExamples(readExamples(PAGE), format, (heading, play) => t.test(heading, play));
  });
}

describe('the page has', () => {
  for (const [what, missing] of Object.entries(missingFromProtocol(PAGE))) test(what, () => assert.deepEqual(missing, []));
});

test('an example that is wrong is found', async (t) => {
  const wrong = readExamples('## X\n```wire\na  connects to node 1\na  → {"type":"ping","id":1}\na  ← close 4002\n```\n');
  await playExamples(wrong, 'json', (heading, play) => t.test(heading, () => assert.rejects(play, /protocol\.md:5/)));
});
