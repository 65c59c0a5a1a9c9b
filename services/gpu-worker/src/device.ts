/**
 * Who has the device: one batch, or one longer job (loading, measuring) at a time.
 *
 * A job goes before the next batch, so that a busy worker still gets to load a new model. When the device is free, its slot
 * is withdrawn first, and the job waits a moment: a batch that was sent before the schedulers heard of it is still run.
 */
import { type Clock, SlacklineError } from '@slackline/shared';
import type { Life } from './life.js';

/** How long a batch command may be on its way after its sender could have heard that there is no slot. */
export const lingerMs = 50;

interface Job {
  kind: 'load' | 'measure';
  start: () => void;
  abandon: (error: Error) => void;
}

export class Device {
  #waiting: Job[] = [];
  /** Ends with what is on the device; undefined when nothing is. Never rejects. */
  #occupied: Promise<void> | undefined;
  #cancelLinger: () => void = () => {};

  /** @param onSlots called whenever slots come up or go, except at the beginning and the end of a batch */
  constructor(
    private readonly life: Life,
    private readonly clock: Clock,
    private readonly onSlots: () => void,
  ) {}

  /** Whether a batch would be run now. */
  get acceptsBatch(): boolean {
    const { state } = this.life;
    return state === 'idle' || state === 'closing' || (state === 'draining' && this.#occupied === undefined);
  }

  /** Puts a batch on the device, which accepts one. `run` never rejects; `ended` is called when the device has been given on. */
  runBatch(run: () => Promise<void>, ended: () => void): void {
    this.#cancelLinger();
    this.life.take('batch');
    this.#occupied = run().then(() => {
      this.#release();
      ended();
    });
  }

  /** Runs `step` when the device is free. Rejects as `step` does, or with `unavailable` when the worker ends before. */
  run<T>(kind: Job['kind'], step: () => Promise<T>): Promise<T> {
    // Nothing else can be on the device before the worker is ready.
    if (this.life.state === 'starting' && kind === 'load') return step();
    if (this.life.isEnding) return Promise.reject(ending());
    return new Promise<T>((resolve, reject) => {
      const start = () => {
        this.life.take(kind);
        const job = step().then(resolve, reject);
        this.#occupied = job.then(() => {
          this.#release();
          if (this.life.freeSlots > 0) this.onSlots();
        });
      };
      this.#waiting.push({ kind, start, abandon: reject });
      if (this.life.take('close')) {
        this.onSlots();
        this.#cancelLinger = this.clock.after(lingerMs, () => this.#startJob());
      }
    });
  }

  /** To be called when the worker has become ready. */
  start(): void {
    this.#startJob();
    if (this.life.freeSlots > 0) this.onSlots();
  }

  /** Sends the waiting jobs away and resolves when the device is free for good. The worker's life has taken `drain`. */
  async drain(): Promise<void> {
    this.#cancelLinger();
    for (const { abandon } of this.#waiting.splice(0)) abandon(ending());
    if (this.#occupied === undefined) {
      await new Promise<void>((resolve) => {
        this.clock.after(lingerMs, resolve);
      });
    }
    while (this.#occupied !== undefined) await this.#occupied;
  }

  #release(): void {
    this.#occupied = undefined;
    this.life.take('finished');
    this.#startJob();
  }

  #startJob(): void {
    const { state } = this.life;
    if (state === 'idle' || state === 'closing') this.#waiting.shift()?.start();
  }
}

function ending(): SlacklineError {
  return new SlacklineError('unavailable', 'The worker is shutting down');
}
