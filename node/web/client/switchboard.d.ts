/// <reference lib="dom" />
/**
 * Switchboard's browser client: voice calls of up to five, in an app's words.
 *
 *     import { connect } from 'https://calls.example.org/client/switchboard.js';
 *
 *     const me = await connect({ url: 'https://calls.example.org', getToken: () => fetch('/token').then((r) => r.text()) });
 *     me.on('incoming', async (call) => { if (confirm(`${call.from.name} calls`)) await call.accept(); else call.reject(); });
 *     const call = await me.call('bob');
 *     call.on('stream', (member, stream) => {
 *       const audio = Object.assign(new Audio(), { srcObject: stream });
 *       audio.play();
 *       call.on('ended', () => (audio.srcObject = null)); // or the browser keeps it
 *     });
 *
 * Whatever a function asks of the server waits while the connection is away, is sent again after it is back, and has its effect once. Functions that ask
 * the server give a promise; it is refused with a {@link SwitchboardError} only. What is read (`state`, `members`, `calls`) is true at the time of the last event.
 */

/** Codes of the protocol (docs/protocol.md, Errors), and those of the client itself, below the line. */
export type ErrorCode =
  | 'bad_request' | 'unauthorized' | 'forbidden' | 'not_found' | 'gone' | 'call_full' | 'unreachable' | 'media_not_allowed'
  | 'rate_limited' | 'too_large' | 'conflict' | 'unavailable' | 'unsupported'
  // ----
  /** The client was closed, by `close()` or for good by the server. */
  | 'closed'
  /** The session was lost with the request under way: what became of it is seen in `calls`. */
  | 'reset'
  /** The user, or the browser for them, denied the microphone. */
  | 'microphone_denied'
  /** There is no microphone. */
  | 'microphone_missing'
  /** There is one, and something else holds it or it fails. */
  | 'microphone_failed';

export class SwitchboardError extends Error {
  readonly code: ErrorCode;
  /** Before that time another try is in vain. */
  readonly retryAfterMs?: number;
}

export interface ConnectOptions {
  /** Of any node, or of the load balancer before them: `https://host[:port]` (or http, wss, ws). Default: where the page came from. */
  url?: string;
  /** Several nodes instead: tried in turn, beginning with a random one. */
  urls?: string[];
  /** The user's token (a JWT). It can't be renewed: when it ends, so does the connection. */
  token?: string;
  /** Gives a fresh token, whenever one is needed: at first, before the last one ends, and after it was refused. */
  getToken?: () => string | Promise<string>;
  /**
   * The name of this device, 1-64 of `A-Z a-z 0-9 . _ @ : + -`. One device has one session. Default: a random name that a browser tab keeps when it is
   * reloaded (sessionStorage), so that it finds its calls again.
   */
  device?: string;
  /** Merged into the configuration of every RTCPeerConnection. `iceServers` given here replace those of the server. */
  rtc?: RTCConfiguration;
  /** What is asked of getUserMedia when a call is begun or accepted without a stream of the app's own. Default `{ audio: true }`. */
  media?: MediaStreamConstraints;
  /** Whether a device that has an `incoming` listener tells the caller that it rings (`call.alert`). Default true. */
  alert?: boolean;
  /** The WebSocket to use, as that of the package `ws`. Default: the platform's own (browsers; Node from 22 on). */
  WebSocket?: new (url: string, protocol: string) => Socket;
  /** Instead of the platform's, for tests and other platforms. null: no media, the signaling half alone. */
  RTCPeerConnection?: typeof RTCPeerConnection | null;
}

/** What this client needs of a WebSocket. */
export interface Socket {
  onopen: unknown;
  onmessage: unknown;
  onclose: unknown;
  onerror: unknown;
  send(text: string): void;
  close(): void;
}

/**
 * Says hello and gives the client once the server has welcomed it. It goes on trying while no server can be reached or `getToken` fails (the console says
 * why); `signal` ends that.
 * @throws {SwitchboardError} `unauthorized` if the token is refused (with `getToken`: twice), `bad_request` for a url that is none, `closed`.
 */
export function connect(options?: ConnectOptions & { signal?: AbortSignal }): Promise<Switchboard>;

// Without this line all that is declared here were exported.
export {};

type Listener<A extends unknown[]> = (...args: A) => void;

/** Listeners are called in the order in which they came; what one throws is reported as an uncaught error and keeps no other from its call. */
declare class Emitter<Events extends { [name: string]: unknown[] }> {
  /** Returns a function that takes the listener away again. */
  on<K extends keyof Events>(name: K, listener: Listener<Events[K]>): () => void;
  off<K extends keyof Events>(name: K, listener: Listener<Events[K]>): void;
  /** The arguments of the next such event. */
  once<K extends keyof Events>(name: K): Promise<Events[K]>;
}

/** `connecting` until the first welcome; `away`: the connection is lost and will come back by itself; `closed`: for good. */
export type ConnectionState = 'connecting' | 'online' | 'away' | 'closed';

/** Why a client is closed for good. */
export interface Closed {
  /** `bye`: `close()` was called. `superseded`: another connection has this device now. `unauthorized`: no token that the server takes. `ended`: by an administrator. `protocol`: the two do not understand each other. */
  reason: 'bye' | 'superseded' | 'unauthorized' | 'ended' | 'protocol';
  /** Of the WebSocket's close frame. */
  code?: number;
  /** A sentence for developers. */
  message: string;
}

export type SwitchboardEvents = {
  state: [state: ConnectionState];
  /** The connection is back and nothing was missed: all events since come now. */
  resumed: [];
  /** The session was lost: this is a new one. Calls that were lost with it have ended (`lost`) before this comes; the others go on. */
  reset: [];
  /** Somebody calls. `call.state` is `incoming`; it emits `ended` when it stops ringing for another reason than this device's answer. */
  incoming: [call: Call];
  /** This device sat in that call before it was reloaded or restarted. Say `call.rejoin()` or `call.hangup()`: its seat waits for the grace time, then the call has `ended` as lost. */
  rejoin: [call: Call];
  presence: [state: Presence];
  closed: [why: Closed];
  /** Every frame as it goes (`out`) and comes (`in`), for logs. The token and the key of the session are left out. */
  frame: [direction: 'in' | 'out', frame: { type: string; [field: string]: unknown }];
};

export interface CallOptions {
  /** The microphone, or whatever the others shall hear. The app's own: it is not stopped at the end. null: send nothing. Default: getUserMedia is asked. */
  stream?: MediaStream | null;
  /** Seats of the call, 2-5, those who ring counted in. */
  seats?: number;
  /** Nobody learns another's address: media goes through TURN servers only. */
  privacy?: 'relay';
  /** Who else may join by the call's id. */
  allow?: string[] | 'anyone';
}

/** A signed-in device of a user. {@link connect} makes it. */
export class Switchboard extends Emitter<SwitchboardEvents> {
  private constructor();
  readonly state: ConnectionState;
  readonly user: string;
  readonly device: string;
  /** Id of the session, for reports of errors. */
  readonly session: string;
  /** The node that holds the connection. */
  readonly server: { node: string; version: string };
  /** Of the server, in the words of the protocol (docs/protocol.md, Hello): `seats`, `message_bytes`, … */
  readonly limits: Readonly<Record<string, number>>;
  /** Calls that are not over, those that ring here included, by id. */
  readonly calls: ReadonlyMap<string, Call>;

  /**
   * Rings a user, or up to four, on all their devices. The promise comes with the server's answer, while it rings. If they call at the same moment the two
   * calls become one, which is active at once.
   * @throws `unreachable` nobody is there (with `wait` it rings whoever comes in time), `forbidden`, `rate_limited`, `microphone_…`
   */
  call(to: string | string[], options?: CallOptions & { ringMs?: number; wait?: boolean; meta?: unknown }): Promise<Call>;
  /** Posts an offer for whoever takes its id first. `call.id` is what to pass on: a link, a QR code. @throws `unsupported` without WebRTC */
  post(options?: CallOptions & { ttlMs?: number }): Promise<Call>;
  /** Takes a posted offer. Of a call in which this client sits already it gives that one, as `join` does. @throws `gone` taken, cancelled or expired; `not_found`, `forbidden` */
  take(id: string, options?: Pick<CallOptions, 'stream'>): Promise<Call>;
  /** Opens a room for up to five, which lives while anyone sits in it; `call.id` is what to pass on. `allow` is `'anyone'` unless said. */
  room(options?: CallOptions): Promise<Call>;
  /** Sits down in a room. @throws `call_full`, `forbidden`, `gone`, `not_found` */
  join(id: string, options?: Pick<CallOptions, 'stream'>): Promise<Call>;

  /** Sets the own status, and note (at most 128 bytes; without: none). Kept when the user is gone. */
  setStatus(status: 'available' | 'away' | 'dnd' | 'invisible', note?: string): Promise<void>;
  /** Follows these users: the answer is how they are now, `presence` events tell each change, and the new state after the connection was away. */
  watch(users: string[]): Promise<Presence[]>;
  unwatch(users: string[]): Promise<void>;
  /** Sets whom the user does not want to hear of: the whole list. */
  setBlocked(users: string[]): Promise<void>;
  blocked(): Promise<string[]>;

  /** Lets the server wake this device by push when somebody calls. A PushSubscription as the browser gives it is Web Push. @throws `unsupported` by servers that have no push, as all do yet */
  registerPush(push: PushSubscription | PushSubscriptionJSON | { provider: 'apns' | 'fcm'; token: string; topic?: string; sandbox?: boolean }): Promise<void>;
  /** @throws likewise */
  unregisterPush(): Promise<void>;

  /** STUN and TURN servers, with credentials for this user. The client asks by itself where it needs them. */
  iceServers(): Promise<RTCIceServer[]>;
  /** Any request of the protocol, in its own words; gives the fields of the `ok`. */
  request(type: string, fields?: object): Promise<Record<string, unknown>>;
  /** Cuts the socket, as a lost network would: it resumes by itself. For tests and demonstrations. */
  cut(): void;
  /** Leaves all calls and ends the session. */
  close(): Promise<void>;
}

export interface Presence {
  user: string;
  status: 'available' | 'away' | 'dnd' | 'offline';
  inCall: boolean;
  /** How many of theirs are there. */
  devices: number;
  /** Unix time, of who is offline. */
  lastSeenMs?: number;
  note?: string;
}

/**
 * `incoming`: it rings here. `rejoin`: this device sat in it before it was reloaded or restarted, and its seat waits. `ringing`: alone in it, and somebody is
 * being rung. `waiting`: alone, nobody rung. `active`: two or more sit in it. `ended`: it is over, for this device at least.
 */
export type CallState = 'incoming' | 'rejoin' | 'ringing' | 'waiting' | 'active' | 'ended';

/** Of `ended`: what the protocol says, and `gone` if it was over when this client came. */
export type EndReason =
  | 'hangup' | 'rejected' | 'busy' | 'timeout' | 'cancelled' | 'unreachable' | 'lost' | 'removed' | 'expired' | 'replaced' | 'admin'
  | 'answered_elsewhere' | 'rejected_elsewhere' | 'ignored' | 'gone';

export type CallEvents = {
  state: [state: CallState];
  /** Somebody sat down. */
  joined: [member: Member];
  left: [member: Member, reason: EndReason];
  /** `member.state` or `member.connection` changed. */
  member: [member: Member];
  /** That member is heard from now on; again if they send another stream. */
  stream: [member: Member, stream: MediaStream];
  /** A device of that user rings audibly. */
  ringing: [user: string];
  /** That user is being rung as well; `from` had it done. */
  invited: [user: string, from: string];
  /** That user does not come. */
  rejected: [user: string, reason: 'rejected' | 'busy' | 'timeout' | 'cancelled'];
  locked: [locked: boolean];
  /** What a member sent with `send()`. */
  data: [member: Member, data: unknown];
  /** Nothing comes after this. */
  ended: [reason: EndReason];
  /** Anything above: one event for those who draw the whole anew. */
  change: [];
};

/** One who sits in a call. */
export interface Member {
  /** Number of the seat, 1-5. */
  readonly peer: number;
  readonly user: string;
  readonly device: string;
  readonly name: string;
  /** Whether it is this client itself. */
  readonly me: boolean;
  /** `suspended`: lost the connection to the server, and may come back. Media may flow all the same. */
  readonly state: 'here' | 'suspended';
  /** Media to that member: `new`, `connecting`, `connected`, `disconnected` (may mend itself), `failed` (being tried anew). Own seat, and without WebRTC: `new`. */
  readonly connection: RTCPeerConnectionState;
  /** What they send; null before it comes. Of oneself: what is sent. */
  readonly stream: MediaStream | null;
  /** The connection itself, for statistics and what this client does not do. null for oneself, before it begins, and without WebRTC. It is another one after `rejoin`. */
  readonly pc: RTCPeerConnection | null;
}

/** A call, from the first ring to its end. */
export class Call extends Emitter<CallEvents> {
  private constructor();
  /** Also what a link to it carries. */
  readonly id: string;
  readonly state: CallState;
  /** Of an incoming or taken call: who called or posted. */
  readonly from?: { user: string; name: string };
  /** What the caller gave; `null` without. Of calls that rang here. */
  readonly meta?: unknown;
  /** Of an incoming call: the user sits in another one. */
  readonly inCall?: boolean;
  /** Those who sit in it, oneself too, by seat. */
  readonly members: Member[];
  /** Oneself; null while it rings here. */
  readonly me: Member | null;
  /** Users being rung, and what is known of each: `waiting`, `ringing`, `pushed`; `alerting` once a device really rings. */
  readonly ringing: ReadonlyMap<string, 'waiting' | 'ringing' | 'pushed' | 'alerting'>;
  readonly seats: number;
  readonly starter: string;
  readonly locked: boolean;
  readonly privacy: 'relay' | null;
  readonly muted: boolean;
  /** What is sent to the others. */
  readonly stream: MediaStream | null;
  /** Why it is over. */
  readonly reason?: EndReason;

  /** Answers an incoming call; it is `active` when the promise comes. @throws `gone` another device was faster or the caller gave up; `call_full`, `microphone_…` (it rings on then) */
  accept(options?: Pick<CallOptions, 'stream'>): Promise<this>;
  /** Declines it, for all devices of the user. */
  reject(reason?: 'rejected' | 'busy'): Promise<void>;
  /** Stops ringing here; other devices ring on. */
  ignore(): void;
  /** Takes the own seat back after a reload. @throws `gone`, `microphone_…` */
  rejoin(options?: Pick<CallOptions, 'stream'>): Promise<this>;
  /** Leaves; takes the rings back if nobody has come yet. The call is `ended` here at once, also while the connection is away. */
  hangup(reason?: 'hangup' | 'busy' | 'replaced'): Promise<void>;

  /** Rings one more user. @throws `call_full`, `unreachable`, `conflict` (is there already, or rings) */
  invite(user: string, options?: { ringMs?: number; wait?: boolean }): Promise<void>;
  /** Takes a ring back. */
  cancel(user: string): Promise<void>;
  /** The starter only. */
  remove(member: Member): Promise<void>;
  /** The starter only: a locked call takes no newcomers. */
  lock(locked?: boolean): Promise<void>;

  /** Silences the own microphone, or `mute(false)` opens it again: `enabled` of the tracks, also of the app's own stream, which is left so at the end. */
  mute(muted?: boolean): void;
  /** Sends another stream from now on. The one before is stopped unless it was the app's own. */
  setStream(stream: MediaStream | null): Promise<void>;
  /** A small message to one member, or to all (anything that JSON holds but null, at most 16 KiB and 16 levels deep). It comes in order, after a lost connection too. */
  send(data: unknown, to?: Member): Promise<void>;
}
