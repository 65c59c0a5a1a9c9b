/**
 * Ends that can wait: of queries that were given up together. That happens when cores or workers are short, and to tell of one costs about
 * what an answer does: told at once, they hold up those that can still be in time (docs/performance.md). Each is told a little after its
 * deadline, when no answer is expected any more, and few at a time.
 */
import type { Clock } from '@slackline/shared';

/** After the deadline; producers are promised 50 ms at most (docs/guarantees.md). */
const afterDeadlineMs = 30;
/** So long after the deadline all are said, however many there are. */
const mostAfterDeadlineMs = 40;
/** An end that is known long before its deadline is said from this on, as its turn comes. */
const mostMs = 100;
const everyMs = 5;
/** Said at a time, where the deadlines allow; else as many as they ask for. */
const mostAtOnce = 64;

interface Waiting<T> {
  readonly end: T;
  /** When it may be said. */
  readonly dueMs: number;
  /** When it is to be said at the latest. */
  readonly latestMs: number;
}

export class LaterEnds<T> {
  /** In no order. */
  #waiting: Waiting<T>[] = [];
  #cancelTimer: (() => void) | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly say: (end: T) => void,
  ) {}

  /** @param leftMs until its deadline */
  add(end: T, leftMs: number): void {
    const nowMs = this.clock.now();
    const dueMs = nowMs + Math.min(mostMs, leftMs + afterDeadlineMs);
    this.#waiting.push({ end, dueMs, latestMs: nowMs + leftMs + mostAfterDeadlineMs });
    this.#cancelTimer ??= this.clock.after(everyMs, this.#sayDue);
  }

  /** Says all that there is. */
  flush(): void {
    const waiting = this.#waiting;
    this.stop();
    for (const { end } of waiting) this.say(end);
  }

  /** Forgets what waits. */
  stop(): void {
    this.#waiting = [];
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  readonly #sayDue = (): void => {
    const nowMs = this.clock.now();
    const due = this.#waiting.filter(({ dueMs }) => dueMs <= nowMs).sort((a, b) => a.latestMs - b.latestMs);
    const now = new Set(due.slice(0, Math.max(mostAtOnce, neededNow(due, nowMs))));
    this.#waiting = this.#waiting.filter((each) => !now.has(each));
    this.#cancelTimer = this.#waiting.length > 0 ? this.clock.after(everyMs, this.#sayDue) : undefined;
    for (const { end } of now) this.say(end);
  };
}

/** How many must be said in this turn so that with as many in each turn that follows none is later than it may be. */
function neededNow(due: readonly Waiting<unknown>[], nowMs: number): number {
  let needed = 0;
  due.forEach(({ latestMs }, i) => {
    const turns = 1 + Math.max(0, Math.floor((latestMs - nowMs) / everyMs));
    needed = Math.max(needed, Math.ceil((i + 1) / turns));
  });
  return needed;
}
