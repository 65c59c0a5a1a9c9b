/**
 * Who has the device: one batch, or one longer job (loading, measuring) at a time. A second batch may wait behind the first, sent
 * ahead so that the device goes from one to the next without a pause.
 *
 * So that a busy worker still gets to load a new model, the slots are withdrawn when a job comes. It waits a moment: batches that
 * were sent before the schedulers heard of it are still run.
 */
import { type Clock, SlacklineError } from '@slackline/shared';
import type { Life } from './life.js';

/** How long a batch command may be on its way after its sender could have heard that there is no slot. */
export const lingerMs = 50;
/**
 * Batches that a worker is sent at most: one on the device, and one that waits for it. No second one where the device is a core of this
 * machine: that does not idle between two batches but carries messages, and what waits for it is late where both want it.
 */
export function slotsOf(executor: string): number {
  return executor === 'cpu' ? 1 : 2;
}

interface Batch {
  run: () => Promise<void>;
  ended: () => void;
}

interface Job {
  kind: 'load' | 'measure';
  start: () => void;
  abandon: (error: Error) => void;
}

export class Device {
  #waiting: Job[] = [];
  /** Waits for the batch on the device to end. */
  #next: Batch | undefined;
  /** Ends with what is on the device; undefined when nothing is. Never rejects. */
  #occupied: Promise<void> | undefined;
  #isBatch = false;
  /** Whether batches may be on their way that were sent before the slots were withdrawn. */
  #isLingering = false;
  /** Whether nothing is taken any more. */
  #isClosed = false;
  #cancelLinger: () => void = () => {};

  /**
   * @param slots batches that it is sent at most
   * @param onSlots called whenever slots come up or go, except at the beginning and the end of a batch
   */
  constructor(
    readonly slots: number,
    private readonly life: Life,
    private readonly clock: Clock,
    private readonly onSlots: () => void,
  ) {}

  /** Batches that can be taken now, as schedulers are told. */
  get freeSlots(): number {
    const { state } = this.life;
    if (this.#waiting.length > 0) return 0;
    if (state === 'idle') return this.slots;
    return state === 'busy' && this.#next === undefined ? this.slots - 1 : 0;
  }

  /** Whether a batch that comes now would be run: also one that was sent before its sender heard that there is no slot. */
  get acceptsBatch(): boolean {
    const { state } = this.life;
    if (state === 'idle' || state === 'closing') return true;
    const isOpen = (state === 'busy' || state === 'draining') && !this.#isClosed;
    return isOpen && this.#next === undefined && (this.#isBatch || this.#occupied === undefined);
  }

  /**
   * Puts a batch on the device, or behind the one that is there; `acceptsBatch` says that there is room. `run` never rejects;
   * `ended` is called when the device has been given on.
   */
  runBatch(run: () => Promise<void>, ended: () => void): void {
    if (this.#occupied === undefined) this.#startBatch({ run, ended });
    else this.#next = { run, ended };
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
          if (this.freeSlots > 0) this.onSlots();
        });
      };
      const hasSlots = this.#waiting.length === 0 && (this.life.state === 'idle' || this.life.state === 'busy');
      this.#waiting.push({ kind, start, abandon: reject });
      if (hasSlots) this.#withdrawSlots();
    });
  }

  /** To be called when the worker has become ready. */
  start(): void {
    this.#startJob();
    if (this.freeSlots > 0) this.onSlots();
  }

  /** Sends the waiting jobs away and resolves when the device is free for good. The worker's life has taken `drain`. */
  async drain(): Promise<void> {
    this.#cancelLinger();
    this.#isLingering = false;
    for (const { abandon } of this.#waiting.splice(0)) abandon(ending());
    await new Promise<void>((resolve) => {
      this.clock.after(lingerMs, resolve);
    });
    while (this.#occupied !== undefined) await this.#occupied;
    this.#isClosed = true;
  }

  #startBatch({ run, ended }: Batch): void {
    this.life.take('batch');
    this.#isBatch = true;
    this.#occupied = run().then(() => {
      this.#release();
      ended();
    });
  }

  #release(): void {
    this.#occupied = undefined;
    this.#isBatch = false;
    this.life.take('finished');
    const next = this.#next;
    this.#next = undefined;
    if (next === undefined) this.#startJob();
    else this.#startBatch(next);
  }

  /** The first job that waits can start when no batch is on its way any more. */
  #withdrawSlots(): void {
    this.life.take('close');
    this.onSlots();
    this.#isLingering = true;
    this.#cancelLinger = this.clock.after(lingerMs, () => {
      this.#isLingering = false;
      if (this.#occupied === undefined) this.#startJob();
    });
  }

  #startJob(): void {
    const { state } = this.life;
    if (this.#waiting.length === 0 || (state !== 'idle' && state !== 'closing')) return;
    if (this.#isLingering) this.life.take('close');
    else this.#waiting.shift()?.start();
  }
}

function ending(): SlacklineError {
  return new SlacklineError('unavailable', 'The worker is shutting down');
}
