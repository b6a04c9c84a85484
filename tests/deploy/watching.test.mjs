// deploy/prometheus and deploy/grafana: that they are understood, and ask for what nodes show.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join as path } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { pair } from '../support/calls.mjs';
import { fresh, join } from '../support/client.mjs';
import { freePort, startCluster } from '../support/cluster.mjs';
import { startProcess } from '../support/processes.mjs';
import { until } from '../support/wait.mjs';
import { find, judge, needs, pathOf, scratch, suiteNeeding, textOf } from './tools.mjs';

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

  test('asks nodes and the proxy, by the jobs that the rules speak of', () => {
    const { scrape_configs: jobs } = parse(textOf('prometheus/prometheus.yml'));
    const spoken = rules.flatMap(({ expr }) => [...expr.matchAll(/\bup\{job="(\w+)"\}/g)].map(([, name]) => name));
    assert.deepEqual(jobs.map((job) => job.job_name).sort(), [...new Set(spoken)].sort());
  });

  test('asks the proxy where docker/compose.yaml lets it answer', () => {
    const { services } = parse(textOf('../docker/compose.yaml'));
    const [{ names, port }] = parse(textOf('prometheus/prometheus.yml')).scrape_configs.find((job) => job.job_name === 'haproxy').dns_sd_configs;
    assert.equal(services[names[0]].environment.HAPROXY_METRICS, `*:${port}`);
    assert.ok(!services[names[0]].ports.some((one) => one.includes(port)), 'not published');
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

suiteNeeding('prometheus')('a real Prometheus, told to ask these nodes and each second,', () => {
  let prometheus;
  let server;
  const answer = async (question) => {
    const response = await fetch(`${server}/api/v1/query?${new URLSearchParams({ query: question })}`);
    const { status, error, warnings, data } = await response.json();
    assert.equal(status, 'success', `${question}: ${error}`);
    assert.equal(warnings, undefined, question);
    return data.result;
  };

  before(async () => {
    const file = path(dir, 'prometheus.yml');
    const config = parse(textOf('prometheus/prometheus.yml'));
    const [job] = config.scrape_configs;
    delete job.dns_sd_configs;
    job.static_configs = [{ targets: cluster.nodes.map(({ port }) => `127.0.0.1:${port}`) }];
    Object.assign(config, { scrape_configs: [job], global: { scrape_interval: '1s', evaluation_interval: '1s' }, rule_files: [pathOf('prometheus/alerts.yml')] });
    writeFileSync(file, JSON.stringify(config));
    server = `http://127.0.0.1:${await freePort()}`;
    const args = [`--config.file=${file}`, `--storage.tsdb.path=${path(dir, 'data')}`, `--web.listen-address=${new URL(server).host}`, '--log.level=warn'];
    prometheus = startProcess(find('prometheus'), args);
    const up = () => answer('up{job="switchboard"} == 1').catch(() => []);
    await until(async () => (await up()).length === cluster.nodes.length, () => `it to have asked; it wrote ${prometheus.output}`);
  });
  after(() => prometheus?.child.kill('SIGKILL'));

  test('has an answer to everything that the dashboard asks', async () => {
    const [node] = cluster.nodes;
    const [alice, bob] = [await join(node, fresh('alice')), await join(node, fresh('bob'))];
    const call = await pair(alice, bob);
    const asked = questions.map((expr) => expr.replaceAll('$__rate_interval', '30s').replaceAll('$instance', '.*'));
    // A quantile of nothing is no number: so something has to happen until all are.
    const numbers = (result) => result.length > 0 && result.every(({ value: [, n] }) => n !== 'NaN');
    let without = asked;
    await until(
      async () => {
        await alice.request('signal', { call, to: 2, data: 'hello' });
        const answers = await Promise.all(without.map(answer));
        without = without.filter((_, i) => !numbers(answers[i]));
        return without.length === 0;
      },
      () => `an answer to ${without.join('\n')}`,
    );
    const [{ value }] = await answer('sum(switchboard_sessions)');
    assert.equal(value[1], '2');
    await Promise.all([alice.close(), bob.close()]);
  });

  test('takes all rules, and nothing that is well calls anybody', async () => {
    const evaluated = async () => (await (await fetch(`${server}/api/v1/rules`)).json()).data.groups.flatMap((group) => group.rules);
    const all = await until(async () => {
      const found = await evaluated();
      return found.every(({ health }) => health !== 'unknown') && found;
    }, 'every rule to have been looked at');
    assert.deepEqual(all.filter(({ health }) => health !== 'ok').map(({ name, lastError }) => `${name}: ${lastError}`), []);
    assert.equal(all.length, rules.length);
    assert.deepEqual((await answer('ALERTS{alertstate="firing"}')).map(({ metric }) => metric.alertname), []);
  });
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
