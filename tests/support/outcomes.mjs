// A reporter for Node's test runner: a line of JSON for each test, suites left out: {title, outcome: 'ok' | 'skipped' | what it failed of}.
const OUTCOME_MAX = 300;

export default async function* outcomes(events) {
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const { name: title, details, skip } = data;
    if (details.type === 'suite' || details.error?.failureType === 'subtestsFailed') continue;
    const passed = skip === undefined ? 'ok' : 'skipped';
    yield `${JSON.stringify({ title, outcome: type === 'test:pass' ? passed : String(details.error?.cause?.message ?? details.error).replace(/\s+/g, ' ').slice(0, OUTCOME_MAX) })}\n`;
  }
}
