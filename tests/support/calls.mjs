// Stories that many tests begin with.
import { readFileSync } from 'node:fs';

/** Descriptions and candidates as a real Chromium made them. */
export const CHROMIUM = JSON.parse(readFileSync(new URL('../data/chromium-sdp.json', import.meta.url)));
const { audio } = CHROMIUM;

export const OFFER = audio.offer;
export const ANSWER = audio.answer;

/** One posts, the other takes: a call of two with its ids. */
export async function pair(poster, taker, fields = {}) {
  const { call } = await poster.request('offer.post', { offer: OFFER, ...fields });
  await taker.request('offer.take', { call });
  await poster.expect('call.joined', (event) => event.call === call);
  return call;
}

/** An open call that the first one starts and the others join, in order: peers 1, 2, 3, … */
export async function room(starter, others, fields = {}) {
  const { call } = await starter.request('call.start', { to: [], allow: 'anyone', ...fields });
  const seated = [starter];
  for (const other of others) {
    await other.request('call.join', { call });
    for (const one of seated) await one.expect('call.joined', (event) => event.call === call);
    seated.push(other);
  }
  return call;
}
