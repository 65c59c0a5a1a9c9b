/**
 * Ends that can wait: of queries that were given up. Where they are few, their producers may still turn to something else, and are told at
 * once. Many are given up when what there is of cores or workers does not do, and to tell of one costs about what an answer does: that is
 * done when the rush is over, a part at a time, so that it holds nothing up that can still be in time (docs/performance.md).
 */
import type { Clock } from '@slackline/shared';

/** Of one turn of the event loop: no more than one batch answers. */
const mostAtOnce = 16;
/** Longer than most bursts of traffic. */
const restMs = 100;
/** Then one part in so many is told of every so often: tens of thousands take half a second. */
const partOf = 8;
const everyMs = 5;

export class LaterEnds<T> {
  #waiting: T[] = [];
  #cancelTimer: () => void = () => {};

  constructor(
    private readonly clock: Clock,
    private readonly say: (end: T) => void,
  ) {}

  add(end: T): void {
    if (this.#waiting.push(end) === 1) setImmediate(this.#endOfTurn);
  }

  /** Says all that there is. */
  flush(): void {
    this.#cancelTimer();
    this.#sayFirst(this.#waiting.length);
  }

  /** Says nothing any more. */
  stop(): void {
    this.#cancelTimer();
    this.#waiting = [];
  }

  readonly #endOfTurn = (): void => {
    this.#cancelTimer();
    if (this.#waiting.length > mostAtOnce) this.#cancelTimer = this.clock.after(restMs, this.#sayPart);
    else this.flush();
  };

  readonly #sayPart = (): void => {
    this.#sayFirst(Math.max(mostAtOnce, Math.ceil(this.#waiting.length / partOf)));
    if (this.#waiting.length > 0) this.#cancelTimer = this.clock.after(everyMs, this.#sayPart);
  };

  #sayFirst(count: number): void {
    for (const end of this.#waiting.splice(0, count)) this.say(end);
  }
}
