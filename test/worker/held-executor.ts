/** An executor that does what the test says, when the test says it. */
import type { BatchResult, Executor, ExecutorBatch } from '@slackline/gpu-worker';

export class HeldExecutor implements Executor {
  readonly name = 'held';
  readonly failed: Promise<Error>;
  /** Batches in the order they came. */
  readonly batches: ExecutorBatch[] = [];
  die: (error: Error) => void = () => {};
  #finish: (() => void) | undefined;
  #abandon: (() => void) | undefined;
  #arrived: (() => void) | undefined;
  closed = false;

  constructor() {
    this.failed = new Promise((resolve) => {
      this.die = resolve;
    });
  }

  async prepare() {
    return async () => {};
  }
  unload = () => Promise.resolve();
  hosts = (_digest: string, subnet: string) => subnet !== 'unknown';

  run(batch: ExecutorBatch): Promise<BatchResult> {
    this.batches.push(batch);
    this.#arrived?.();
    return new Promise((resolve, reject) => {
      const answers = batch.queries.map(({ body }) => ({ outputs: body }));
      this.#finish = () => resolve({ answers, actuationMs: 1, inferenceMs: 2 });
      void this.failed.then(reject);
    });
  }

  /** Resolves when the `count`th batch has come. */
  async has(count: number): Promise<void> {
    while (this.batches.length < count) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
  }

  /** Ends the batch that is on the device: each answer is the query's body. */
  finish(): void {
    this.#finish?.();
  }

  measure(): Promise<number[][][]> {
    return new Promise((_, reject) => {
      this.#abandon = () => reject(new Error('the measurement was abandoned'));
    });
  }
  abandonMeasure(): void {
    this.#abandon?.();
  }
  async close() {
    this.closed = true;
  }
}

/** What `startWorker` takes to use it. */
export function executorsOf(...executors: Executor[]) {
  const left = [...executors];
  return {
    create: () => {
      const next = left.shift();
      if (next === undefined) throw new Error('more workers than executors');
      return next;
    },
    close: () => Promise.resolve(),
  };
}
