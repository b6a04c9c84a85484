// docker/compose.multihost.yaml: machines that share one Redis. Here each is a project of its own with a loopback address of its own.
import assert from 'node:assert/strict';
import { fresh, join } from '../support/client.mjs';
import { Project, around, buildImage, docker, test } from '../support/docker.mjs';
import { pair } from '../support/calls.mjs';
import { stretched, until } from '../support/wait.mjs';

const FILE = 'docker/compose.multihost.yaml';
const some = () => 1 + Math.floor(Math.random() * 250);
const NET = `127.${some()}.${some()}`;
const [STORE, PROXY, FIRST, SECOND] = [1, 2, 3, 4].map((host) => `${NET}.${host}`);

const machines = [];
async function machine(services, env, images) {
  const one = new Project({ file: FILE });
  machines.push(one);
  await one.up({ services, scale: 0, env, images });
  return one;
}
/** As the tests' client wants a node. */
const at = (address) => ({ name: address, url: `ws://${address}:8080/v1/signal`, secrets: new Set() });

around(
  async () => {
    await buildImage();
    const store = await machine(['redis'], { STORE_ADDRESS: STORE, REDIS_HOST: STORE }, ['REDIS_IMAGE']);
    const copied = { SECRETS: store.env.SECRETS, PROXY_ADDRESS: PROXY };
    await Promise.all([FIRST, SECOND].map((address) => machine(['node'], { ...copied, NODE_ADDRESS: address }, [])));
    await machine(['haproxy'], { NODES_AT: `${FIRST}:8080`, HAPROXY_BIND: `${PROXY}:8080` }, ['HAPROXY_IMAGE']);
  },
  () => Promise.all(machines.map((one) => one.down())),
);

test('people at nodes of two machines, and through the proxy of a third, are in one call', async () => {
  const arrive = (address, name) => until(() => join(at(address), fresh(name)).catch(() => undefined), `${address} to take clients`, stretched(60_000));
  const [alice, bob] = [await arrive(PROXY, 'alice'), await arrive(SECOND, 'bob')];
  assert.notEqual(alice.welcome.server.node, bob.welcome.server.node);
  const call = await pair(alice, bob);
  await bob.request('signal', { call, to: 1, data: 'from the other machine' });
  assert.equal((await alice.expect('signal')).data, 'from the other machine');
  for (const client of [alice, bob]) await client.request('bye');
});

test('Redis listens on its address alone, and answers nobody without the password', async () => {
  const ask = (...args) => docker(['run', '--rm', '--network', 'host', '--entrypoint', 'redis-cli', machines[0].env.REDIS_IMAGE, ...args, 'PING']).catch((error) => ({ output: error.message }));
  assert.match((await ask('-h', STORE)).output, /NOAUTH/);
  assert.match((await ask('-h', PROXY)).output, /refused/);
});

test('the healthy node is the one that listens on its own address', async () => {
  const [id] = await machines[1].containers();
  await until(async () => (await machines[1].health(id)) === 'healthy', 'the node to be healthy', stretched(30_000));
});
