// How calls begin: by the app's own doing (a call, a post, a room; a seat in another's), by a ring, or found again after a reload.
import { Call, leave } from './call.js';
import { SwitchboardError } from './error.js';
import { Media } from './media.js';
import { Peer } from './peer.js';

async function begin(me, type, fields, { stream, seats, privacy, allow }, offers) {
  const media = await Media.open(me, stream);
  if (type === 'offer.post' && !media.RTC) throw new SwitchboardError('unsupported', 'there is no WebRTC here');
  media.relay = privacy === 'relay';
  let early;
  try {
    if (offers && media.RTC) early = new Peer(media, true);
    const ok = await me._session.request(type, { ...fields, offer: await early?.first(), seats, privacy, allow });
    const { call: id, version, reach = {} } = ok;
    const call = me.calls.get(id) ?? new Call(me, undefined, { id });
    if (ok.glare) {
      // The other one's call was first: it has become ours, and so has the other one's offer.
      early?.close();
      me._crossed.add(id); // its ring may be overtaken by the answer
      await call._sit(media, ok).finally(() => me._crossed.delete(id));
    } else {
      const own = { peer: ok.peer, user: me.user, device: me.device, name: me.user };
      const ringing = Object.keys(reach).filter((user) => reach[user] !== 'unreachable');
      call._open(media, early, { version, members: [own], ringing, reach, seats: seats ?? (offers ? 2 : 5), starter: me.user, privacy: privacy ?? null });
    }
    return me._add(call);
  } catch (error) {
    early?.close();
    media.close();
    throw error;
  }
}

export async function startCall(me, to, options = {}) {
  const users = [to].flat();
  const { ringMs, wait, meta } = options;
  const started = begin(me, 'call.start', { to: users, ring_ms: ringMs, wait, meta }, options, users.length === 1);
  me._starting = Promise.allSettled([me._starting, started]).then(() => {});
  return started;
}

export const postOffer = (me, options = {}) => begin(me, 'offer.post', { ttl_ms: options.ttlMs }, options, true);

export const openRoom = (me, options) => begin(me, 'call.start', { to: [] }, { allow: 'anyone', ...options });

/** To ask for a seat twice is to ask once. */
function enter(me, id, options, type) {
  const under = me._entering;
  if (!under.has(id)) under.set(id, me.calls.get(id) ?? new Call(me, undefined, { id }));
  const entered = under.get(id)._enter(options, type).then((call) => me._add(call));
  return entered.finally(() => under.delete(id));
}

export const takeOffer = (me, id, options) => enter(me, id, options, 'offer.take');

export const joinRoom = (me, id, options) => enter(me, id, options);

export function incomingCall(me, { call: id, seq, from, name, meta, in_call: inCall, seats, members, version, offer }) {
  // One in `pending`, without `seq`, may be what was declined here a moment ago; a new ring has one.
  const over = !seq && me._left.has(id);
  const call = new Call(me, over ? 'ended' : 'incoming', { id, from: { user: from, name }, meta, inCall, offer });
  call._show({ members, seats, starter: from, version });
  return call;
}

export function rejoinCall(me, snapshot) {
  const { call: id } = snapshot;
  const over = me._left.has(id);
  if (over) leave(me, id, true);
  const call = new Call(me, over ? 'ended' : 'rejoin', { id });
  call._show(snapshot);
  call._expire(me._session.welcome.grace_ms);
  return call;
}
