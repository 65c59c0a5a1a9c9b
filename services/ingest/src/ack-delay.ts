/**
 * How long the broker takes to confirm a publish. PubAcks come on the connection that the queries come on, so this delay also
 * holds what waits for us there: when it grows, we are behind, and it is time to refuse. Times are of one monotonic clock.
 */

/** Weight of the newest delay, as in the round-trip estimate of TCP (RFC 6298). */
const weight = 1 / 8;

export class AckDelay {
  #smoothedMs = 0;
  /** When a PubAck last came, or the first publish after a pause went out. */
  #progressAtMs = Number.POSITIVE_INFINITY;

  /** The mean of late; 0 before the first PubAck. */
  get smoothedMs(): number {
    return this.#smoothedMs;
  }

  /** What a publish must expect at `nowMs`: the mean, or longer while nothing comes at all. */
  expectedMs(nowMs: number): number {
    return Math.max(this.#smoothedMs, nowMs - this.#progressAtMs);
  }

  /** The first publish after a time with none in flight goes out. */
  resume(nowMs: number): void {
    this.#progressAtMs = nowMs;
  }

  /** A PubAck came. Only of first attempts: a repeat's could be an answer to either. */
  answered(sentAtMs: number, nowMs: number): void {
    this.#progressAtMs = nowMs;
    this.#smoothedMs += weight * (nowMs - sentAtMs - this.#smoothedMs);
  }

  /** None came in `timeoutMs`: lost, or slower than that. The mean goes half the way, which doubles the next timeout. */
  missed(timeoutMs: number): void {
    this.#smoothedMs = Math.max(this.#smoothedMs, timeoutMs / 2);
  }
}
