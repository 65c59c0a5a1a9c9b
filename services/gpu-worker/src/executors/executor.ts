/** What runs batches on a device. One executor belongs to one worker; the worker gives it one thing to do at a time. */
import type { BatchAnswer, LatencyProfile, ModelEntry } from '@slackline/shared';

/** Where executors get what a model consists of. */
export interface ModelSources {
  /** The servable's bytes, in a buffer that belongs to the caller. Throws `unavailable` when the store does not hold them. */
  servable(digest: string): Promise<Uint8Array>;
  /** The present latency profile of `model` on this worker's device class. */
  latency(model: string): LatencyProfile | undefined;
}

/** One query of a batch, as the producer sent it. */
export interface QueryBody {
  contentType: string;
  body: Uint8Array;
}

export interface ExecutorBatch {
  /** Version of the model. */
  digest: string;
  subnet: string;
  queries: readonly QueryBody[];
}

export interface BatchResult {
  /** In the order of the queries. */
  answers: BatchAnswer[];
  /** Time for making `subnet` the active one; 0 when it already was. */
  actuationMs: number;
  /** Time for decoding, running and encoding. */
  inferenceMs: number;
}

/** A grid of (subnet, batch size) to be timed. */
export interface MeasureGrid {
  digest: string;
  subnets: readonly string[];
  batches: readonly number[];
  /** Time to spend on each cell. */
  budgetMs: number;
}

export interface Executor {
  /** As statuses name it: `cpu`, `webgpu`, `cuda`, `emulated`. */
  readonly name: string;
  /** Resolves when the executor can do nothing more, with the reason. Never rejects. */
  readonly failed: Promise<Error>;
  /** Gets what `entry` needs, away from the device, and returns the step that puts it there. Throws when it is not to be had. */
  prepare(entry: ModelEntry, sources: ModelSources): Promise<() => Promise<void>>;
  /** Forgets a version; nothing happens if it is not there. */
  unload(digest: string): Promise<void>;
  /** Whether a loaded version has this subnet. */
  hosts(digest: string, subnet: string): boolean;
  /** Runs a batch of a loaded version. A query that fails is an error in its answer; rejects only with the executor itself. */
  run(batch: ExecutorBatch): Promise<BatchResult>;
  /** Samples in milliseconds, `[subnet][batch]` in the order of the grid. Rejects when abandoned or refused. */
  measure(grid: MeasureGrid): Promise<number[][][]>;
  /** Ends a measurement early; its promise rejects. */
  abandonMeasure(): void;
  /** Lets go of the device and of every thread. */
  close(): Promise<void>;
}
