// deploy/kubernetes: that the files are what the API server takes, and that they agree with each other and with the program.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join as path } from 'node:path';
import { after, before, describe, test } from 'node:test';
import ts from 'typescript';
import { parseDocument } from 'yaml';
import { run, startCluster } from '../support/cluster.mjs';
import { assertShape, SHAPES } from './shapes.mjs';
import { defaultOf, inEnvironment, judge, needs, pathOf, scratch, settingNames, textOf } from './tools.mjs';

const DIR = pathOf('kubernetes');
// What the node adds to the drain window: node/drain.c.
const AFTER_DRAIN_S = 6 + 2;

const files = new Map(
  readdirSync(DIR).map((name) => {
    // kubectl reads YAML 1.1, most else reads 1.2: the two differ in what `on` or 0440 is.
    const read = (version) => parseDocument(readFileSync(path(DIR, name), 'utf8'), { strict: true, uniqueKeys: true, version });
    const document = read('1.1');
    return [name, { problems: [...document.errors, ...document.warnings], object: document.toJS(), otherwise: read('1.2').toJS() }];
  }),
);
const object = (kind) => [...files.values()].map((file) => file.object).find((one) => one.kind === kind);
const { spec: deployment, metadata } = object('Deployment');
const pod = deployment.template.spec;
const [container] = pod.containers;
const config = object('ConfigMap');
const scaler = object('HorizontalPodAutoscaler').spec;
const service = object('Service').spec;

describe('each file', () => {
  for (const [name, { problems, object: one, otherwise }] of files) {
    test(`${name} is YAML without doubt, of a kind that there is, and of its shape`, () => {
      assert.deepEqual(problems, []);
      assert.deepEqual(one, otherwise);
      assert.ok(SHAPES[one.kind], one.kind);
      assertShape(one, SHAPES[one.kind], one.kind);
    });
  }

  test('is applied', () => {
    const { resources } = object('Kustomization');
    assert.deepEqual([...resources, 'kustomization.yaml'].sort(), [...files.keys()].sort());
  });
});

describe('Kubernetes\' own schema', () => {
  // Its API as TypeScript types, made from the OpenAPI description that each version publishes.
  const types = dirname(createRequire(import.meta.url).resolve('kubernetes-types/package.json'));
  const dir = scratch();
  const copy = () => structuredClone([...files.values()].map((file) => file.object).filter((one) => one.kind !== 'Kustomization'));

  /** What the API says of these objects: fields that there are not, that are missing, or of another type. */
  function complaints(objects) {
    const file = path(dir, 'objects.ts');
    const place = ({ apiVersion }) => path(types, apiVersion.includes('/') ? apiVersion : `core/${apiVersion}`);
    const lines = objects.map((one, i) => `import type { ${one.kind} as Kind${i} } from ${JSON.stringify(place(one))};\nexport const object${i}: Kind${i} = ${JSON.stringify(one)};`);
    writeFileSync(file, lines.join('\n'));
    const program = ts.createProgram([file], { strict: true, noEmit: true, skipLibCheck: true, types: [], lib: ['lib.es5.d.ts'], module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler });
    return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '));
  }

  test('has every object, as it is', () => {
    assert.equal(copy().length, files.size - 1);
    assert.deepEqual(complaints(copy()), []);
  });

  const wrong = {
    'a field that there is not': [(one) => (one.spec.template.spec.terminationGracePeriod = 45), /terminationGracePeriod/],
    'a field in the wrong place': [(one) => (one.spec.template.spec.containers[0].runAsNonRoot = true), /runAsNonRoot/],
    'a text for a number': [(one) => (one.spec.template.spec.terminationGracePeriodSeconds = '45'), /string.*number/],
    'a field that is missing': [(one) => delete one.spec.selector, /selector/],
    'a version that is gone': [(one) => (one.apiVersion = 'apps/v1beta1'), /apps\/v1beta1/],
  };
  for (const [what, [spoil, said]] of Object.entries(wrong)) {
    test(`would not have ${what}`, () => {
      const one = copy().find(({ kind }) => kind === 'Deployment');
      spoil(one);
      assert.match(complaints([one]).join('; '), said);
    });
  }
});

test('kubectl puts them together, with the image that is wanted', needs('kubectl'), async () => {
  const { code, output } = await judge('kubectl', ['kustomize', DIR]);
  assert.equal(code, 0, output);
  const { newName, newTag } = object('Kustomization').images[0];
  assert.ok(output.includes(`image: ${newName}:${newTag}`), output);
  assert.equal(output.split(/^---$/m).length, files.size - 1);
});

describe('what they say of each other', () => {
  test('selectors mean the pods', () => {
    const selectors = [deployment.selector.matchLabels, service.selector, object('PodDisruptionBudget').spec.selector.matchLabels];
    selectors.push(...pod.topologySpreadConstraints.map((one) => one.labelSelector.matchLabels));
    for (const selector of selectors) {
      assert.ok(Object.keys(selector).length > 0);
      for (const [label, value] of Object.entries(selector)) assert.equal(deployment.template.metadata.labels[label], value);
    }
  });

  test('the autoscaler means the deployment, which leaves the number to it', () => {
    assert.deepEqual(scaler.scaleTargetRef, { apiVersion: 'apps/v1', kind: 'Deployment', name: metadata.name });
    assert.equal(deployment.replicas, undefined);
    assert.ok(scaler.minReplicas >= 2 && scaler.minReplicas <= scaler.maxReplicas);
  });

  test('ports have the names that services and probes call them by', () => {
    const names = new Set(container.ports.map((port) => port.name));
    for (const { targetPort } of service.ports) assert.ok(names.has(targetPort));
    for (const probe of [container.livenessProbe, container.readinessProbe]) assert.ok(names.has(probe.httpGet.port));
  });

  test('what is mounted is a volume, and settings name files that are in it', () => {
    const mounted = new Map(container.volumeMounts.map((mount) => [mount.name, mount.mountPath]));
    const there = pod.volumes.flatMap(({ name, secret }) => secret.items.map((item) => path(mounted.get(name), item.path)));
    const named = Object.values(config.data).flatMap((value) => value.match(/\/etc\/\S+/g) ?? []);
    assert.ok(named.length > 0);
    for (const file of named) assert.ok(there.includes(file), file);
  });

  test('every part of the secret that is used is in the line that makes it', () => {
    const [, line] = /kubectl create secret generic (.*)$/m.exec(textOf('kubernetes/deployment.yaml'));
    const made = new Set([...line.matchAll(/--from-(?:literal=|file=(?:\S+\/)?)([\w.-]+)/g)].map(([, key]) => key));
    const secrets = container.env.map((one) => one.valueFrom.secretKeyRef);
    const used = [...secrets.map((one) => one.key), ...pod.volumes.flatMap(({ secret }) => secret.items.map((item) => item.key))];
    assert.deepEqual([...made].sort(), used.sort());
    for (const name of [...secrets.map((one) => one.name), ...pod.volumes.map((volume) => volume.secret.secretName)]) assert.equal(name, line.split(' ')[0]);
    assert.equal(container.envFrom[0].configMapRef.name, config.metadata.name);
  });
});

describe('what they say of the program', () => {
  let cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 1 });
  });
  after(() => cluster?.stop());

  test('environment variables are settings, and their values are understood', async () => {
    const known = new Set([...(await settingNames())].map(inEnvironment));
    for (const name of [...Object.keys(config.data), ...container.env.map((one) => one.name)]) assert.ok(known.has(name), name);
    // Its files are not here: that is a 1. A mistake in a value would be a 2.
    const { code, output } = await run(['serve', '--redis', 'unix:///nonexistent/redis.sock', '--listen', '127.0.0.1:0'], { env: config.data });
    assert.equal(code, 1, output);
  });

  test('no variable comes in that is none', () => assert.equal(pod.enableServiceLinks, false));

  test('it listens where the port is', () => assert.ok(config.data.SWITCHBOARD_LISTEN.endsWith(`:${container.ports[0].containerPort}`)));

  test('probes ask for what there is', async () => {
    const [node] = cluster.nodes;
    for (const probe of [container.livenessProbe, container.readinessProbe]) assert.equal((await node.get(probe.httpGet.path)).status, 200);
  });

  test('without Redis a pod is not ready, and is not ended for it', async () => {
    const [node] = cluster.nodes;
    await cluster.redis.kill();
    await node.untilReady(false);
    assert.equal((await node.get(container.readinessProbe.httpGet.path)).status, 503);
    assert.equal((await node.get(container.livenessProbe.httpGet.path)).status, 200);
    await cluster.redis.start();
    await node.untilReady();
  });

  test('a pod is given the time to leave', () => {
    const drain = Number(config.data.SWITCHBOARD_DRAIN_MS) / 1000;
    assert.ok(pod.terminationGracePeriodSeconds > drain + AFTER_DRAIN_S);
    assert.ok(drain / 2 >= 10, 'every proxy has heard of it before it listens no more');
  });

  test('is never one pod too few while they are replaced', () => {
    assert.equal(deployment.strategy.rollingUpdate.maxUnavailable, 0);
    assert.equal(object('PodDisruptionBudget').spec.maxUnavailable, 1);
  });

  test('more pods come before one is full', async () => {
    const [{ pods }] = scaler.metrics.filter((metric) => metric.type === 'Pods');
    const { text } = await cluster.nodes[0].get('/metrics');
    assert.match(text, new RegExp(`^# TYPE ${pods.metric.name} gauge$`, 'm'));
    assert.ok(Number(pods.target.averageValue) < (await defaultOf('sockets-max')));
    // With one of the fewest gone the rest still has room.
    const full = (scaler.minReplicas / (scaler.minReplicas - 1)) * Number(pods.target.averageValue);
    assert.ok(full < (await defaultOf('sockets-max')), `${full}`);
  });

  test('its user is the image\'s', () => {
    const [, user, group] = /^USER (\d+):(\d+)$/m.exec(textOf('../docker/Dockerfile'));
    assert.deepEqual([pod.securityContext.runAsUser, pod.securityContext.runAsGroup], [Number(user), Number(group)]);
    assert.deepEqual(container.securityContext.capabilities.drop, ['ALL']);
  });
});
