// How loud somebody is, and which way their sound takes.
import { audio } from './ring.js';

const QUIETEST_DB = -54;

/** 0 … 1 as an ear would say, of an amplitude 0 … 1. */
function loudness(amplitude) {
  return amplitude > 0 ? Math.max(0, 1 - (20 * Math.log10(amplitude)) / QUIETEST_DB) : 0;
}

const last = new WeakMap(); // receiver → the time stamp of the newest packet that was looked at

/** Of what a connection brings. The browser tells it with each packet: no packet, no sound. */
export function heard(pc) {
  let level = 0;
  for (const receiver of pc.getReceivers()) {
    const [source] = receiver.getSynchronizationSources?.() ?? [];
    if (!source || last.get(receiver) === source.rtpTimestamp) continue;
    last.set(receiver, source.rtpTimestamp);
    level = Math.max(level, loudness(source.audioLevel ?? 0));
  }
  return level;
}

/** Of the own microphone. Gives a function that tells the level, or undefined where there is nothing to measure. */
export function listenTo(stream) {
  const context = audio();
  if (!context || !stream?.getAudioTracks().length) return undefined;
  const analyser = new AnalyserNode(context, { fftSize: 1024 });
  const source = context.createMediaStreamSource(stream);
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const level = () => {
    analyser.getFloatTimeDomainData(samples);
    return loudness(Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length) * 2);
  };
  return Object.assign(level, { stop: () => source.disconnect() });
}

const ROUTES = { host: 'host', srflx: 'reflexive', prflx: 'reflexive', relay: 'relay' };
const LENGTH = ['host', 'reflexive', 'relay'];

/** {route, rtt} of the pair of candidates that media takes: the longer way of its two ends, and milliseconds. Empty before there is one. */
export async function way(pc) {
  const stats = await pc.getStats();
  let pair;
  for (const one of stats.values()) {
    if (one.type === 'transport' && one.selectedCandidatePairId) pair = stats.get(one.selectedCandidatePairId);
    if (one.type === 'candidate-pair' && one.nominated && one.state === 'succeeded') pair ??= one;
  }
  if (!pair) return {};
  const ends = [pair.localCandidateId, pair.remoteCandidateId].map((id) => LENGTH.indexOf(ROUTES[stats.get(id)?.candidateType]));
  const rtt = pair.currentRoundTripTime;
  return { route: LENGTH[Math.max(...ends)], rtt: rtt === undefined ? undefined : rtt * 1000 };
}
