/** One worker as the scheduler knows it: what it last said of itself, and which batches it holds. */
import type { Batch } from './batch.js';
import type { BatchPlace } from './batch-ends.js';
import type { Query } from './query.js';
import type { Station } from './station.js';

/** What a worker says of itself. */
export interface WorkerReport {
  readonly workerId: string;
  /** One life of the worker; a new one means that whatever the old one held is lost. */
  readonly epoch: string;
  readonly deviceClass: string;
  /** Names of the models that it has loaded. */
  readonly models: ReadonlySet<string>;
  /** Versions of models that it has loaded, by digest; undefined: it does not say. */
  readonly versions?: ReadonlySet<string>;
  /** Whether it takes a batch now (not measuring, not draining). */
  readonly accepting: boolean;
  /** The batch that it says it is running. */
  readonly batchId: string | undefined;
  /** Batches that it holds at most, the one on the device included; absent: one. */
  readonly slots?: number;
}

export interface PooledWorker<Q extends Query> {
  report: WorkerReport;
  lastSeenMs: number;
  /** The batch on its device. One at a time. */
  batch: Batch<Q> | undefined;
  /** The one that was sent ahead, and waits there for the device. */
  next: Batch<Q> | undefined;
  /** Where that batch is waited for (batch-ends.ts). */
  place: BatchPlace<Q> | undefined;
  /** Whether its batch is about to end (nearly-free.ts). */
  isNearlyFree: boolean;
  /** Whether it runs a batch that is not ours: of a leader before us, or one that was taken back. */
  isElsewhere: boolean;
  /** By model, the id of the subnet that it was last known to have actuated. A new epoch begins without any. */
  readonly actuated: Map<string, string>;
  /** Reports since its batch was sent that did not name it. */
  missedReports: number;
  /** Whether it has said goodbye, and not since then that it holds a batch. */
  isLeaving: boolean;
  /** Whether what is sent to it may not arrive: it is given nothing until it has shown that it hears. */
  isDoubted: boolean;
  /** Whether it takes batches: it accepts one, or holds one. */
  serves: boolean;
  /** The models that it can run. */
  stations: readonly Station<PooledWorker<Q>>[];
}

/** One that was heard of for the first time: it holds nothing. */
export function newWorker<Q extends Query>(report: WorkerReport, nowMs: number): PooledWorker<Q> {
  return {
    report,
    lastSeenMs: nowMs,
    batch: undefined,
    next: undefined,
    place: undefined,
    isNearlyFree: false,
    isElsewhere: false,
    actuated: new Map(),
    missedReports: 0,
    isLeaving: false,
    isDoubted: false,
    serves: false,
    stations: [],
  };
}

/** Whether it holds a second batch behind the one on its device. */
export const takesNext = ({ report }: PooledWorker<Query>) => (report.slots ?? 1) > 1;
