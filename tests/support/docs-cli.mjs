import { BINARY } from './cluster.mjs';
import { brokenLinks, brokenPaths, generatedNowhere, missingFromProtocol, missingFromState, pagesBehind, untestedGuarantees } from './docs.mjs';
import { readFileSync } from 'node:fs';

const write = process.argv.includes('--write');
const behind = pagesBehind(BINARY, { write });
const page = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');
const lines = [
  ...behind.map((path) => (write ? `${path}: written` : `${path} is behind the sources: tests/support/docs --write`)),
  ...Object.entries(missingFromProtocol(page)).flatMap(([what, missing]) => missing.map((one) => `docs/protocol.md should have ${what}: ${one}`)),
  ...missingFromState().map((word) => `docs/state.md does not name \`${word}\``),
  ...untestedGuarantees().map((one) => `docs/guarantees.md names no test: ${one}`),
  ...generatedNowhere().map((name) => `no document has <!-- ${name} -->`),
  ...brokenLinks().map((link) => `broken link in ${link}`),
  ...brokenPaths().map((path) => `no such file: ${path}`),
];
for (const line of lines) console.log(line);
process.exitCode = lines.length > (write ? behind.length : 0) ? 1 : 0;
