// Child processes that never outlive the test that started them.
import { spawn } from 'node:child_process';

const alive = new Set();

function killAll() {
  for (const child of alive) child.kill('SIGKILL');
}
process.on('exit', killAll);
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => process.exit(1));

/** The environment of a node or a Redis: under TEST_JITTER, the library of that path (jitter.c), what their sockets bring comes late and in another order. */
export function jittered(env) {
  const preloaded = [process.env.TEST_JITTER, env.LD_PRELOAD].filter(Boolean);
  return preloaded.length ? { ...env, LD_PRELOAD: preloaded.join(' ') } : env;
}

/** Like spawn(), with `exited`: a promise of {code, signal}, and `output`: everything it wrote to stdout and stderr, as text. */
export function startProcess(program, args, options = {}) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  const started = { child, output: '', stdout: '', exit: null };
  alive.add(child);
  child.unref(); // a child that a failed test left behind must not keep the test's process alive
  child.stdout?.unref();
  child.stderr?.unref();
  // As text: a letter of several bytes may come in two pieces.
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    started.output += text;
    started.stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    started.output += text;
  });
  started.exited = new Promise((resolve, reject) => {
    child.once('error', (error) => {
      alive.delete(child);
      reject(error);
    });
    child.once('close', (code, signal) => {
      alive.delete(child);
      started.exit = { code, signal };
      resolve(started.exit);
    });
  });
  started.exited.catch(() => {});
  return started;
}
