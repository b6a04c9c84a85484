// What an app may write, held against switchboard.d.ts by tsc --strict (package.test.mjs). It is compiled, never run.
import { Call, CallState, Closed, connect, EndReason, ErrorCode, Member, Presence, Switchboard, SwitchboardError } from 'switchboard-client';

const getToken = async () => (await fetch('/token')).text();
const me: Switchboard = await connect({ url: 'https://calls.example.org', getToken, signal: AbortSignal.timeout(1000) });
await connect();
await connect({ urls: ['wss://a', 'wss://b'], token: 'eyJ', device: 'phone', rtc: { iceServers: [] }, media: { audio: true }, alert: false });
await connect({ token: 'eyJ', WebSocket, RTCPeerConnection: null });

/** As the package `ws` declares its own, which is no DOM's. */
declare class NodeSocket {
  constructor(address: string | URL, protocols?: string | string[], options?: { timeout?: number });
  onopen: ((event: { type: string; target: NodeSocket }) => void) | null;
  onmessage: ((event: { data: string | Uint8Array; target: NodeSocket }) => void) | null;
  onclose: ((event: { code: number; reason: string; target: NodeSocket }) => void) | null;
  onerror: ((event: { error: unknown; target: NodeSocket }) => void) | null;
  send(data: string | Uint8Array, done?: (error?: Error) => void): void;
  close(code?: number, data?: string | Uint8Array): void;
  terminate(): void;
}
await connect({ token: 'eyJ', WebSocket: NodeSocket });
// @ts-expect-error that is no socket
await connect({ token: 'eyJ', WebSocket: Map });

const off: () => void = me.on('incoming', async (call: Call) => {
  const who: string | undefined = call.from?.name;
  if (who && call.state === 'incoming') await call.accept({ stream: null });
  else await call.reject('busy');
});
off();
me.on('state', (state) => state === 'away');
me.on('closed', (why: Closed) => why.reason === 'superseded' && why.code);
me.on('presence', ({ user, status, inCall, lastSeenMs = 0, note }: Presence) => `${user} ${status} ${inCall && 'talks'} ${lastSeenMs + 1} ${note ?? ''}`);
me.on('frame', (direction, frame) => direction === 'in' && frame.type);
const [rejoining]: [Call] = await me.once('rejoin');
await rejoining.rejoin();

const call: Call = await me.call(['bob', 'carol'], { seats: 4, ringMs: 20_000, wait: true, meta: { topic: 'lunch' }, privacy: 'relay', allow: 'anyone' });
const states: CallState[] = [call.state];
call.on('joined', (member: Member) => member.pc?.getStats());
call.on('left', (member, reason: EndReason) => `${member.user}: ${reason}`);
call.on('stream', (member, stream: MediaStream) => stream.id + member.peer);
call.on('data', (member, data: unknown) => [member, data]);
call.on('change', () => states.push(call.state));
call.on('ended', (reason) => reason === 'answered_elsewhere');
await call.invite('dave', { ringMs: 5000 });
await call.send({ hello: 1 }, call.members[0]);
await call.setStream(await navigator.mediaDevices.getUserMedia({ audio: true }));
call.mute();
await call.lock();
await call.hangup('replaced');

const id: string = (await me.post({ ttlMs: 1000, stream: null })).id;
await me.take(id);
await me.join((await me.room({ seats: 3 })).id);
await me.setStatus('dnd', 'in a meeting');
const known: Presence[] = await me.watch(['bob']);
await me.unwatch(known.map(({ user }) => user));
await me.setBlocked(await me.blocked());
await me.registerPush(await (await navigator.serviceWorker.ready).pushManager.subscribe());
await me.registerPush({ provider: 'apns', token: 'abc', topic: 'org.example', sandbox: true });
const servers: RTCIceServer[] = await me.iceServers();
const fields: Record<string, unknown> = await me.request('call.get', { call: id });
for (const [callId, one] of me.calls) console.log(callId, one.ringing.get('bob') === 'alerting', servers, fields, me.limits.seats);

try {
  await me.close();
} catch (error) {
  if (!(error instanceof SwitchboardError)) throw error;
  const code: ErrorCode = error.code;
  console.log(code === 'rate_limited' && error.retryAfterMs, error.message);
}

// What must not compile:
// @ts-expect-error a misspelt event
me.on('incomming', () => {});
// @ts-expect-error no such status
await me.setStatus('invisble');
// @ts-expect-error it can't be set
call.state = 'ended';
// @ts-expect-error nobody makes calls by hand
new Call();
// @ts-expect-error clients come from connect()
new Switchboard();
// @ts-expect-error a code that is none
const wrong: ErrorCode = 'oops';
