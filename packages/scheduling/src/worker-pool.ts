/** The workers a scheduler knows: who is alive, who is free, and which batch each holds. */
import type { Query } from './query.js';

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
  /** The batch that it says it holds. */
  readonly batchId: string | undefined;
}

/** A batch that was sent to a worker and has not come back. */
export interface Batch<Q extends Query> {
  readonly id: string;
  readonly workerId: string;
  readonly epoch: string;
  readonly model: string;
  /** The version of the model that was planned with; undefined: whichever the worker serves. */
  readonly version: string | undefined;
  /** Id and profiled accuracy of the subnet. */
  readonly subnet: string;
  readonly accuracy: number;
  readonly queries: readonly Q[];
  sentAtMs: number;
  /** Profiled latency of this batch. */
  readonly expectedMs: number;
}

export interface PooledWorker<Q extends Query> {
  report: WorkerReport;
  lastSeenMs: number;
  /** The batch it holds. One at a time. */
  batch: Batch<Q> | undefined;
  /** What its last batch made it actuate. */
  actuated: { model: string; subnet: string } | undefined;
  /** Reports since then that did not name it. */
  missedReports: number;
}

/** A report this soon after a batch was sent may have been made before it arrived. */
const reportTransitMs = 50;
/** Epochs that are over and still remembered: a worker that comes back does so soon, and ids may hold a process id. */
const rememberedEpochs = 10_000;

/** Free workers are kept in the order in which they became free, so that the next one is found in O(1). */
export class WorkerPool<Q extends Query> {
  readonly #workers = new Map<string, PooledWorker<Q>>();
  readonly #free = new Set<PooledWorker<Q>>();
  /** The epoch under which a worker was given up, by worker. What it says under it no longer counts. */
  readonly #over = new Map<string, string>();

  get size(): number {
    return this.#workers.size;
  }

  get free(): ReadonlySet<PooledWorker<Q>> {
    return this.#free;
  }

  all(): IterableIterator<PooledWorker<Q>> {
    return this.#workers.values();
  }

  get(workerId: string): PooledWorker<Q> | undefined {
    return this.#workers.get(workerId);
  }

  isOver(report: WorkerReport): boolean {
    return this.#over.get(report.workerId) === report.epoch;
  }

  /** Takes a report in; the worker must not be one whose epoch is over. */
  report(report: WorkerReport, nowMs: number): PooledWorker<Q> {
    let worker = this.#workers.get(report.workerId);
    if (worker === undefined) {
      worker = { report, lastSeenMs: nowMs, batch: undefined, actuated: undefined, missedReports: 0 };
      this.#workers.set(report.workerId, worker);
    }
    worker.report = report;
    worker.lastSeenMs = nowMs;
    const { batch } = worker;
    const isOld = batch === undefined || nowMs - batch.sentAtMs < reportTransitMs;
    if (!isOld && report.batchId !== batch.id) worker.missedReports += 1;
    this.#settle(worker);
    return worker;
  }

  assign(worker: PooledWorker<Q>, batch: Batch<Q>): void {
    worker.batch = batch;
    worker.actuated = batch;
    worker.missedReports = 0;
    this.#settle(worker);
  }

  /** Takes the batch off a worker. */
  release(worker: PooledWorker<Q>): void {
    worker.batch = undefined;
    this.#settle(worker);
  }

  /** Forgets a worker. Under the epoch that it had it will not be believed again. */
  remove(worker: PooledWorker<Q>): void {
    const { workerId, epoch } = worker.report;
    this.#over.delete(workerId);
    this.#over.set(workerId, epoch);
    for (const oldest of this.#over.keys()) {
      if (this.#over.size <= rememberedEpochs) break;
      this.#over.delete(oldest);
    }
    this.#workers.delete(worker.report.workerId);
    this.#free.delete(worker);
  }

  /** All times noted here move by `byMs`. */
  shiftTimes(byMs: number): void {
    for (const worker of this.#workers.values()) {
      worker.lastSeenMs += byMs;
      if (worker.batch !== undefined) worker.batch.sentAtMs += byMs;
    }
  }

  #settle(worker: PooledWorker<Q>): void {
    if (worker.batch === undefined && worker.report.accepting) this.#free.add(worker);
    else this.#free.delete(worker);
  }
}
