// One connection to one member: the perfect negotiation of WebRTC 1.0, candidates in batches, ICE that starts anew when it fails.
const BATCH_MS = 20;
const BATCH = 100; // candidates that a signal may carry
const PATIENCE_MS = 4000; // a connection that is `disconnected` often mends itself
const STUCK_MS = 15_000; // and one that does not come about at all is no better than one that failed
const POLITE_MS = 1500; // how much longer the polite side waits, so that not both begin at once
const LONGEST = 4; // pauses between tries double so often: 1 to 16 s

export class Peer {
  #media;
  #link = null;
  #held = []; // signals that wait for the link
  #batch = [];
  #batchTimer;
  #timer;
  #tries = 0;
  #offering = false; // makingOffer, ignoreOffer and isSettingRemoteAnswerPending of the W3C's example
  #ignoring = false;
  #answering = false;
  #broken = false;
  stream = null;

  /** `offers`: this side begins, by itself as soon as there is something to negotiate. The other side waits for an offer. */
  constructor(media, offers) {
    const pc = new media.RTC(media.configuration);
    this.#media = media;
    this.pc = pc;
    for (const track of media.tracks) pc.addTrack(track, media.stream);
    // One who sends nothing wants to hear all the same.
    if (offers && !media.stream?.getAudioTracks().length) pc.addTransceiver('audio', { direction: 'recvonly' });
    pc.onnegotiationneeded = () => this.#offer();
    pc.onicecandidate = ({ candidate }) => this.#gather(candidate);
    pc.onconnectionstatechange = () => this.#onState();
    pc.ontrack = ({ track, streams }) => this.#onTrack(track, streams);
  }

  /** Whom it leads to: {polite, here(), send(signal), changed()}. What waited is sent. */
  open(link) {
    this.#link = link;
    this.#later(STUCK_MS);
    for (const signal of this.#held.splice(0)) this.#signal(signal);
  }

  get connection() {
    return this.#broken ? 'failed' : this.pc.connectionState;
  }

  /** The SDP that rides on a request of the call: an offer, or the answer to one. */
  async first(offer) {
    if (offer) await this.pc.setRemoteDescription({ type: 'offer', sdp: offer });
    await this.pc.setLocalDescription();
    return this.pc.localDescription.sdp;
  }

  /** A signal of the other side. Signals follow each other without a wait in between: the connection queues what it does. */
  async receive({ description, candidates }) {
    if (Array.isArray(candidates)) return candidates.forEach((candidate) => this.#add(candidate));
    if (!description) return undefined; // of another kind, which a later server may know
    const { pc } = this;
    const offered = description.type === 'offer';
    if (!offered && (this.#answering || pc.signalingState === 'stable')) return undefined; // to an offer that was said twice
    const ready = !this.#offering && (pc.signalingState === 'stable' || this.#answering);
    this.#ignoring = offered && !ready && !this.#link.polite;
    if (this.#ignoring) return undefined;
    return this.#attempt(async () => {
      this.#answering = description.type === 'answer';
      try {
        await pc.setRemoteDescription(description);
      } finally {
        this.#answering = false;
      }
      this.#broken = false;
      if (!offered) return;
      if (pc.connectionState !== 'connected') this.#later(STUCK_MS); // the other side has begun
      await pc.setLocalDescription();
      this.#describe();
    });
  }

  /** Sends what the media say now. */
  async replace() {
    const tracks = new Set(this.#media.tracks);
    const changes = this.pc.getTransceivers().filter((one) => one.direction !== 'stopped').map((one) => {
      const track = [...tracks].find(({ kind }) => kind === one.receiver.track.kind) ?? null;
      tracks.delete(track);
      one.direction = track ? 'sendrecv' : 'recvonly';
      return one.sender.replaceTrack(track);
    });
    for (const track of tracks) this.pc.addTrack(track, this.#media.stream);
    await Promise.all(changes);
  }

  /** An offer that nobody answered is made once more: the server has forgotten it. */
  repeat() {
    const unanswered = this.pc.signalingState === 'have-local-offer';
    if (unanswered) this.#describe();
    return unanswered;
  }

  /** Looks for another way, if there is none. */
  async restart() {
    const lost = () => !/^(connected|closed)$/.test(this.pc.connectionState) && this.#link?.here();
    if (!lost()) return;
    this.#tries += 1;
    await this.#media.refresh();
    if (!lost()) return;
    this.#later(this.#pause);
    if (this.repeat()) return; // it has not even been heard, or what answered it was lost
    this.pc.setConfiguration(this.#media.configuration);
    this.pc.restartIce();
  }

  close() {
    clearTimeout(this.#timer);
    clearTimeout(this.#batchTimer);
    this.#link = null;
    this.pc.close();
  }

  async #offer() {
    await this.#attempt(async () => {
      this.#offering = true;
      try {
        await this.pc.setLocalDescription();
        this.#describe();
      } finally {
        this.#offering = false;
      }
    });
  }

  #describe() {
    this.#flush(); // candidates of the description before this one
    this.#signal({ description: this.pc.localDescription.toJSON() });
  }

  #gather(candidate) {
    if (candidate?.candidate === '') return; // the end of one component; null is the end of all
    this.#batch.push(candidate?.toJSON() ?? null);
    this.#batchTimer ??= setTimeout(() => this.#flush(), BATCH_MS);
  }

  #flush() {
    clearTimeout(this.#batchTimer);
    this.#batchTimer = undefined;
    while (this.#batch.length) this.#signal({ candidates: this.#batch.splice(0, BATCH) });
  }

  #signal(signal) {
    if (this.#link) this.#attempt(() => this.#link.send(signal));
    else this.#held.push(signal);
  }

  async #add(candidate) {
    // The bare text is of the one section that voice has; null, that no more will come.
    const init = typeof candidate === 'string' ? { candidate, sdpMLineIndex: 0 } : candidate ?? undefined;
    try {
      await this.pc.addIceCandidate(init);
    } catch (error) {
      // Of an offer that was not heard, or one that the other side made to who had this seat before: no news.
      if (!this.#ignoring && this.pc.remoteDescription) this.#warn(error);
    }
  }

  /** What fails here leaves the call as it is, with this connection `failed`. */
  async #attempt(task) {
    try {
      await task();
    } catch (error) {
      if (this.pc.signalingState === 'closed') return;
      this.#broken = true;
      this.#warn(error);
    }
    this.#link?.changed();
  }

  #warn({ name, code }) {
    console.warn(`switchboard: a connection: ${name === 'SwitchboardError' ? code : name}`); // never the message, which may quote SDP
  }

  #onTrack(track, [stream = this.stream ?? new MediaStream()]) {
    stream.addTrack(track);
    this.stream = stream;
    this.#link?.changed();
  }

  #onState() {
    const state = this.pc.connectionState;
    clearTimeout(this.#timer);
    if (state === 'connected') {
      this.#tries = 0;
      this.#broken = false;
    }
    if (state === 'disconnected') this.#later(PATIENCE_MS);
    if (state === 'failed') this.#later(this.#pause);
    if (state === 'connecting') this.#later(STUCK_MS);
    this.#link?.changed();
  }

  get #pause() {
    return this.#tries && 1000 * 2 ** Math.min(this.#tries - 1, LONGEST);
  }

  #later(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.restart(), this.#link?.polite ? ms + POLITE_MS : ms);
  }
}
