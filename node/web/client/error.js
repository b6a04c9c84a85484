/** What every promise of this client is refused with. */
export class SwitchboardError extends Error {
  constructor(code, message, retryAfterMs) {
    super(message);
    this.name = 'SwitchboardError';
    this.code = code;
    if (retryAfterMs !== undefined) this.retryAfterMs = retryAfterMs;
  }
}

/** A promise for the app: who does not look at it shall not hear of an unhandled rejection. */
export const quiet = (promise) => (promise.catch(() => {}), promise);
