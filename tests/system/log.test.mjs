// What nodes write about peers who do their worst: lines that machines can read, and nothing of what was said.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { ANSWER, OFFER } from '../support/calls.mjs';
import { Client, fresh, join } from '../support/client.mjs';
import { startCluster } from '../support/cluster.mjs';
import { mint } from '../support/token.mjs';
import { within } from '../support/wait.mjs';

// What ends lines, ends texts, moves the cursor, or is no text at all.
const NASTY = ['\n{"level":"error"}', '\r\nlevel=error event=forged', '"', '\\', '\u001b[2J\u0000\u007f\u0085\u2028', '\ud83d\ude00'.repeat(300), 'x'.repeat(5000)];
const NO_TEXT = [Buffer.from([0xff, 0xfe, 0x0a, 0x22, 0xc3, 0x28]), Buffer.from([0xed, 0xa0, 0x80, 0xf8, 0x88])];

/** Bytes as they are, and whatever comes back until the other side hangs up. */
function raw(node, bytes) {
  return new Promise((resolve) => {
    const socket = connect(node.port, '127.0.0.1', () => socket.end(bytes));
    socket.on('error', () => {}).on('data', () => {}).on('close', resolve);
  });
}

/** Says all that to a node, in every place where a peer can say something. */
async function abuse(node) {
  for (const data of [...NASTY, ...NO_TEXT]) {
    const text = data.toString();
    for (const frame of [data, `{"type":${JSON.stringify(text)},"id":1}`, `{"type":"hello","id":1,"token":${JSON.stringify(text)},"device":${JSON.stringify(text)}}`, `{"${text}`]) {
      const client = await new Client().connect(node, { headers: { 'X-Forwarded-For': '203.0.113.77' } });
      client.socket.removeAllListeners('message');
      const heard = new Promise((resolve) => client.socket.once('message', resolve).once('close', resolve));
      client.sendRaw(frame);
      await within(heard, 'an answer, or the end');
      client.socket.terminate();
    }
    await raw(node, Buffer.concat([Buffer.from('GET /v1/signal?x='), Buffer.from(data), Buffer.from(' HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Protocol: '), Buffer.from(data), Buffer.from('\r\nUpgrade: websocket\r\n\r\n')]));
  }
}

describe('the log', () => {
  let cluster;
  let machine;
  let people;
  before(async () => {
    cluster = await startCluster({ nodes: 0 });
    machine = await cluster.add({ 'log-format': 'json', 'log-level': 'debug' });
    people = await cluster.add({ 'trust-proxy': '127.0.0.0/8' });
  });
  after(() => cluster?.stop());

  test('is one object a line as JSON, whatever peers write into what it quotes', async () => {
    await abuse(machine);
    await machine.stop(); // so that all it wrote is here, and every line whole
    assert.match(machine.output, /frame\.refused/, 'something is quoted');
    const lines = machine.output.trimEnd().split('\n');
    for (const line of lines) {
      const { time, level, event, node } = JSON.parse(line);
      assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      assert.ok(['debug', 'info', 'warn', 'error'].includes(level), line);
      assert.match(event, /^[a-z_]+\.[a-z_]+$/, line);
      assert.match(node ?? '', /^([\w-]{12})?$/, line);
      assert.ok(line.length < 10_000, line);
    }
    assert.ok(!lines.some((line) => JSON.parse(line).level === 'error'), 'a peer is no error of the node');
  });

  test('holds no word of a client, and no address of one, at the level that nodes write by default', async () => {
    await abuse(people);
    const alice = await join(people, fresh('alice'));
    const { call } = await alice.request('offer.post', { offer: OFFER, candidates: ['candidate:1 1 udp 2122260223 192.0.2.7 50123 typ host'] });
    const bob = await join(people, fresh('bob'));
    await bob.request('offer.take', { call });
    await bob.request('signal', { call, to: 1, description: { type: 'answer', sdp: ANSWER } });
    const liar = await new Client().connect(people);
    await liar.refused('hello', { device: 'phone', token: mint('mallory', {}, { key: 'not the secret of this cluster, but long enough' }) }, 'unauthorized');
    await Promise.all([alice.close(), bob.close(), liar.closed()]);
    await people.stop();
    const lines = people.output.trimEnd().split('\n');
    for (const line of lines) assert.match(line, /^time=\S+ level=(info|warn|error)( node=\S+)? event=[a-z_.]+( [a-z_]+=("([^"\\]|\\.)*"|[^ "]*))*$/);
    const told = lines.filter((line) => !/event=node\.listening/.test(line)).join('\n');
    assert.doesNotMatch(told, /\d+\.\d+\.\d+\.\d+|::1|alice|bob|mallory|forged/);
    people.checkLog();
  });
});
