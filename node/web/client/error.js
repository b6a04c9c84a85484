/** What every promise of this client is refused with. */
export class SwitchboardError extends Error {
  constructor(code, message, retryAfterMs) {
    super(message);
    this.name = 'SwitchboardError';
    this.code = code;
    if (retryAfterMs !== undefined) this.retryAfterMs = retryAfterMs;
  }
}
