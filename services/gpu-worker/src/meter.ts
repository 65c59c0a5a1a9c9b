/** Counts what a worker does, for its one-second summaries. */
import type { Clock, WorkerTelemetry } from '@slackline/shared';

export type MeterReading = Pick<
  WorkerTelemetry,
  'batches' | 'queries' | 'actuations' | 'busyShare' | 'meanActuationMs' | 'meanInferenceMs'
>;

export class Meter {
  #batches = 0;
  #queries = 0;
  #actuations = 0;
  #busySinceMs: number | undefined;
  // Since the last reading.
  #readAtMs: number;
  #busyMs = 0;
  #recent = { batches: 0, inferenceMs: 0, actuations: 0, actuationMs: 0 };

  constructor(private readonly clock: Clock) {
    this.#readAtMs = clock.now();
  }

  batchStarted(): void {
    this.#busySinceMs = this.clock.now();
  }

  /** @param batch undefined: it was not run after all */
  batchEnded(batch: { queries: number; actuationMs: number; inferenceMs: number } | undefined): void {
    this.#settleBusy();
    this.#busySinceMs = undefined;
    if (batch === undefined) return;
    this.#batches++;
    this.#queries += batch.queries;
    this.#recent.batches++;
    this.#recent.inferenceMs += batch.inferenceMs;
    if (batch.actuationMs === 0) return;
    this.#actuations++;
    this.#recent.actuations++;
    this.#recent.actuationMs += batch.actuationMs;
  }

  /** Counts since the start, shares and means since the last reading. */
  read(): MeterReading {
    this.#settleBusy();
    const now = this.clock.now();
    const { batches, inferenceMs, actuations, actuationMs } = this.#recent;
    const reading = {
      batches: this.#batches,
      queries: this.#queries,
      actuations: this.#actuations,
      busyShare: Math.min(1, this.#busyMs / Math.max(1, now - this.#readAtMs)),
      meanActuationMs: actuationMs / Math.max(1, actuations),
      meanInferenceMs: inferenceMs / Math.max(1, batches),
    };
    this.#readAtMs = now;
    this.#busyMs = 0;
    this.#recent = { batches: 0, inferenceMs: 0, actuations: 0, actuationMs: 0 };
    return reading;
  }

  /** Books the busy time up to now. */
  #settleBusy(): void {
    if (this.#busySinceMs === undefined) return;
    const now = this.clock.now();
    this.#busyMs += now - this.#busySinceMs;
    this.#busySinceMs = now;
  }
}
