/**
 * When the dispatcher is run although nobody asked at that moment: once for all messages of one read of the socket, and
 * by a single timer for everything that must happen although no message comes.
 */
import type { Clock } from '@slackline/shared';

export class WakeUps {
  #runPlanned = false;
  #cancel: () => void = () => {};
  #atMs = Number.POSITIVE_INFINITY;

  /**
   * @param nowMs the time that `at` is given in
   * @param run what a wake-up does; it must say the next one by `at`
   */
  constructor(
    private readonly clock: Clock,
    private readonly nowMs: () => number,
    private readonly run: () => void,
  ) {}

  /** Runs when what has come in so far has been read. */
  soon(): void {
    if (this.#runPlanned) return;
    this.#runPlanned = true;
    setImmediate(() => {
      this.#runPlanned = false;
      this.run();
    });
  }

  /** Runs at that time, and no more at the one that was said before. */
  at(wakeAtMs: number): void {
    if (wakeAtMs === this.#atMs) return;
    this.#cancel();
    this.#atMs = wakeAtMs;
    if (wakeAtMs === Number.POSITIVE_INFINITY) return;
    this.#cancel = this.clock.after(Math.max(0, wakeAtMs - this.nowMs()), () => {
      this.#atMs = Number.POSITIVE_INFINITY;
      this.run();
    });
  }

  stop(): void {
    this.#cancel();
  }
}
