/**
 * Waits to sub-millisecond accuracy for any number of emulated devices. Timers of the event loop are a millisecond
 * coarse, and spinning would burn the cores that the devices share; so one thread sleeps on a futex, whose timeout has
 * microseconds, until the nearest of all moments.
 */
import { Worker } from 'node:worker_threads';
import { Holds, mostHolds } from './holds.js';

export interface HolderThreadData {
  /** Memory of `Holds`. */
  holds: SharedArrayBuffer;
}

/** Milliseconds of the machine's monotonic clock: unlike `performance.now`, the same in all threads of a process. */
export function holderNow(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}

export class Holder {
  readonly failed: Promise<Error>;
  readonly #holds = new Holds();
  readonly #waiting = new Map<number, () => void>();
  readonly #freeSlots: number[] = [];
  #slots = 0;
  readonly #thread: Worker;
  #closing = false;

  /** @param entry the compiled hold-thread.js */
  constructor(entry: URL) {
    const workerData: HolderThreadData = { holds: this.#holds.memory };
    this.#thread = new Worker(entry, { workerData, execArgv: [] });
    this.#thread.on('message', (slots: number[]) => {
      for (const slot of slots) this.#end(slot);
    });
    this.failed = new Promise((resolve) => {
      this.#thread.once('error', resolve);
      this.#thread.once('exit', (code) => {
        if (!this.#closing) resolve(new Error(`the holding thread ended with code ${code}`));
      });
    });
  }

  /** Milliseconds on the clock that `until` takes. */
  now(): number {
    return holderNow();
  }

  /** Resolves at `untilMs` or a little later, never before. Throws RangeError when 4,096 wait already. */
  until(untilMs: number): Promise<void> {
    const slot = this.#freeSlots.pop() ?? this.#newSlot();
    return new Promise((resolve) => {
      this.#waiting.set(slot, resolve);
      this.#holds.take(slot, untilMs);
    });
  }

  /** Ends the thread and releases everybody who still waits. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#thread.terminate();
    for (const slot of [...this.#waiting.keys()]) this.#end(slot);
  }

  #newSlot(): number {
    if (this.#slots === mostHolds) throw new RangeError(`${mostHolds} devices wait already`);
    return this.#slots++;
  }

  #end(slot: number): void {
    const resolve = this.#waiting.get(slot);
    this.#waiting.delete(slot);
    this.#freeSlots.push(slot);
    resolve?.();
  }
}
