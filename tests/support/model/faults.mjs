// What goes wrong in a run: nodes die, freeze and leave, connections to Redis are cut, Redis itself is started anew (with its append-only file, so it forgets
// nothing).
import { setTimeout as pause } from 'node:timers/promises';

const ASKED_MS = 1000;

/** Starts a node that is down. It may find Redis away, and end: then once more. */
async function restart(node, history) {
  history.addLapses(node);
  node.saveLog();
  for (let tries = 1; ; tries += 1) {
    try {
      return await node.start();
    } catch (error) {
      if (node.running || tries === 5) throw error;
      await pause(1000);
    }
  }
}

/** kind → (cluster, fault, history): done when it is healed. */
const FAULTS = {
  async kill({ nodes }, { node, ms }, history) {
    nodes[node].checkLog();
    await nodes[node].kill();
    await pause(ms);
    await restart(nodes[node], history);
  },

  async freeze({ nodes }, { node, ms }) {
    nodes[node].freeze();
    await pause(ms);
    nodes[node].thaw();
  },

  async drain({ nodes }, { node, ms }, history) {
    await nodes[node].stop();
    nodes[node].checkLog();
    await pause(ms);
    await restart(nodes[node], history);
  },

  async 'redis.clients'({ redis }) {
    await redis.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  },

  async 'redis.pubsub'({ redis }) {
    await redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
  },

  async 'redis.scripts'({ redis }) {
    await redis.command('SCRIPT', 'FLUSH');
  },

  async 'redis.restart'({ redis }, { ms }) {
    await redis.kill();
    await pause(ms);
    await redis.start();
  },
};

/** When what was begun last with a node, or with Redis, is over. */
const turns = new WeakMap();

/** In turn with other faults of the same: the plan leaves time between them, but a busy machine may need more to bring it back. */
async function inTurn(hit, play) {
  const before = turns.get(hit);
  const mine = (async () => {
    await before?.catch(() => {}); // its failure is told where it was played
    return play();
  })();
  turns.set(hit, mine);
  return mine;
}

/** Plays a fault and writes down when it began and when it was healed. */
export async function playFault(cluster, fault, history) {
  const { kind } = fault;
  if (['kill', 'freeze', 'drain'].includes(kind)) return inTurn(cluster.nodes[fault.node], () => playNow(cluster, fault, history, cluster.nodes[fault.node].name));
  if (kind === 'redis.restart') return inTurn(cluster.redis, () => playNow(cluster, fault, history));
  return playNow(cluster, fault, history);
}

async function playNow(cluster, fault, history, node) {
  const { kind, ms } = fault;
  history.add('fault', { fault: fault.n, kind, node, ms, begins: true });
  try {
    // While Redis is away the test can't ask it to cut anybody off, and may get no answer at all.
    const asks = kind.startsWith('redis.') && kind !== 'redis.restart';
    if (asks) await Promise.race([FAULTS[kind](cluster, fault, history).catch(() => {}), pause(ASKED_MS)]);
    else await FAULTS[kind](cluster, fault, history);
  } finally {
    history.add('fault', { fault: fault.n, kind, node, ends: true });
  }
}
