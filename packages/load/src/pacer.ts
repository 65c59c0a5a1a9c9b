/**
 * Open-loop pacing: queries are due at absolute times, whether or not earlier ones were answered. One timer wakes, sends
 * everything that is due and sleeps until the next; a process that fell behind sends at once and says by how much.
 *
 * Between two wakes lies a tick at least: what falls due within it leaves in one write, which costs as much as some ten
 * queries do. So a query leaves up to a tick late; whoever counts from when it was due counts that too.
 */
import type { Clock } from '@slackline/shared';

/** Twice what Node's timers can keep apart. */
export const tickMs = 2;

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
    this.#sleep(0);
  }

  /** Sends no more. */
  stop(): void {
    this.#cancelTimer();
    this.#end();
  }

  #sleep(leastMs: number): void {
    if (this.#dueAtMs === Number.POSITIVE_INFINITY) {
      this.#end();
      return;
    }
    this.#cancelTimer = this.#clock.after(Math.max(leastMs, this.#dueAtMs - this.#clock.now()), this.#wake);
  }

  readonly #wake = (): void => {
    // What falls due while these are sent waits for the next wake: answers must be read in between.
    const now = this.#clock.now();
    while (this.#dueAtMs <= now) {
      this.#pace.onLag(now - this.#dueAtMs);
      this.#pace.send(this.#dueAtMs);
      this.#dueAtMs = this.#pace.startedAtMs + this.#pace.nextMs();
    }
    this.#sleep(tickMs);
  };
}
