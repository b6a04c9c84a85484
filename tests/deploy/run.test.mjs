// deploy/run: the cluster that a newcomer starts.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { BINARY, freePort } from '../support/cluster.mjs';
import { startProcess } from '../support/processes.mjs';
import { until, within } from '../support/wait.mjs';
import { pathOf, scratch } from './tools.mjs';

const BUILT = fileURLToPath(new URL('../../build/switchboard', import.meta.url));
/** It builds what it runs: where another tree is tested, that is not for it to touch. */
const skip = BINARY !== BUILT && 'it builds in build/';

function start(args, env = {}) {
  const options = { env: { ...process.env, ...env } };
  return startProcess('env', ['--default-signal=INT', pathOf('run'), ...args], options);
}
const ready = async (port) => {
  try {
    return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok;
  } catch {
    return false;
  }
};

test('deploy/run says at once that a port is taken, or can not be one', async () => {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  try {
    for (const [ports, words] of [[`${port}`, new RegExp(`port ${port} already`)], ['0', /1 to 65535/], ['8080,8080', /different/], ['', /--ports/]]) {
      const told = start(['--ports', ports]);
      assert.notEqual((await within(told.exited, 'it to end')).code, 0);
      assert.match(told.output, words);
    }
  } finally {
    server.close();
  }
});

test('deploy/run starts nodes of one cluster, again when one is killed; Ctrl-C ends it and leaves nothing', { skip }, async () => {
  const dir = scratch();
  const ports = [await freePort(), await freePort()];
  // A proxy of the network's is none for this machine.
  const running = start(['--ports', ports.join()], { TMPDIR: dir, http_proxy: 'http://127.0.0.1:9' });
  const said = (pattern) => until(() => pattern.exec(running.output), () => `it to say ${pattern}; it said:\n${running.output}`, 120_000);
  await said(/Ctrl-C ends it/);
  for (const port of ports) assert.ok(await ready(port), `${port} is ready`);
  const [, pid] = new RegExp(`:${ports[1]}/v1/signal +process (\\d+)`).exec(running.output);
  process.kill(Number(pid), 'SIGKILL');
  const [, again] = await said(new RegExp(`is started again[^]*:${ports[1]}/v1/signal +process (\\d+)`));
  assert.notEqual(again, pid);
  for (const port of ports) assert.ok(await ready(port), `${port} is ready`);
  running.child.kill('SIGINT');
  running.child.kill('SIGHUP'); // as a terminal that closes meanwhile
  assert.equal((await within(running.exited, 'it to end')).code, 0, running.output);
  assert.deepEqual(readdirSync(dir), []);
  for (const port of ports) assert.ok(!(await ready(port)), `${port} is free`);
});
