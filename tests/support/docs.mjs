// Holds the documents against the sources. What is a table there and a table in a page is generated: `tests/support/docs --write` puts it between the
// marks `<!-- NAME -->` and `<!-- end -->`, and without --write says which page is behind. docs/protocol.md is written by hand; missingFromProtocol() says
// what it does not mention.
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const TOP = fileURLToPath(new URL('../../', import.meta.url));
const read = (path) => readFileSync(TOP + path, 'utf8');
const filesUnder = (room) => readdirSync(TOP + room, { withFileTypes: true }).flatMap((one) => (one.isDirectory() ? filesUnder(`${room}/${one.name}`) : [`${room}/${one.name}`]));
const code = (text) => `\`${text}\``;
const cell = (text) => text.replace(/\|/g, '\\|');

/** The rows of an X-macro table: [[argument, …], …], texts without their quotes. */
export function tableRows(path, name) {
  const found = new RegExp(`#define ${name}\\(X\\)((?:.*\\\\\\n)+.*)`).exec(read(path));
  if (!found) throw new Error(`${path} has no ${name}`);
  const body = found[1].replace(/\\\n/g, ' ').replace(/"\s+"/g, ''); // texts beside each other are one
  return [...body.matchAll(/X\(((?:"(?:\\.|[^"\\])*"|[^()"])*)\)/g)].map(([, row]) => [...row.matchAll(/\s*("(?:\\.|[^"\\])*"|[^,"]+)\s*(?:,|$)/g)].map(([, one]) => one.trim().replace(/^"|"$/g, '')));
}

const LUA = 'node/redis/lua/';
const scriptNames = () => tableRows('node/redis/script.h', 'SCRIPTS_TABLE').map(([, file]) => file);

/** The comment lines at a script's head, without their dashes and without what it includes. */
function scriptHead(name) {
  const lines = read(`${LUA}${name}.lua`).split('\n');
  const end = lines.findIndex((line) => !line.startsWith('--'));
  return lines.slice(0, end).map((line) => line.replace(/^-- ?/, '')).filter((line) => !line.startsWith('include: '));
}


const metricKind = (kind) => ({ COUNTERS: 'counter', TIME: 'counter', INFO: 'gauge' })[kind] ?? kind.toLowerCase();

const GENERATED = {
  keys: () => [
    '| key or channel | type | what it holds |',
    '| --- | --- | --- |',
    ...tableRows('node/redis/keys.h', 'KEYS_TABLE').map(([, pattern, type, what]) => `| ${code(pattern)} | ${type} | ${cell(what)} |`),
  ],
  scripts: () => scriptNames().flatMap((name) => ['', `**${code(`${name}.lua`)}** ([source](../${LUA}${name}.lua))`, '', '```', ...scriptHead(name), '```']).slice(1),
  metrics: () => [
    '| metric | kind | meaning |',
    '| --- | --- | --- |',
    ...tableRows('common/base/metrics.h', 'METRICS_TABLE').map(([, kind, name, help]) => `| ${code(`switchboard_${name}`)} | ${metricKind(kind)} | ${cell(help)} |`),
  ],
  budget: () => [
    '| step | what happens | script calls, at most | which | other commands | waits, at most |',
    '| --- | --- | --- | --- | --- | --- |',
    ...tableRows('benchmarks/budget.h', 'BUDGET_TABLE').map(([, step, scripts, waits, which, others, what]) => `| ${step} | ${cell(what)} | ${scripts} | ${which.split(' ').map(code).join(' ')} | ${others ? code(others) : '–'} | ${waits} |`),
  ],
  errors: () => [
    '| code | worth a retry | meaning |',
    '| --- | --- | --- |',
    ...tableRows('common/base/err.h', 'ERR_TABLE').filter(([, wire]) => wire !== 'NULL').map(([, wire, retry, text]) => `| ${code(wire)} | ${retry === 'true' ? 'yes' : 'no'} | ${cell(text)} |`),
  ],
};

/** The page with what is generated in it made anew. */
function renewed(text) {
  return text.replace(/<!-- (\w+) -->\n[\s\S]*?<!-- end -->/g, (_, name) => {
    if (!GENERATED[name]) throw new Error(`nothing is generated under the name ${name}`);
    return `<!-- ${name} -->\n${GENERATED[name]().join('\n')}\n<!-- end -->`;
  });
}

const settingsPage = (binary) => execFileSync(binary, ['help', 'settings', '--markdown'], { encoding: 'utf8' });
const pages = () => ['benchmarks/README.md', ...readdirSync(`${TOP}docs`).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)];

/** Pages that are behind the sources, by name. `write`: brings them up to date. */
export function pagesBehind(binary, { write = false } = {}) {
  const wanted = pages().map((path) => [path, path === 'docs/settings.md' ? settingsPage(binary) : renewed(read(path))]);
  const behind = wanted.filter(([path, text]) => text !== read(path));
  if (write) for (const [path, text] of behind) writeFileSync(TOP + path, text);
  return behind.map(([path]) => path);
}

/** What is generated must stand somewhere. */
export function generatedNowhere() {
  const all = pages().map(read).join('\n');
  return Object.keys(GENERATED).filter((name) => !all.includes(`<!-- ${name} -->`));
}

/** Metrics of which docs/operations.md does not say what to do when they are wrong. */
export function metricsWithoutAdvice(page = read('docs/operations.md')) {
  const advice = page.split('### What is wrong, and what to do')[1]?.split(/^## /m)[0] ?? '';
  const names = tableRows('common/base/metrics.h', 'METRICS_TABLE').map(([, , name]) => `switchboard_${name}`);
  const said = new Set([...advice.matchAll(/`(switchboard_\w+)`/g)].map(([, name]) => name));
  return [...names.filter((name) => !said.has(name)), ...[...said].filter((name) => !names.includes(name)).map((name) => `${name}: no such metric`)];
}

/** Events of the log, at warn or error, of which docs/operations.md does not say what they mean; and those it has that there are not. */
export function eventsWithoutMeaning(page = read('docs/operations.md')) {
  const section = /^## Log\n([^]*?)(?=^## )/m.exec(`${page}\n## `)?.[1] ?? '';
  const said = new Set([...section.matchAll(/^\| (`[^|]*) \|/gm)].flatMap(([, events]) => [...events.matchAll(/`([a-z_.]+)`/g)].map(([, name]) => name)));
  const sources = ['node', 'common'].flatMap((room) => filesUnder(room)).filter((file) => file.endsWith('.c')).map(read);
  const calls = sources.flatMap((text) => [...text.matchAll(/log_(?:warn|error)\(([^,;]*),/g), ...text.matchAll(/lines\[\] = \{([^}]*)\}/g), ...text.matchAll(/log_failure\(link, ([^,]*),/g)].map(([, names]) => names));
  const logged = new Set(calls.flatMap((names) => [...names.matchAll(/"([a-z_]+\.[a-z_]+)"/g)].map(([, name]) => name)));
  const good = new Set(['node.relieved']);
  return [...[...logged].filter((name) => !said.has(name) && !good.has(name)), ...[...said].filter((name) => !logged.has(name)).map((name) => `${name}: no such event`)];
}

/** What can be linked to within a page: its headings as GitHub names them (a second one of the same name gets `-1`), and `id`s of HTML. */
function anchorsOf(page) {
  const prose = page.replace(/^```[\s\S]*?^```$/gm, '');
  const seen = new Map();
  const headings = [...prose.matchAll(/^#{1,6} (.*)$/gm)].map(([, heading]) => {
    const name = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase().replace(/[^\p{L}\p{N}_ -]/gu, '').replaceAll(' ', '-');
    seen.set(name, (seen.get(name) ?? -1) + 1);
    return seen.get(name) ? `${name}-${seen.get(name)}` : name;
  });
  return new Set([...headings, ...[...page.matchAll(/<a (?:id|name)="([^"]+)"/g)].map(([, name]) => name)]);
}

/** Where a page's links lead nowhere: files of the tree that are not there, headings that a page has not. `path` is where it stands. */
export function deadLinks(path, page = read(path)) {
  const leadsSomewhere = (file, anchor) => {
    const text = file ? textAt(new URL(file, `file://${TOP}${path}`)) : page;
    return text !== undefined && (!anchor || !/(^|\.md)$/.test(file) || anchorsOf(text).has(anchor));
  };
  return [...page.matchAll(/\]\((?![a-z]+:)([^)#\s]*)(?:#([^)\s]*))?\)/g)]
    .filter(([, file, anchor]) => !leadsSomewhere(file, anchor))
    .map(([, file, anchor]) => `${path}: ${file}${anchor ? `#${anchor}` : ''}`);
}

/** The same in all documents: ["README.md: docs/nowhere.md"]. */
export function brokenLinks() {
  const decisions = readdirSync(`${TOP}docs/decisions`).map((name) => `docs/decisions/${name}`);
  return ['README.md', ...pages(), ...decisions].flatMap((path) => deadLinks(path));
}

/** Paths in backquotes that begin with a folder of ours and name nothing: documents speak of files a lot. */
export function brokenPaths() {
  const tracked = execFileSync(`${TOP}tests/support/files`, { encoding: 'utf8' }).split('\0');
  const isThere = (path) => tracked.some((one) => one === path || one.startsWith(`${path.replace(/\/$/, '')}/`));
  return ['README.md', ...pages()].flatMap((page) =>
    [...read(page).matchAll(/`((?:common|node|tests|docs|deploy|benchmarks)\/[\w./-]*)`/g)].filter(([, path]) => !isThere(path)).map(([, path]) => `${page}: ${path}`),
  );
}

/** What stands there; '' for a folder, undefined for nothing. */
function textAt(url) {
  try {
    return readFileSync(url, 'utf8');
  } catch (error) {
    return error.code === 'EISDIR' ? '' : undefined;
  }
}

// ---- docs/guarantees.md ----

/**
 * Promises and faults (by their first words) that name no test, and how many promises there are, if not ten. A link to a test that is not there is a broken
 * link.
 */
export function untestedGuarantees(page = read('docs/guarantees.md')) {
  const isTested = (text) => /\]\(\.\.\/tests\/(system\/[\w-]+\.test\.mjs|unit\/[\w/]+\.c)\)/.test(text);
  const [promises, faults = ''] = page.split(/^## Faults.*$/m);
  const sections = promises.split(/^### /m).slice(1);
  const rows = faults.split('\n').filter((line) => /^\| (?!fault \||---)/.test(line));
  const untested = [...sections.filter((one) => !isTested(one.split('**Tried by**')[1] ?? '')), ...rows.filter((one) => !isTested(one))];
  return [...untested.map((one) => one.split('\n')[0]), ...(sections.length === 10 ? [] : [`${sections.length} promises`]), ...(rows.length >= 10 ? [] : [`${rows.length} faults`])];
}

// ---- docs/state.md ----

const allScripts = () => ['', 'include/'].flatMap((dir) => readdirSync(TOP + LUA + dir).filter((name) => name.endsWith('.lua')).map((name) => read(LUA + dir + name))).join('\n');

/** What the call that begins at `at` says, up to its closing parenthesis. */
function callText(text, at) {
  let depth = 0;
  for (let i = text.indexOf('(', at); i < text.length; i += 1) {
    if (text[i] === '(') depth += 1;
    if (text[i] === ')' && (depth -= 1) === 0) return text.slice(at, i);
  }
  return '';
}

/** Fields of hashes and words that stand in them, and kinds of timers, which docs/state.md does not name. */
export function missingFromState(page = read('docs/state.md')) {
  const text = allScripts();
  const hashes = [...text.matchAll(/redis\.call\('H(?:SET|MGET|GET|DEL)'/g)].map(({ index }) => callText(text, index));
  const words = hashes.flatMap((one) => [...one.matchAll(/'([a-z_]+)'/g)].map(([, word]) => word));
  const states = [...text.matchAll(/(?:state|offer)\b[^\n=]* (?:=|==|~=) '([a-z]+)'/g)].map(([, word]) => word);
  const timers = [...text.matchAll(/'(fanout|expire|grace|[a-z]+):' \.\. /g)].map(([, kind]) => kind).filter((kind) => kind !== 'once' && kind !== 'in');
  return [...new Set([...words, ...states, ...timers])].filter((word) => !new RegExp(`\`${word}(\`|:<)`).test(page));
}

// ---- docs/protocol.md ----

const VERBS = 'node/signaling/verbs.c';
/** Requests that are not built yet. */
const laterVerbs = () => [...read(VERBS).matchAll(/\{"([\w.]+)", \w+, unsupported_run\b/g)].map(([, name]) => name);

const LIMITS = Object.fromEntries(['call', 'store'].flatMap((room) => readdirSync(`${TOP}node/${room}`).filter((name) => name.endsWith('.h')).map((name) => `node/${room}/${name}`)).flatMap((path) => [...read(path).matchAll(/(\w+) = (\d+)\b/g)].map(([, name, n]) => [name, n])));
/** A bound of the table as a number: a literal, or a name of those headers. */
function bound(text) {
  const n = /^\d+$/.test(text) ? text : LIMITS[text];
  if (!n) throw new Error(`${VERBS}: ${text} is no number and no limit that a header names`);
  return n;
}

/** The requests of node/signaling/verbs.c that do something: {name: [{name, numbers, words}]}. */
function verbs() {
  const source = read(VERBS);
  const fields = {};
  for (const [, name, body] of source.matchAll(/struct field (\w+)_fields\[\] = \{([\s\S]*?)\n?\};/g)) {
    const rows = body.split(/\{\.name = /).slice(1);
    fields[name] = rows.map((row) => ({ name: /^"(\w+)"/.exec(row)?.[1], numbers: [...row.matchAll(/\.(?:min|max) = (\w+)/g)].map(([, n]) => bound(n)).filter((n) => n !== '0'), words: /\.words = "([^"]*)"/.exec(row)?.[1]?.split('|') ?? [] }));
  }
  const rows = [...source.matchAll(/\{"([\w.]+)", (\w+)_fields, (?!unsupported)\w+_run\b/g)];
  return Object.fromEntries(rows.map(([, verb, list]) => [verb, fields[list]]));
}

/** What the stories read from a request beside the tables, and write into replies, and the scripts into events. */
function spokenNames() {
  const stories = readdirSync(`${TOP}node/signaling`).filter((name) => name.endsWith('.c')).map((name) => read(`node/signaling/${name}`)).join('\n');
  const scripts = allScripts();
  const asked = [...stories.matchAll(/wire_get\(rq->message, "(\w+)"\)/g), ...stories.matchAll(/wire_get_\w+\((?:rq->message|resume), "(\w+)"/g)];
  const told = [...stories.matchAll(/wire_put_key_\w+\([^;]*?, "(\w+)"/g), ...stories.matchAll(/wire_put_cstr\(\w+, "(\w+)"\)/g)];
  const lists = [...scripts.matchAll(/(?:call_event\(call, [^{]*|local (?:p|said) = |pairs = )\{([^}]*)\}/g)].flatMap(([, pairs]) => [...pairs.matchAll(/'(\w+)', /g)]);
  const events = [...lists, ...scripts.matchAll(/(?:p|said)\[[^\]]+\], (?:p|said)\[[^\]]+\] = '(\w+)'/g)];
  return [...new Set([...asked, ...told, ...events].map(([, name]) => name))];
}

/** The events that clients hear. `call.created` goes to nobody: it only begins the log. */
function events() {
  const named = [...allScripts().matchAll(/'(call\.\w+)'/g)].map(([, name]) => name).filter((name) => name !== 'call.created');
  return [...new Set([...named, 'presence', 'signal', 'reconnect'])];
}

/** {what: [missing]} */
export function missingFromProtocol(page) {
  const has = (name) => page.includes(code(name)) || page.includes(`"${name}":`);
  const rowOf = (verb) => page.split('\n').find((line) => line.startsWith(`| ${code(verb)} |`)) ?? '';
  const all = verbs();
  const sent = new Set([...page.matchAll(/→ \{"type":"([\w.]+)"/g)].map(([, type]) => type));
  const heard = new Set([...page.matchAll(/← \{"type":"([\w.]+)"/g)].map(([, type]) => type));
  const missingFields = Object.entries(all).flatMap(([verb, fields]) =>
    fields.filter(({ name }) => name).flatMap(({ name, numbers, words }) => [code(name), ...numbers, ...words.map(code)].filter((one) => !rowOf(verb).includes(one)).map((one) => `${verb}: ${one}`)),
  );
  return {
    'a row for every request': Object.keys(all).filter((verb) => !rowOf(verb)),
    'every field with its bounds in its row': missingFields,
    'an example of every request': [...Object.keys(all), 'ack'].filter((verb) => !sent.has(verb)),
    'an example of every event and reply': [...events(), 'ok', 'welcome', 'error'].filter((type) => !heard.has(type)),
    'every request that is not built yet': laterVerbs().filter((verb) => !has(verb)),
    'every name that requests, replies and events carry': spokenNames().filter((name) => !has(name)),
    'every close code': tableRows('node/signaling/conn.h', 'CLOSE_TABLE').filter(([, number, text]) => !page.includes(`| ${number} | ${text} |`)).map(([, number, text]) => `| ${number} | ${text} |`),
    'every error code': tableRows('common/base/err.h', 'ERR_TABLE').map(([, wire]) => wire).filter((wire) => wire !== 'NULL' && !has(wire)),
  };
}
