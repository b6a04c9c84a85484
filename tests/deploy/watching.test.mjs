// deploy/prometheus and deploy/grafana: that they are understood, and ask for what nodes show.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join as path } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { startCluster } from '../support/cluster.mjs';
import { judge, needs, pathOf, scratch, textOf } from './tools.mjs';

const tool = needs('promtool');
const dir = scratch();
const rules = parse(textOf('prometheus/alerts.yml')).groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(textOf('grafana/dashboards/switchboard.json'));
const datasource = parse(textOf('grafana/datasources/prometheus.yaml')).datasources[0];
const panels = dashboard.panels.filter((panel) => panel.type !== 'row');
const questions = panels.flatMap((panel) => panel.targets.map(({ expr }) => expr));

let cluster;
let shown; // name → the names of its labels
before(async () => {
  cluster = await startCluster({ nodes: 1 });
  const [node] = cluster.nodes;
  const { text } = await node.get('/metrics');
  const samples = [...text.matchAll(/^(switchboard_\w+)\{(.*)\} \S+$/gm)];
  shown = new Map();
  for (const [, name, labels] of samples) shown.set(name, new Set([...(shown.get(name) ?? []), ...[...labels.matchAll(/(\w+)="/g)].map(([, label]) => label)]));
});
after(() => cluster?.stop());

/** That everything a question names is shown by a node, with the labels by which it sums. */
function assertShown(expr) {
  for (const [name] of expr.matchAll(/switchboard_\w+/g)) assert.ok(shown.has(name), `${name} is in no /metrics: ${expr}`);
  for (const [, labels] of expr.matchAll(/\bby \(([^)]*)\)/g)) {
    const known = new Set(['instance', 'job', 'alertname', ...[...expr.matchAll(/switchboard_\w+/g)].flatMap(([name]) => [...shown.get(name)])]);
    for (const label of labels.split(/,\s*/)) assert.ok(known.has(label), `nothing has a label ${label}: ${expr}`);
  }
}

describe('Prometheus', () => {
  test('understands its configuration', tool, async () => {
    const { code, output } = await judge('promtool', ['check', 'config', pathOf('prometheus/prometheus.yml')]);
    assert.equal(code, 0, output);
  });

  test('understands the rules', tool, async () => {
    const { code, output } = await judge('promtool', ['check', 'rules', '--lint-fatal', pathOf('prometheus/alerts.yml')]);
    assert.equal(code, 0, output);
  });

  test('calls somebody when it should, and only then', tool, async () => {
    const { code, output } = await judge('promtool', ['test', 'rules', pathOf('prometheus/alerts_test.yml')]);
    assert.equal(code, 0, output);
  });

  test('understands what nodes show, and finds nothing to complain of', tool, async () => {
    const { text } = await cluster.nodes[0].get('/metrics');
    const { code, output } = await judge('promtool', ['check', 'metrics'], { input: text });
    assert.equal(code, 0, output);
  });

  test('asks nodes, by the job that the rules speak of', () => {
    const { scrape_configs: jobs } = parse(textOf('prometheus/prometheus.yml'));
    assert.deepEqual(jobs.map((job) => job.job_name), ['switchboard']);
    assert.ok(rules.some(({ expr }) => expr.includes('up{job="switchboard"}')));
  });
});

describe('alerts', () => {
  test('each says how bad it is and what it is, and is tried', () => {
    const tried = textOf('prometheus/alerts_test.yml');
    for (const { alert, labels, annotations } of rules) {
      assert.match(alert, /^Switchboard[A-Z]\w+$/);
      assert.ok(['page', 'ticket'].includes(labels.severity), alert);
      assert.ok(annotations.summary, alert);
      assert.match(tried, new RegExp(`\\b${alert}\\b`), `${alert} is in no test`);
    }
  });

  test('each says in docs/operations.md what to do', () => {
    const section = /^## Alerts\n([^]*?)(?=^## )/m.exec(`${textOf('../docs/operations.md')}\n## `)[1];
    assert.deepEqual([...section.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name).sort(), rules.map(({ alert }) => alert).sort());
  });

  test('ask for what nodes show', () => rules.forEach(({ expr }) => assertShown(expr)));
});

describe('the dashboard', () => {
  test('asks for what nodes show', () => questions.forEach(assertShown));

  test('asks the source of data that is set up beside it', () => {
    const sources = new Set(panels.flatMap((panel) => [panel.datasource.uid, ...panel.targets.map((target) => target.datasource.uid)]));
    assert.deepEqual([...sources], [datasource.uid]);
  });

  test('asks in a way that Prometheus understands', tool, async () => {
    const file = path(dir, 'questions.yml');
    const asked = questions.map((expr, i) => ({ record: `question_${i}`, expr: expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*') }));
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'questions', rules: asked }] }));
    const { code, output } = await judge('promtool', ['check', 'rules', file]);
    assert.equal(code, 0, output);
  });

  test('has a place of its own for each panel', () => {
    assert.equal(new Set(dashboard.panels.map((panel) => panel.id)).size, dashboard.panels.length);
    const taken = new Set();
    for (const { title, gridPos: at } of dashboard.panels) {
      assert.ok(at.x + at.w <= 24, title);
      for (let x = at.x; x < at.x + at.w; x += 1) for (let y = at.y; y < at.y + at.h; y += 1) assert.ok(!taken.has(`${x},${y}`) && taken.add(`${x},${y}`), title);
    }
  });
});
