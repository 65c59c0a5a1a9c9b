/**
 * Ends that can wait: of queries that were given up together. That happens when cores or workers are short, and to tell of one costs about
 * what an answer does: told at once, they hold up those that can still be in time (docs/performance.md). Each is told a little after its
 * deadline, when no answer is expected any more, so that they come no more densely than they were due.
 */
import type { Clock } from '@slackline/shared';

/** After the deadline; producers are promised 50 ms at most (docs/guarantees.md). */
const afterDeadlineMs = 30;
/** An end that is known long before its deadline waits no longer than this. */
const mostMs = 100;
const everyMs = 5;

export class LaterEnds<T> {
  /** In no order. */
  #waiting: { readonly end: T; readonly dueMs: number }[] = [];
  #cancelTimer: (() => void) | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly say: (end: T) => void,
  ) {}

  /** @param leftMs until its deadline */
  add(end: T, leftMs: number): void {
    const restMs = Math.min(mostMs, leftMs + afterDeadlineMs);
    this.#waiting.push({ end, dueMs: this.clock.now() + restMs });
    this.#cancelTimer ??= this.clock.after(everyMs, this.#sayDue);
  }

  /** Says all that there is. */
  flush(): void {
    this.#sayUntil(Number.POSITIVE_INFINITY);
  }

  /** Forgets what waits. */
  stop(): void {
    this.#waiting = [];
    this.#sayUntil(Number.POSITIVE_INFINITY);
  }

  readonly #sayDue = (): void => this.#sayUntil(this.clock.now());

  #sayUntil(ms: number): void {
    this.#cancelTimer?.();
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ dueMs }) => dueMs > ms);
    this.#cancelTimer = this.#waiting.length > 0 ? this.clock.after(everyMs, this.#sayDue) : undefined;
    for (const { end, dueMs } of waiting) if (dueMs <= ms) this.say(end);
  }
}
