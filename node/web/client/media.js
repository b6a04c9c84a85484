// What all connections of one call share: the stream that is sent, and how a connection is made.
import { SwitchboardError } from './error.js';

const CODES = {
  NotAllowedError: 'microphone_denied',
  SecurityError: 'microphone_denied',
  NotFoundError: 'microphone_missing',
  OverconstrainedError: 'microphone_missing',
};

export class Media {
  #me;
  #ours = false; // the app's own streams are not ours to stop
  #servers = [];
  stream = null;
  relay = false;

  constructor(me) {
    const { RTCPeerConnection = globalThis.RTCPeerConnection ?? null } = me._options;
    this.#me = me;
    this.RTC = RTCPeerConnection;
  }

  /** `stream` as the app gave it: its own, null for silence, undefined for the microphone. */
  static async open(me, stream) {
    const media = new Media(me);
    if (!media.RTC) {
      media.stream = stream ?? null;
      return media;
    }
    const [mine] = await Promise.all([stream === undefined ? media.#microphone() : stream, media.refresh()]);
    media.stream = mine;
    return media;
  }

  async #microphone() {
    try {
      const stream = await navigator.mediaDevices.getUserMedia(this.#me._options.media ?? { audio: true });
      this.#ours = true;
      return stream;
    } catch (error) {
      throw new SwitchboardError(CODES[error.name] ?? 'microphone_failed', error.message);
    }
  }

  /** TURN credentials end: each connection that begins anew gets fresh ones. */
  async refresh() {
    if (this.#me._options.rtc?.iceServers) return;
    this.#servers = await this.#me.iceServers().catch(() => this.#servers);
  }

  get configuration() {
    return { iceServers: this.#servers, ...this.#me._options.rtc, ...(this.relay && { iceTransportPolicy: 'relay' }) };
  }

  get tracks() {
    return this.stream?.getTracks() ?? [];
  }

  replace(stream) {
    if (stream === this.stream) return;
    this.close();
    this.#ours = false;
    this.stream = stream;
  }

  mute(muted) {
    this.stream?.getAudioTracks().forEach((track) => (track.enabled = !muted));
  }

  close() {
    if (this.#ours) this.tracks.forEach((track) => track.stop());
  }
}
