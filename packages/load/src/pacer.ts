/**
 * Open-loop pacing: queries are due at absolute times, whether or not earlier ones were answered. One timer wakes, sends
 * everything that is due and sleeps until the next; a process that fell behind sends at once and says by how much.
 */
import type { Clock } from '@slackline/shared';

export interface Pace {
  /** The load's beginning, by the pacer's clock. */
  startedAtMs: number;
  /** When the next query is due, in milliseconds from the start, never before the last one; Infinity after the last. */
  nextMs: () => number;
  /** Sends one query. @param dueAtMs when it was due, by the pacer's clock */
  send: (dueAtMs: number) => void;
  /** Told how late each query was sent, in milliseconds. */
  onLag: (lagMs: number) => void;
}

export class Pacer {
  readonly #clock: Clock;
  readonly #pace: Pace;
  #dueAtMs: number;
  #cancelTimer: () => void = () => {};
  #end: () => void = () => {};
  /** Resolves when the last query was sent, or after `stop`. */
  readonly ended: Promise<void>;

  /** Starts at once. */
  constructor(clock: Clock, pace: Pace) {
    this.#clock = clock;
    this.#pace = pace;
    this.#dueAtMs = pace.startedAtMs + pace.nextMs();
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#sleep();
  }

  /** Sends no more. */
  stop(): void {
    this.#cancelTimer();
    this.#end();
  }

  #sleep(): void {
    if (this.#dueAtMs === Number.POSITIVE_INFINITY) {
      this.#end();
      return;
    }
    this.#cancelTimer = this.#clock.after(Math.max(0, this.#dueAtMs - this.#clock.now()), () => this.#wake());
  }

  #wake(): void {
    // What falls due while these are sent waits for the next wake: answers must be read in between.
    const now = this.#clock.now();
    while (this.#dueAtMs <= now) {
      this.#pace.onLag(now - this.#dueAtMs);
      this.#pace.send(this.#dueAtMs);
      this.#dueAtMs = this.#pace.startedAtMs + this.#pace.nextMs();
    }
    this.#sleep();
  }
}
