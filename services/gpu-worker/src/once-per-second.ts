/** Lets one of many like events through each second, and counts the others. */
import type { Clock } from '@slackline/shared';

export class OncePerSecond {
  #nextMs = Number.NEGATIVE_INFINITY;
  #suppressed = 0;

  constructor(private readonly clock: Clock) {}

  /** How many events were held back before this one, or undefined if this one is held back too. */
  allow(): number | undefined {
    if (this.clock.now() < this.#nextMs) {
      this.#suppressed++;
      return undefined;
    }
    this.#nextMs = this.clock.now() + 1_000;
    const suppressed = this.#suppressed;
    this.#suppressed = 0;
    return suppressed;
  }
}
