// Programs of other projects that judge or use the files of deploy/: those that are not there are said, and their tests skipped.
import { execFile } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cleanEnvironment, run } from '../support/cluster.mjs';

const DEPLOY = fileURLToPath(new URL('../../deploy', import.meta.url));
const PLACES = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'];

/** The path of a file of deploy/. */
export const pathOf = (name) => join(DEPLOY, name);

/** What a file of deploy/ says. */
export const textOf = (name) => readFileSync(pathOf(name), 'utf8');

/** Where a program is, or undefined. */
export function find(program) {
  return PLACES.map((dir) => join(dir, program)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** For `test`: skips with a sentence where one of the programs is missing. */
export function needs(...programs) {
  const missing = programs.filter((program) => !find(program));
  return missing.length ? { skip: `needs ${missing.join(', ')}, which is not here` } : {};
}

/** As `describe`, for tests that all need these programs. Where one is missing they are one test that is skipped: Node does not count skipped suites. */
export function suiteNeeding(...programs) {
  const { skip } = needs(...programs);
  return (name, play) => (skip ? test(name, { skip }, () => {}) : describe(name, play));
}

/** Runs a program to its end, with `input` as its stdin: {code, output}. */
export function judge(program, args, { env = {}, input = '' } = {}) {
  return new Promise((resolve) => {
    const child = execFile(find(program), args, { env: cleanEnvironment(env), timeout: 300_000 }, (error, stdout, stderr) => {
      resolve({ code: error ? (error.code ?? error.signal) : 0, output: stdout + stderr });
    });
    child.stdin.on('error', () => {}).end(input); // who reads none of it has ended
  });
}

/** A directory that goes when the tests of this file are done. */
export function scratch() {
  const dir = mkdtempSync(join(tmpdir(), 'switchboard-deploy-'));
  after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** The names of all settings, as in a file (`drain-ms`). */
export async function settingNames() {
  const { stdout } = await run(['help', 'settings', '--markdown']);
  return new Set([...stdout.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, name]) => name));
}

/** `drain-ms` as it stands in the environment: SWITCHBOARD_DRAIN_MS. */
export const inEnvironment = (setting) => `SWITCHBOARD_${setting.toUpperCase().replaceAll('-', '_')}`;

/** The default of a setting that is a number. */
export async function defaultOf(setting) {
  const { stdout } = await run(['help', 'settings', '--markdown']);
  return Number(new RegExp(`^\\| \`${setting}\` \\|[^|]*\\| \`(\\d+)\``, 'm').exec(stdout)[1]);
}
