/**
 * Waits to sub-millisecond accuracy for any number of emulated devices. Timers of the event loop are a millisecond
 * coarse, and spinning would burn the cores that the devices share; so one thread sleeps on a futex, whose timeout has
 * microseconds, until the nearest of all moments.
 */
import { Worker } from 'node:worker_threads';

/** What the thread is told: wake me at this moment. */
export interface HoldRequest {
  id: number;
  /** On the clock of `holderNow`. */
  untilMs: number;
}

export interface HolderThreadData {
  /** One Int32: counts requests, and is what the thread sleeps on. */
  signal: SharedArrayBuffer;
}

/** Milliseconds of the machine's monotonic clock: unlike `performance.now`, the same in all threads of a process. */
export function holderNow(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}

export class Holder {
  readonly failed: Promise<Error>;
  readonly #signal = new Int32Array(new SharedArrayBuffer(4));
  readonly #waiting = new Map<number, () => void>();
  readonly #thread: Worker;
  #lastId = 0;
  #closing = false;

  /** @param entry the compiled hold-thread.js */
  constructor(entry: URL) {
    const workerData: HolderThreadData = { signal: this.#signal.buffer as SharedArrayBuffer };
    this.#thread = new Worker(entry, { workerData, execArgv: [] });
    this.#thread.on('message', (ids: number[]) => {
      for (const id of ids) this.#wake(id);
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

  /** Resolves at `untilMs` or a little later, never before. */
  until(untilMs: number): Promise<void> {
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      const request: HoldRequest = { id, untilMs };
      this.#thread.postMessage(request);
      Atomics.add(this.#signal, 0, 1);
      Atomics.notify(this.#signal, 0);
    });
  }

  /** Ends the thread and releases everybody who still waits. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#thread.terminate();
    for (const id of [...this.#waiting.keys()]) this.#wake(id);
  }

  #wake(id: number): void {
    const resolve = this.#waiting.get(id);
    this.#waiting.delete(id);
    resolve?.();
  }
}
