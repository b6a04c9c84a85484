// The browser client as an app in Node has it: with sockets that a test can shut out or make deaf.
import WebSocket from 'ws';
import { connect } from '../../node/web/client/switchboard.js';
import { mint } from './token.mjs';
import { until } from './wait.mjs';

/** The network of one client. */
class Network {
  /** No node can be reached: like a cable that was pulled. */
  shut = false;
  /** What nodes say is lost, though they hear everything. */
  deaf = false;
  /** Frames that were lost that way. */
  lost = [];
  /** Where each socket went. */
  urls = [];

  constructor() {
    const network = this;
    this.WebSocket = class extends WebSocket {
      constructor(url, protocols) {
        network.urls.push(url);
        super(network.shut ? 'ws://127.0.0.1:1' : url, protocols, { rejectUnauthorized: false });
      }

      set onmessage(listener) {
        super.onmessage = (event) => (network.deaf ? network.lost.push(JSON.parse(event.data)) : listener(event));
      }
    };
  }
}

/** What ends each client that was made, or is being made. */
const ends = new Set();

/** Ends them all: one that a failed test has left would try to come back for ever. */
export function leaveAll() {
  for (const end of ends) end();
  ends.clear();
}

/** A client of that user. `claims` go into its token; the rest as connect() takes it. */
export async function signIn(nodes, user, { claims = {}, network = new Network(), ...options } = {}) {
  const urls = [nodes].flat().map((node) => node.url);
  const token = options.getToken ? undefined : mint(user, claims);
  const caller = new AbortController();
  ends.add(() => caller.abort());
  const me = await connect({ urls, token, device: 'phone', WebSocket: network.WebSocket, RTCPeerConnection: null, signal: caller.signal, ...options });
  ends.add(() => void me.close());
  const app = { me, network, frames: [], events: [] };
  me.on('frame', (direction, frame) => app.frames.push({ direction, ...frame }));
  me._session.on('event', (frame) => app.events.push(frame));
  /** Frames of that type that went or came, so far. */
  app.seen = (direction, type) => app.frames.filter((frame) => frame.direction === direction && frame.type === type);
  app.untilSeen = (direction, type, count = 1) => {
    const what = () => `${count} ${type} ${direction}; there are ${JSON.stringify(app.frames.slice(-20))}`;
    return until(() => app.seen(direction, type).length >= count, what);
  };
  app.untilEvent = (type, fits = () => true) => until(() => app.events.find((event) => event.type === type && fits(event)), `${type} at ${user}`);
  /** The node that holds the connection. */
  app.node = () => [nodes].flat().find((node) => network.urls.at(-1) === node.url);
  await until(() => app.frames.length, 'what came with the first welcome');
  return app;
}

/** Writes down what the call tells: call.log. */
export function follow(call) {
  call.log = [];
  const tell = (name, of) => call.on(name, (...args) => call.log.push([name, ...of(...args)].join(' ')));
  tell('state', (state) => [state]);
  for (const name of ['joined', 'member']) tell(name, (member) => [member.peer, name === 'member' ? member.state : member.user]);
  tell('left', (member, reason) => [member.peer, reason]);
  for (const name of ['ringing', 'invited', 'rejected', 'locked', 'ended']) tell(name, (...args) => args);
  tell('data', (member, data) => [member.peer, JSON.stringify(data)]);
  return call;
}

/** Who sits in a call. */
export const seats = (call) => call.members.map(({ peer, user, me }) => `${peer} ${user}${me ? ' (me)' : ''}`);

export { Network };
