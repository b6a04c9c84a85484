// The image: what is in it, and that the program is at home in it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { join } from '../support/client.mjs';
import { IMAGE, Project, TOP, around, buildImage, docker, test } from '../support/docker.mjs';
import { stretched, until } from '../support/wait.mjs';

const MB = 1_000_000;
const DRAIN_MS = 1500;

let root; // the image's files, unpacked
let names;
let project;
let config;

around(
  async () => {
    await buildImage();
    root = mkdtempSync(path(tmpdir(), 'switchboard-root-'));
    const { stdout: id } = await docker(['create', IMAGE]);
    execFileSync('sh', ['-c', `docker export ${id} | tar -x -C ${root}; docker rm ${id} >/dev/null`]);
    names = execFileSync('find', [root, '-not', '-type', 'd', '-printf', '/%P\n'], { encoding: 'utf8' }).split('\n').filter(Boolean);
    [{ Config: config }] = JSON.parse((await docker(['image', 'inspect', IMAGE])).stdout);
    project = new Project();
    await project.up({ scale: 1, settings: { 'drain-ms': DRAIN_MS } });
  },
  async () => {
    await project?.down();
    if (root) rmSync(root, { recursive: true, force: true });
  },
);

test('it holds the program and its libraries: no shell, no package manager, no compiler, no Redis, no test, no source', () => {
  const programs = names.filter((name) => /^\/usr\/s?bin\//.test(name));
  assert.deepEqual(programs, ['/usr/bin/switchboard']);
  const wrong = names.filter((name) => /\/(gcc|cc|ld|as|make|cmake|sh|bash|perl|apt|dpkg|redis-server)$|\.(c|h|a|o|lua|mjs|cmake)$|test/.test(name));
  assert.deepEqual(wrong, []);
  const odd = names.filter((name) => !/^\/(usr\/(bin|lib|lib64|share\/doc)\/|etc\/|var\/lib\/dpkg\/status\.d\/|(bin|sbin|lib|lib64|\.dockerenv|dev\/console)$)/.test(name));
  assert.deepEqual(odd, [], 'no file lies anywhere else');
});

test('it holds no key and no secret, and neither does its configuration', () => {
  const secret = /PRIVATE KEY|requirepass|static-auth-secret|HS256:[0-9a-f]{16}/;
  const text = names.filter((name) => !/^\/usr\/(bin|lib)/.test(name) && !/^\/(bin|sbin|lib|lib64|dev\/console)$|mtab/.test(name));
  for (const name of text) assert.ok(!secret.test(readFileSync(path(root, name), 'utf8')), name);
  assert.deepEqual(names.filter((name) => /\.(key|pem|p12|jks)$|secret|id_rsa/.test(name)), []);
  assert.deepEqual(config.Env.filter((line) => !/^(PATH|SWITCHBOARD_LISTEN)=/.test(line)), []);
});

test('of every library it is told which Debian package it came from, as scanners for flaws read it', () => {
  for (const library of ['libc6', 'libwebsockets-evlib-uv', 'libjansson4', 'ca-certificates']) {
    assert.match(readFileSync(path(root, 'var/lib/dpkg/status.d', library), 'utf8'), /^Version: \S+$/m);
  }
});

test('it is as small as docs/operations.md says', async () => {
  const [{ Size: size }] = JSON.parse((await docker(['image', 'inspect', IMAGE])).stdout);
  const said = Number(/The image has (\d+) MB/.exec(readFileSync(path(TOP, 'docs/operations.md'), 'utf8'))[1]);
  assert.ok(size <= said * MB && size > (said - 3) * MB, `it has ${(size / MB).toFixed(1)} MB, the page says ${said}`);
});

test('labels tell the version that the program tells, and SIGTERM ends it', async () => {
  const { stdout } = await docker(['run', '--rm', IMAGE, '--version']);
  assert.equal(stdout, `switchboard ${config.Labels['org.opencontainers.image.version']}`);
  assert.equal(config.StopSignal, 'SIGTERM');
});

test('it runs as a user who is not root, on a root file system that can only be read, without capabilities', async () => {
  const [id] = await project.containers();
  const { HostConfig: host, State: state } = await project.inspect(id);
  assert.equal(host.ReadonlyRootfs, true);
  assert.deepEqual(host.CapDrop, ['ALL']);
  assert.equal(host.CapAdd, null);
  assert.ok(host.SecurityOpt.includes('no-new-privileges:true'));
  assert.deepEqual(host.Ulimits.map(({ Name: name }) => name), ['nofile']);
  const status = readFileSync(`/proc/${state.Pid}/status`, 'utf8');
  assert.match(status, /^Uid:\t10001\t10001\t10001\t10001$/m);
  assert.match(status, /^CapEff:\t0+$/m);
  assert.match(status, /^CapBnd:\t0+$/m);
  assert.match(status, /^NoNewPrivs:\t1$/m);
  assert.match(status, /^NSpid:\t\d+\t1$/m, 'the program is process 1');
});

test('the engine finds it healthy by asking the binary itself', async () => {
  const [id] = await project.containers();
  await until(async () => (await project.health(id)) === 'healthy', 'the node to be healthy', stretched(30_000));
  const { output } = await docker(['exec', id, '/usr/bin/switchboard', 'health', 'ready']);
  assert.equal(output, '');
});

test('no secret stands in its environment or its command, or in its log', async () => {
  const [id] = await project.containers();
  const { Config: running } = await project.inspect(id);
  const password = /requirepass (\S+)/.exec(readFileSync(path(project.dir, 'secrets/redis.conf'), 'utf8'))[1];
  const told = JSON.stringify(running) + (await project.log());
  assert.ok(!told.includes(password));
  assert.ok(!/HS256:\w|eyJ/.test(told));
});

test('stopped, it sends its clients elsewhere over the drain window, and ends with 0', async () => {
  await project.untilOn(1);
  const client = await join(project, 'alice');
  const [id] = await project.containers();
  const stopped = docker(['stop', id]);
  const notice = await client.expect('reconnect');
  assert.ok(notice.after_ms <= DRAIN_MS);
  assert.equal((await client.closed()).code, 1012);
  await stopped;
  const { State: state } = await project.inspect(id);
  assert.equal(state.ExitCode, 0, 'Docker did not have to kill it');
  assert.equal(state.OOMKilled, false);
});
