/** Time of this process. Injected wherever time decides something, so that tests hold it in their hand. */
export interface Clock {
  /** Milliseconds that only grow, with fractions; zero lies anywhere. */
  now(): number;
  /** Calls back once, `delayMs` from now. The returned function takes it back. */
  after(delayMs: number, callback: () => void): () => void;
}

/** The monotonic clock of the machine. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
