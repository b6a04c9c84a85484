// The shapes of the Kubernetes objects that deploy/kubernetes has: no field that the API server would refuse or silently drop, none missing.
//
// A shape is the name of a plain kind of value, [shape] for a list, {field: shape} for an object ("field?" may be absent), or a function that
// takes the value and its place and throws.
import assert from 'node:assert/strict';

const INT_OR_PERCENT = /^(\d+|\d+%)$/;
const PLAIN = {
  string: (value) => typeof value === 'string' && value !== '',
  bool: (value) => typeof value === 'boolean',
  int: (value) => Number.isInteger(value),
  intOrPercent: (value) => INT_OR_PERCENT.test(String(value)) && (Number.isInteger(value) || String(value).endsWith('%')),
  quantity: (value) => /^\d+(\.\d+)?(m|k|Ki|M|Mi|G|Gi)?$/.test(String(value)),
  name: (value) => typeof value === 'string' && /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(value),
  portName: (value) => typeof value === 'string' && /^[a-z0-9-]{1,15}$/.test(value) && /[a-z]/.test(value),
  key: (value) => typeof value === 'string' && /^[A-Za-z0-9._-]{1,253}$/.test(value),
  envName: (value) => typeof value === 'string' && /^[A-Za-z_][A-Za-z0-9_]*$/.test(value),
  path: (value) => typeof value === 'string' && value.startsWith('/'),
};

/** That a value has this shape; fails with the place of what has not. */
export function assertShape(value, shape, at) {
  if (typeof shape === 'function') return shape(value, at);
  if (typeof shape === 'string') return assert.ok(PLAIN[shape](value), `${at} is no ${shape}: ${JSON.stringify(value)}`);
  if (Array.isArray(shape)) {
    assert.ok(Array.isArray(value) && value.length, `${at} is no list`);
    return value.forEach((one, i) => assertShape(one, shape[0], `${at}[${i}]`));
  }
  assert.ok(value && typeof value === 'object' && !Array.isArray(value), `${at} is no object`);
  const fields = new Map(Object.entries(shape).map(([name, inner]) => [name.replace('?', ''), { inner, optional: name.endsWith('?') }]));
  for (const name of Object.keys(value)) assert.ok(fields.has(name), `${at} has no field ${name}`);
  for (const [name, { inner, optional }] of fields) {
    assert.ok(optional || name in value, `${at} lacks ${name}`);
    if (name in value) assertShape(value[name], inner, `${at}.${name}`);
  }
}

const one = (...allowed) => (value, at) => assert.ok(allowed.includes(value), `${at} is ${JSON.stringify(value)}, not one of ${allowed}`);
const map = (key, shape) => (value, at) => {
  assert.ok(value && typeof value === 'object' && !Array.isArray(value), `${at} is no object`);
  for (const [name, inner] of Object.entries(value)) {
    assertShape(name, key, `${at}: ${name}`);
    assertShape(inner, shape, `${at}.${name}`);
  }
};
/** An object of which exactly one of these fields is there. */
const oneOf = (fields) => (value, at) => {
  assert.equal(Object.keys(value).length, 1, `${at} has to be one of ${Object.keys(fields)}`);
  assertShape(value, Object.fromEntries(Object.entries(fields).map(([name, shape]) => [`${name}?`, shape])), at);
};

const labels = map((value, at) => assert.match(value, /^([a-z0-9.-]+\/)?[A-Za-z0-9._-]{1,63}$/, at), 'string');
const selector = { matchLabels: labels };
const metadata = { name: 'name', 'labels?': labels };
const probe = {
  httpGet: { path: 'path', port: 'portName' },
  'periodSeconds?': 'int',
  'timeoutSeconds?': 'int',
  'failureThreshold?': 'int',
  'initialDelaySeconds?': 'int',
};
const keyRef = { name: 'name', key: 'key' };
const container = {
  name: 'name',
  image: 'string',
  ports: [{ name: 'portName', containerPort: 'int' }],
  'envFrom?': [oneOf({ configMapRef: { name: 'name' }, secretRef: { name: 'name' } })],
  'env?': [{ name: 'envName', valueFrom: oneOf({ secretKeyRef: keyRef, configMapKeyRef: keyRef }) }],
  livenessProbe: probe,
  readinessProbe: probe,
  resources: { requests: { cpu: 'quantity', memory: 'quantity' }, 'limits?': { 'cpu?': 'quantity', 'memory?': 'quantity' } },
  securityContext: { allowPrivilegeEscalation: one(false), readOnlyRootFilesystem: one(true), capabilities: { drop: ['string'] } },
  'volumeMounts?': [{ name: 'name', mountPath: 'path', 'readOnly?': 'bool' }],
};
const pod = {
  terminationGracePeriodSeconds: 'int',
  'enableServiceLinks?': 'bool',
  'automountServiceAccountToken?': 'bool',
  topologySpreadConstraints: [
    { maxSkew: 'int', topologyKey: 'string', whenUnsatisfiable: one('DoNotSchedule', 'ScheduleAnyway'), labelSelector: selector },
  ],
  securityContext: {
    runAsNonRoot: one(true),
    runAsUser: 'int',
    runAsGroup: 'int',
    'fsGroup?': 'int',
    seccompProfile: { type: one('RuntimeDefault') },
  },
  containers: [container],
  'volumes?': [{ name: 'name', secret: { secretName: 'name', 'defaultMode?': 'int', 'items?': [{ key: 'key', path: 'string' }] } }],
};
const scaling = { stabilizationWindowSeconds: 'int', policies: [{ type: one('Percent', 'Pods'), value: 'int', periodSeconds: 'int' }] };
const metric = (value, at) => {
  const kinds = {
    Pods: { type: 'string', pods: { metric: { name: 'string' }, target: { type: one('AverageValue'), averageValue: 'quantity' } } },
    Resource: { type: 'string', resource: { name: one('cpu', 'memory'), target: { type: one('Utilization'), averageUtilization: 'int' } } },
  };
  assert.ok(kinds[value.type], `${at} is of the kind ${value.type}`);
  assertShape(value, kinds[value.type], at);
};

/** kind → shape of a whole file. */
export const SHAPES = {
  Kustomization: {
    apiVersion: one('kustomize.config.k8s.io/v1beta1'),
    kind: 'string',
    resources: ['string'],
    'images?': [{ name: 'string', 'newName?': 'string', 'newTag?': 'string' }],
  },
  ConfigMap: { apiVersion: one('v1'), kind: 'string', metadata, data: map('key', 'string') },
  Deployment: {
    apiVersion: one('apps/v1'),
    kind: 'string',
    metadata,
    spec: {
      'replicas?': 'int',
      selector,
      strategy: { type: one('RollingUpdate'), rollingUpdate: { maxUnavailable: 'intOrPercent', maxSurge: 'intOrPercent' } },
      'minReadySeconds?': 'int',
      template: { metadata: { labels }, spec: pod },
    },
  },
  Service: {
    apiVersion: one('v1'),
    kind: 'string',
    metadata,
    spec: {
      'type?': one('ClusterIP', 'NodePort', 'LoadBalancer'),
      selector: labels,
      'sessionAffinity?': one('None', 'ClientIP'),
      ports: [{ name: 'portName', port: 'int', targetPort: 'portName', 'protocol?': one('TCP') }],
    },
  },
  PodDisruptionBudget: {
    apiVersion: one('policy/v1'),
    kind: 'string',
    metadata,
    spec: { 'maxUnavailable?': 'intOrPercent', 'minAvailable?': 'intOrPercent', selector, 'unhealthyPodEvictionPolicy?': 'string' },
  },
  HorizontalPodAutoscaler: {
    apiVersion: one('autoscaling/v2'),
    kind: 'string',
    metadata,
    spec: {
      scaleTargetRef: { apiVersion: 'string', kind: 'string', name: 'name' },
      minReplicas: 'int',
      maxReplicas: 'int',
      metrics: [metric],
      'behavior?': { 'scaleUp?': scaling, 'scaleDown?': scaling },
    },
  },
};
