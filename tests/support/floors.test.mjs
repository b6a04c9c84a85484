// The floor check on this tree, a test a rule; and on trees that break each rule once, so that none of them can fall asleep.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { RULES, checkTree, tell } from './floors.mjs';

const HERE = fileURLToPath(new URL('../..', import.meta.url));

const lines = (count, line) => `${line}\n`.repeat(count);
const longFunction = (length) => `int f(void);\nint f(void)\n{\n${lines(length - 4, '    ;')}    return 0;\n}\n`;

/** What is wrong and must be found: [rule, {path: contents}]; the first path is the one to be named. */
const WRONG = [
  ['includes keep to the floors', { 'common/base/a.c': '#include "common/wire/value.h"\n', 'common/wire/value.h': '' }],
  ['includes keep to the floors', { 'common/loop/a.c': '#include "common/wire/value.h"\n', 'common/wire/value.h': '' }],
  ['includes keep to the floors', { 'node/call/a.c': '#include "common/wire/value.h"\n', 'common/wire/value.h': '' }],
  ['includes keep to the floors', { 'node/store/a.h': '#include "node/redis/a.h"\n', 'node/redis/a.h': '' }],
  ['includes keep to the floors', { 'node/signaling/a.c': '#include "node/edge/a.h"\n', 'node/edge/a.h': '' }],
  ['includes keep to the floors', { 'node/signaling/a.c': '#include "node/config.h"\n', 'node/config.h': '' }],
  ['includes keep to the floors', { 'node/edge/a.c': '#include "node/signaling/stories.h"\n', 'node/signaling/stories.h': '' }],
  ['includes keep to the floors', { 'node/redis/a.c': '#include "node/signaling/conn.h"\n', 'node/signaling/conn.h': '' }],
  ['includes keep to the floors', { 'node/push/a.c': '#include "node/redis/a.h"\n', 'node/redis/a.h': '' }],
  ['includes keep to the floors', { 'node/redis/a.c': '#include "a.h"\n', 'node/redis/a.h': '' }],
  ['includes keep to the floors', { 'node/attic/a.c': '' }],
  ['rooms of headers stay so', { 'node/store/a.c': '' }],
  ['foreign words stay in their rooms', { 'node/signaling/a.c': 'struct lws_context;\n' }],
  ['foreign words stay in their rooms', { 'node/a.c': '#include <libwebsockets.h>\n' }],
  ['foreign words stay in their rooms', { 'node/a.c': 'struct redisReply *reply;\n' }],
  ['foreign words stay in their rooms', { 'node/edge/a.c': '#include <hiredis/hiredis.h>\n' }],
  ['foreign words stay in their rooms', { 'node/redis/a.c': 'CURL *easy;\n' }],
  ['foreign words stay in their rooms', { 'common/auth/a.c': 'static json_t *top;\n' }],
  ['foreign words stay in their rooms', { 'node/redis/a.c': '#include <msgpack.h>\n' }],
  ['foreign words stay in their rooms', { 'node/signaling/a.c': 'uv_loop_t *loop;\n' }],
  ['no banned function is called', { 'common/base/a.c': 'void f(void) { strcpy(a, b); }\n' }],
  ['no banned function is called', { 'node/a.c': 'int n = atoi(text);\n' }],
  ['no banned function is called', { 'tests/unit/common/base/test_a.c': 'void f(void) { sprintf (a, b); }\n' }],
  ['scripts run on Node 18', { 'tests/system/a.test.mjs': `names.${'toSorted'}();\n` }],
  ['no struct has a typedef', { 'node/call/a.h': 'typedef struct thing thing;\n' }],
  ['files stay short', { 'node/call/a.c': lines(801, ';') }],
  ['files stay short', { 'tests/support/a.mjs': lines(801, ';') }],
  ['functions stay short', { 'node/call/a.c': longFunction(101) }],
  ['no header includes itself', { 'node/call/a.h': '#pragma once\n#include "node/call/b.h"\n', 'node/call/b.h': '#pragma once\n#include "node/call/a.h"\n' }],
  ['headers stand alone', { 'node/call/a.h': 'size_t f(void);\n' }],
  ['scripts stay short', { 'node/redis/lua/a.lua': lines(81, 'local a = 1') }],
  ['keys are spelled in one place', { 'node/redis/a.c': 'const char *k = "{%u}:call:%s";\n' }],
  ['keys are spelled in one place', { 'node/redis/lua/a.lua': "local key = '{17}:call'\n" }],
  ['keys are spelled in one place', { 'node/redis/lua/a.lua': "redis.call('HGET', 'calls', id)\n" }],
  ['keys are spelled in one place', { 'node/redis/lua/a.lua': "redis.call('HGET', key .. id, 'x')\n" }],
  ['keys are spelled in one place', { 'node/redis/lua/a.lua': "redis.call('HGET', session_prefix .. id .. ':log', 'x')\n" }],
  ['keys are spelled in one place', { 'node/redis/lua/a.lua': "-- KEYS 1 log\nlocal log = KEYS[1] .. ':log'\nreturn log\n" }],
  ['scripts use what they are given', { 'node/redis/lua/a.lua': '-- KEYS 1 call  2 log\n-- Returns\nlocal call, log = KEYS[1], KEYS[2]\nreturn call\n' }],
  ['scripts use what they are given', { 'node/redis/lua/a.lua': '-- KEYS 1 call  2 log\n-- ARGV 1 id\nlocal call, id = KEYS[1], ARGV[1]\nreturn call .. id\n' }],
  ['scripts use what they are given', { 'node/redis/lua/a.lua': '-- ARGV 1 id  2 user\nlocal id, user = ARGV[1], ARGV[3]\nreturn id .. user\n' }],
];

/** What comes near and is right. */
const RIGHT = {
  'common/base/a.h': '/* strcpy() and redisReply in a comment, typedef struct too */\n#include <stddef.h>\nsize_t f(void);\n',
  'common/base/a.c': '#include "common/base/a.h"\nconst char *t = "call strcpy( with uv_loop_t, lws_write";\n// sprintf(\nint strcpy_s_like(void);\n',
  'common/wire/a.c': '#include <jansson.h>\njson_t *top;\n',
  'node/call/long.c': longFunction(100),
  'node/call/file.c': lines(800, ';'),
  'node/edge/edge.h': '#include "node/signaling/conn.h"\nstruct uv_loop_s;\n',
  'node/edge/a.c': '#include "node/edge/edge.h"\n#include <libwebsockets.h>\nuv_loop_t *loop;\n',
  'node/push/a.c': '#include <curl/curl.h>\nCURL *easy;\n',
  'node/redis/keys.c': 'const char *k = "{%u}:call:%s";\n',
  'node/redis/keys.h': 'struct redisReply;\n',
  'node/redis/lua/a.lua': `${lines(79, "redis.call('HGET', call, 'version') -- '{17}:call'")}--[[ ${lines(9, 'head')} ]]\nredis.call('TIME')\n`,
  'node/redis/lua/b.lua': '-- KEYS 1 call  2 log\n-- ARGV 1 id  2 how many (0: 3)\n--      then for each: a name\n-- Returns what was there.\nlocal call, log = KEYS[1], KEYS[2]\nlocal id, most = ARGV[1], ARGV[2]\nfor i = 3, #ARGV do id = id .. ARGV[i] end\nreturn call .. log .. id .. most\n',
  'node/signaling/conn.h': 'struct uv_loop_s;\n',
  'node/main.c': '#include "node/edge/edge.h"\n#include "node/redis/keys.h"\n#include "common/base/a.h"\n',
};

const made = [];
after(() => made.forEach((dir) => rmSync(dir, { recursive: true, force: true })));

function tree(files) {
  const root = mkdtempSync(join(tmpdir(), 'floors-'));
  made.push(root);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

describe('this tree', async () => {
  const found = await checkTree(HERE);
  for (const rule of Object.keys(RULES)) {
    test(rule, () => assert.deepEqual(found.filter((one) => one.rule === rule).map(tell), []));
  }
});

describe('the floor check', () => {
  for (const [rule, files] of WRONG) {
    const [path] = Object.keys(files);
    test(`finds where not: ${rule} (${path}: ${Object.values(files)[0].slice(0, 40).trim()})`, async () => {
      const found = await checkTree(tree(files));
      assert.ok(found.some((one) => one.rule === rule && one.file === path), JSON.stringify(found));
      assert.deepEqual([...new Set(found.map((one) => one.rule))], [rule], 'and nothing else');
    });
  }
  test('lets pass what only comes near', async () => assert.deepEqual((await checkTree(tree(RIGHT))).map(tell), []));
  test('has a tree that breaks each of its rules', () => {
    assert.deepEqual(new Set(WRONG.map(([rule]) => rule)), new Set(Object.keys(RULES)));
  });
});
