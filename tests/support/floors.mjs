// The floor check: holds includes, vocabulary and sizes against the plan (docs/architecture.md). Each rule is a row of RULES; checkTree() gives what breaks
// them as {rule, file, line, text}. `tests/support/floors` prints it, floors.test.mjs shows that each rule can fail.
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const LINES_MAX = 800;
const FUNCTION_LINES_MAX = 100;
const LUA_CODE_LINES_MAX = 80;
const COMPILERS_AT_ONCE = 2;

/** What each room may include beside itself: rooms, or single headers. `node` is the wiring and may include everything. */
const FLOORS = {
  'common/base': [],
  'common/loop': ['common/base'],
  'common/wire': ['common/base'],
  'common/auth': ['common/wire', 'common/base'],
  'node/session': ['common/base'],
  'node/call': ['common/base'],
  'node/web': ['common/base'],
  'node/store': ['common/base'],
  'node/signaling': ['node/store', 'node/session', 'node/call', 'common/auth', 'common/wire', 'common/loop', 'common/base'],
  'node/edge': ['node/signaling/conn.h', 'common/loop', 'common/base'],
  'node/redis': ['node/store', 'common/wire', 'common/loop', 'common/base'],
  'node/push': ['node/store', 'common/wire', 'common/loop', 'common/base'],
  benchmarks: ['common/auth', 'common/wire', 'common/loop', 'common/base'],
};
const ANYTHING = new Set(['node']);
/** Rooms that are headers only. */
const HEADERS_ONLY = new Set(['node/store']);

/** Words of foreign libraries and the rooms that may say them. Comments do not count. */
const VOCABULARY = [
  { words: /\b(lws_\w+|LWS_\w+|libwebsockets\.h)/, rooms: ['node/edge'] },
  { words: /\b(hiredis\b|redisReply\b|redisReader\w*|redisFormat\w+|redisContext|redisAsync\w*|REDIS_REPLY_\w+)/, rooms: ['node/redis'] },
  { words: /\b(curl_\w+|CURL\w*|curl\/curl\.h)/, rooms: ['node/push'] },
  {
    words: /\b(msgpack_\w+|msgpack\.h|jansson\.h|json_(t|error_t|loadb|loads|loadf|dumpb|dumps|decref|incref|object|array|string|integer|object_\w+|array_\w+|string_\w+|integer_value|is_\w+)\b|JSON_(REJECT|DECODE|COMPACT)\w*)/,
    rooms: ['common/wire'],
  },
  { words: /\b(uv_\w+|uv\.h)/, rooms: ['common/loop', 'node/edge', 'node/redis', 'node/push', 'node', 'benchmarks'], unless: /\bstruct uv_\w+_s\b/g },
];

const BANNED = /\b(strcpy|strcat|sprintf|vsprintf|strtok|atoi|sscanf|alloca|gets)\s*\(/;
/** What Node got after version 18, which is Debian 12's. */
const TOO_NEW = /\.(toSorted|toReversed|toSpliced|withResolvers|fromAsync|groupBy|isWellFormed|canParse)\(|\bimport\.meta\.(dirname|filename)\b/;
/** Lua commands whose first argument is no key. */
const KEYLESS = /^(TIME|SCRIPT|PING|INFO|CONFIG|OBJECT|XINFO|XGROUP|CLUSTER)$/i;
const SOURCES = /\.(c|h|lua|mjs|js)$/;
const SKIPPED = /^(\.git|\.library|node_modules|build.*)$/;

function walk(root, dir = '') {
  return readdirSync(join(root, dir), { withFileTypes: true }).flatMap((entry) => {
    const path = dir ? `${dir}/${entry.name}` : entry.name;
    if (entry.isDirectory()) return SKIPPED.test(entry.name) ? [] : walk(root, path);
    return SOURCES.test(entry.name) ? [path] : [];
  });
}

const blank = (text) => text.replace(/[^\n]/g, ' ');
const C_TOKENS = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g;

/** C without its comments (line numbers stay), with or without the insides of its texts. Includes keep their names. */
function withoutComments(text, { keepTexts }) {
  return text.replace(C_TOKENS, (token, at) => {
    if (token.startsWith('/')) return blank(token);
    const line = text.slice(text.lastIndexOf('\n', at) + 1, at);
    return keepTexts || /^\s*#\s*include/.test(line) ? token : `${token[0]}${blank(token.slice(1, -1))}${token[0]}`;
  });
}

function roomOf(file) {
  const parts = file.split('/');
  return parts[0] === 'benchmarks' ? 'benchmarks' : parts.slice(0, Math.min(2, parts.length - 1)).join('/');
}

/** The tree as the rules see it: files of C with their lines, Lua, and the rest by size only. */
function readTree(root) {
  const files = walk(root).map((path) => {
    const text = readFileSync(join(root, path), 'utf8');
    const isC = /\.[ch]$/.test(path);
    const code = isC ? withoutComments(text, { keepTexts: false }).split('\n') : [];
    const codeWithTexts = isC ? withoutComments(text, { keepTexts: true }).split('\n') : [];
    const includes = code.flatMap((line, i) => {
      const found = /^\s*#\s*include\s+"([^"]+)"/.exec(line);
      return found ? [{ line: i + 1, path: found[1] }] : [];
    });
    return { path, text, lines: text.split('\n'), isC, code, codeWithTexts, includes, room: roomOf(path) };
  });
  const ours = files.filter((file) => file.isC && /^(common|node|benchmarks)\//.test(file.path));
  return { root, files, ours, lua: files.filter((file) => /^node\/redis\/lua\/.*\.lua$/.test(file.path)) };
}

/** Every match of `pattern` in the code of the files. */
function grep(files, pattern, say, pick = (file) => file.code) {
  return files.flatMap((file) =>
    pick(file).flatMap((line, i) => {
      const found = pattern.exec(line);
      return found ? [{ file: file.path, line: i + 1, text: say(found, file) }] : [];
    }),
  );
}

function includesKeepToTheFloors({ root, ours }) {
  return ours.flatMap((file) => {
    if (ANYTHING.has(file.room)) return [];
    const below = FLOORS[file.room];
    if (!below) return [{ file: file.path, line: 1, text: `${file.room} has no place in the plan: add it to FLOORS` }];
    return file.includes.flatMap(({ line, path }) => {
      const allowed = roomOf(path) === file.room || below.some((one) => one === path || one === roomOf(path));
      if (!allowed) return [{ file: file.path, line, text: `${file.room} may not include ${path}` }];
      if (!existsSync(join(root, path))) return [{ file: file.path, line, text: `"${path}" is not root-relative` }];
      return [];
    });
  });
}

function roomsOfHeadersStaySo({ ours }) {
  return ours
    .filter((file) => HEADERS_ONLY.has(file.room) && file.path.endsWith('.c'))
    .map((file) => ({ file: file.path, line: 1, text: `${file.room} is headers only` }));
}

function foreignWordsStayInTheirRooms({ ours }) {
  return VOCABULARY.flatMap(({ words, rooms, unless }) => {
    const others = ours.filter((file) => !rooms.includes(file.room));
    const code = (file) => (unless ? file.code.map((line) => line.replace(unless, '')) : file.code);
    return grep(others, words, ([word], file) => `${word} is not a word of ${file.room}`, code);
  });
}

function bannedFunctions({ files }) {
  return grep(files.filter((file) => file.isC), BANNED, ([, name]) => `${name}() is banned`);
}

function scriptsRunOnNode18({ files }) {
  const scripts = files.filter((file) => file.path.endsWith('.mjs'));
  return grep(scripts, TOO_NEW, ([what]) => `${what} is not in Node 18, which is Debian 12's`, (file) => file.lines);
}

function noTypedefsOfStructs({ ours }) {
  return grep(ours, /\btypedef\s+struct\b/, () => 'no typedefs of structs');
}

function filesStayShort({ files }) {
  return files
    .map((file) => ({ file: file.path, line: LINES_MAX + 1, count: file.text.replace(/\n$/, '').split('\n').length }))
    .filter(({ count }) => count > LINES_MAX)
    .map(({ file, line, count }) => ({ file, line, text: `${count} lines; more than ${LINES_MAX} are something wrong` }));
}

function functionsStayShort({ root, files }) {
  const sources = files.filter((file) => file.isC).map((file) => file.path);
  if (sources.length === 0) return [];
  const args = ['-L', '-', '-f', '-', '--fields=+ne', '--kinds-C=f', '--languages=C', '--langmap=C:.c.h'];
  const tags = execFileSync('ctags', args, { cwd: root, input: sources.join('\n'), encoding: 'utf8', maxBuffer: 1 << 26 });
  return tags
    .split('\n')
    .filter((tag) => tag && !tag.startsWith('!'))
    .map((tag) => {
      const [name, file] = tag.split('\t');
      const line = Number(/\tline:(\d+)/.exec(tag)?.[1]);
      const end = Number(/\tend:(\d+)/.exec(tag)?.[1] ?? line);
      return { name, file, line, length: end - line + 1 };
    })
    .filter(({ length }) => length > FUNCTION_LINES_MAX)
    .map(({ name, file, line, length }) => ({ file, line, text: `${name}() has ${length} lines; above ${FUNCTION_LINES_MAX}: split` }));
}

function noHeaderIncludesItself({ ours }) {
  const headers = new Map(ours.filter((file) => file.path.endsWith('.h')).map((file) => [file.path, file]));
  const done = new Set();
  const found = [];
  const visit = (path, trail) => {
    const at = trail.indexOf(path);
    if (at >= 0) {
      found.push({ file: path, line: 1, text: `headers in a circle: ${[...trail.slice(at), path].join(' → ')}` });
    } else if (!done.has(path) && headers.has(path)) {
      for (const include of headers.get(path).includes) visit(include.path, [...trail, path]);
      done.add(path);
    }
  };
  for (const path of headers.keys()) visit(path, []);
  return found;
}

async function headersStandAlone({ root, ours }) {
  const headers = ours.filter((file) => file.path.endsWith('.h')).map((file) => file.path);
  const found = [];
  const compile = async (path) => {
    const args = ['-std=c17', '-D_GNU_SOURCE', '-I.', '-fsyntax-only', '-Wall', '-Werror=implicit-function-declaration', '-x', 'c', '-include', path, '/dev/null'];
    try {
      await promisify(execFile)('cc', args, { cwd: root });
    } catch (error) {
      const first = error.stderr.split('\n').find((line) => line.includes('error')) ?? error.stderr;
      found.push({ file: path, line: 1, text: `does not compile alone: ${first}` });
    }
  };
  const work = Array.from({ length: COMPILERS_AT_ONCE }, async () => {
    while (headers.length > 0) await compile(headers.pop());
  });
  await Promise.all(work);
  return found;
}

const luaCode = (file) => file.text.replace(/--\[\[[\s\S]*?\]\]/g, blank).split('\n').map((line) => line.replace(/--.*$/, ''));

function scriptsStayShort({ lua }) {
  return lua
    .map((file) => ({ file: file.path, count: luaCode(file).filter((line) => line.trim()).length }))
    .filter(({ count }) => count > LUA_CODE_LINES_MAX)
    .map(({ file, count }) => ({ file, line: 1, text: `${count} lines of code; above ${LUA_CODE_LINES_MAX}: split` }));
}

/** The highest number that a script's head gives to one of its keys or arguments, and the highest that its code takes. */
function places(file, code, kind) {
  const [, head = ''] = new RegExp(`^-- ${kind} ([\\s\\S]*?)\\n(?:-- [A-Z]|[^-])`, 'm').exec(file.text) ?? [];
  const highest = (text, pattern) => Math.max(0, ...[...text.matchAll(pattern)].map(([, n]) => Number(n)));
  return { said: highest(head, /(?:^| {2})(\d+) /g), taken: highest(code, new RegExp(`${kind}\\[(\\d+)\\]`, 'g')) };
}

/** C hands keys and arguments over by their places: a script's head and its first lines name the same ones, and nothing is handed over that is not used. */
function scriptsUseWhatTheyAreGiven({ lua }) {
  return lua.flatMap((file) => {
    const code = luaCode(file).join('\n');
    const bound = [...code.matchAll(/^local ([\w, ]+?) = [^\n]*(?:KEYS|ARGV)\[/gm)].flatMap(([, names]) => names.split(', '));
    const unused = bound.filter((name) => code.match(new RegExp(`\\b${name}\\b`, 'g')).length < 2).map((name) => `${name} is bound and not used`);
    const drift = ['KEYS', 'ARGV'].flatMap((kind) => {
      const { said, taken } = places(file, code, kind);
      const some = new RegExp(`${kind}\\[[^\\d\\]]|[(#]${kind}\\b`).test(code); // taken by a number that is worked out: there are as many as there are
      return said === taken || (some && said <= taken) ? [] : [`the head has ${kind} up to ${said}, the code takes them up to ${taken}`];
    });
    return [...unused, ...drift].map((text) => ({ file: file.path, line: 1, text }));
  });
}

/**
 * A key or channel begins with its partition's hash tag: a text with `}:` in it, or a Lua command on a text or on something put together, unless that is a
 * name behind a prefix (decision 11).
 */
function keysAreSpelledInOnePlace({ ours, lua }) {
  const others = ours.filter((file) => !/^node\/redis\/keys\.[ch]$/.test(file.path));
  const say = ([text]) => `a Redis key is spelled here (${text.trim()}): only keys.h and keys.c do that`;
  const inC = grep(others, /"(?:\\.|[^"\\])*\}:(?:\\.|[^"\\])*"/, say, (file) => file.codeWithTexts);
  const inLua = lua.flatMap((file) =>
    luaCode(file).flatMap((line, i) => {
      const tag = /(['"])[^'"]*\}:[^'"]*\1/.exec(line) ?? /KEYS\[[^\]]*\]\s*\.\.|\.\.\s*KEYS\[/.exec(line);
      const call = /\bredis\.p?call\(\s*(['"])(\w+)\1\s*,\s*(?:(['"])[^'"]*\3|(?=\S)(?![\w.]*_prefix \.\. [\w.]+[,)])[^,()]*\.\.)/.exec(line);
      const spelled = tag ?? (call && !KEYLESS.test(call[2]) ? call : null);
      return spelled ? [{ file: file.path, line: i + 1, text: say(spelled) }] : [];
    }),
  );
  return [...inC, ...inLua];
}

export const RULES = {
  'includes keep to the floors': includesKeepToTheFloors,
  'rooms of headers stay so': roomsOfHeadersStaySo,
  'foreign words stay in their rooms': foreignWordsStayInTheirRooms,
  'no banned function is called': bannedFunctions,
  'scripts run on Node 18': scriptsRunOnNode18,
  'no struct has a typedef': noTypedefsOfStructs,
  'files stay short': filesStayShort,
  'functions stay short': functionsStayShort,
  'no header includes itself': noHeaderIncludesItself,
  'headers stand alone': headersStandAlone,
  'scripts stay short': scriptsStayShort,
  'scripts use what they are given': scriptsUseWhatTheyAreGiven,
  'keys are spelled in one place': keysAreSpelledInOnePlace,
};

/** Everything that breaks a rule in the tree below `root`. */
export async function checkTree(root) {
  const tree = readTree(root);
  const found = [];
  for (const [rule, check] of Object.entries(RULES)) {
    for (const one of await check(tree)) found.push({ rule, ...one });
  }
  return found;
}

export const tell = ({ file, line, text }) => `${file}:${line}: ${text}`;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const found = await checkTree(process.argv[2] ?? fileURLToPath(new URL('../..', import.meta.url)));
  for (const one of found) console.log(`${tell(one)}   [${one.rule}]`);
  process.exitCode = found.length > 0 ? 1 : 0;
}
