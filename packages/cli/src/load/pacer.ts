/**
 * Open-loop pacing: queries are due at absolute times, whether or not earlier ones were answered. One timer wakes, sends
 * everything that is due and sleeps until the next; a process that fell behind sends at once and says by how much.
 */
import type { Clock } from '@slackline/shared';

export interface Pace {
  /** The load's beginning, by the pacer's clock: the first query is due one gap later. */
  startedAtMs: number;
  /** Gaps between queries, in milliseconds. */
  nextGapMs: () => number;
  /** Queries that would be due so long after the start, or later, are not sent. */
  durationMs: number;
  /** Sends one query. @param dueAtMs when it was due, by the pacer's clock */
  send: (dueAtMs: number) => void;
  /** Told how late each query was sent, in milliseconds. */
  onLag: (lagMs: number) => void;
}

export class Pacer {
  readonly #clock: Clock;
  readonly #pace: Pace;
  readonly #endAtMs: number;
  #dueAtMs: number;
  #cancelTimer: () => void = () => {};
  #end: () => void = () => {};
  /** Resolves when the last query was sent, or after `stop`. */
  readonly ended: Promise<void>;

  /** Starts at once. */
  constructor(clock: Clock, pace: Pace) {
    this.#clock = clock;
    this.#pace = pace;
    this.#endAtMs = pace.startedAtMs + pace.durationMs;
    this.#dueAtMs = pace.startedAtMs + pace.nextGapMs();
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
    if (this.#dueAtMs >= this.#endAtMs) {
      this.#end();
      return;
    }
    this.#cancelTimer = this.#clock.after(Math.max(0, this.#dueAtMs - this.#clock.now()), () => this.#wake());
  }

  #wake(): void {
    // What falls due while these are sent waits for the next wake: answers must be read in between.
    const now = this.#clock.now();
    while (this.#dueAtMs <= now && this.#dueAtMs < this.#endAtMs) {
      this.#pace.onLag(now - this.#dueAtMs);
      this.#pace.send(this.#dueAtMs);
      this.#dueAtMs += this.#pace.nextGapMs();
    }
    this.#sleep();
  }
}
