/** The threads that measure subnets, as the build holds them. */
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { ArrayFile } from '@slackline/shared';
import type { Labelled } from '../stages/accuracy.js';
import type {
  CallName,
  MeasuringCalls,
  RateResult,
  RateTask,
  ThreadReply,
  ThreadRequest,
  ThreadSources,
  TimeResult,
  TimeTask,
} from './measuring-tasks.js';
import type { BuildSources } from './sources.js';

/** Threads are made of compiled files, also where the sources themselves run. */
const compiled = import.meta.url.endsWith('.ts') ? '../../dist/build/measuring-thread.js' : './measuring-thread.js';
const entry = new URL(compiled, import.meta.url);

interface Waiting {
  request: ThreadRequest;
  settle: (reply: ThreadReply) => void;
}

export class MeasuringPool {
  readonly #threads: readonly Thread[];
  readonly #queue: Waiting[] = [];
  readonly #signal: AbortSignal | undefined;
  readonly #stop = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  /** Rows that were sent through the network so far. */
  forwardRows = 0;

  /** Starts threads, by default as many as there are cores. On `signal` they give up what they do. */
  constructor(sources: BuildSources, threads = availableParallelism(), signal?: AbortSignal) {
    const { onnx, spec, calibration, heldOut, test } = sources;
    const workerData: ThreadSources = {
      onnx,
      spec,
      calibration: calibration === undefined ? undefined : shared(calibration),
      heldOut: sharedLabelled(heldOut),
      test: sharedLabelled(test),
      stop: this.#stop,
    };
    this.#threads = Array.from({ length: threads }, () => new Thread(workerData, () => this.#dispatch()));
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort);
    if (signal?.aborted === true) this.#onAbort();
  }

  readonly #onAbort = () => Atomics.store(this.#stop, 0, 1);

  async rate(task: RateTask): Promise<RateResult> {
    const result = await this.#call('rate', task);
    this.forwardRows += result.forwardRows;
    return result;
  }

  /** Times subnets on one thread while the others rest. */
  time(task: TimeTask): Promise<TimeResult> {
    return this.#call('time', task);
  }

  /** Has the threads give up what they do, and resolves when they have ended. */
  async close(): Promise<void> {
    this.#onAbort();
    this.#signal?.removeEventListener('abort', this.#onAbort);
    await Promise.all(this.#threads.map((thread) => thread.end()));
  }

  #call<K extends CallName>(call: K, task: MeasuringCalls[K]['task']): Promise<MeasuringCalls[K]['result']> {
    return new Promise((resolve, reject) => {
      const settle = (reply: ThreadReply) => {
        if (this.#signal?.aborted === true) reject(this.#signal.reason);
        else if ('error' in reply) reject(reply.error);
        else resolve(reply.result as MeasuringCalls[K]['result']);
      };
      this.#queue.push({ request: { call, task } as ThreadRequest, settle });
      this.#dispatch();
    });
  }

  #dispatch(): void {
    for (const thread of this.#threads) {
      if (thread.isFree) {
        const next = this.#queue.shift();
        if (next === undefined) return;
        thread.ask(next);
      }
    }
  }
}

/** One thread, which does one thing at a time. */
class Thread {
  readonly #worker: Worker;
  readonly #exited: Promise<unknown>;
  #waiting: Waiting | undefined;
  #death: Error | undefined;

  constructor(workerData: ThreadSources, onFree: () => void) {
    // What the process was started with (guards, profilers, export conditions) is not meant for the thread.
    this.#worker = new Worker(entry, { workerData, execArgv: [] });
    const settle = (reply: ThreadReply) => {
      const waiting = this.#waiting;
      this.#waiting = undefined;
      waiting?.settle(reply);
      onFree();
    };
    this.#worker.on('message', settle);
    this.#worker.on('error', (error) => {
      this.#death = error;
      settle({ error });
    });
    this.#exited = once(this.#worker, 'exit').catch(() => {});
  }

  /** A dead thread is free, too: it answers at once. */
  get isFree(): boolean {
    return this.#waiting === undefined;
  }

  ask(waiting: Waiting): void {
    if (this.#death !== undefined) {
      waiting.settle({ error: this.#death });
      return;
    }
    this.#waiting = waiting;
    this.#worker.postMessage(waiting.request);
  }

  /**
   * Ends the thread after what it does. It is not terminated: where that hits ONNX Runtime in the middle of a run, or of
   * being loaded, the whole process ends.
   */
  async end(): Promise<void> {
    if (this.#death === undefined) this.#worker.postMessage('end' satisfies ThreadRequest);
    await this.#exited;
  }
}

/** A copy in memory that threads share: large inputs are there once. */
function shared<T extends ArrayFile>({ shape, data }: T): ArrayFile {
  return { shape, data: sharedCopy(data) };
}

function sharedLabelled({ images, labels }: Labelled): Labelled {
  return { images: shared(images), labels: sharedCopy(labels) };
}

function sharedCopy<T extends ArrayFile['data']>(data: T): T {
  const memory = new SharedArrayBuffer(data.byteLength);
  new Uint8Array(memory).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  const View = data.constructor as new (memory: SharedArrayBuffer) => T;
  return new View(memory);
}
