/** The workers a scheduler knows: who is alive, who is free, and which batch each holds. */
import type { Batch } from './batch.js';
import { BatchEnds } from './batch-ends.js';
import type { Conditions } from './policy.js';
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
  /** The batch that it says it holds. */
  readonly batchId: string | undefined;
}

export interface PooledWorker<Q extends Query> {
  report: WorkerReport;
  lastSeenMs: number;
  /** The batch it holds. One at a time. */
  batch: Batch<Q> | undefined;
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

/** A report this soon after a batch was sent may have been made before it arrived. */
const reportTransitMs = 50;
/** Epochs that are over and still remembered: a worker that comes back does so soon, and ids may hold a process id. */
const rememberedEpochs = 10_000;

/** Nothing here is O(workers) but what is done when a table changes, or the clock. */
export class WorkerPool<Q extends Query> {
  readonly #workers = new Map<string, PooledWorker<Q>>();
  /** Who has been silent longest comes first. */
  readonly #bySilence = new Set<PooledWorker<Q>>();
  /** Whose batch was sent first comes first. */
  readonly #busy = new Set<PooledWorker<Q>>();
  readonly #doubted = new Set<PooledWorker<Q>>();
  readonly #ends = new BatchEnds<Q>((batch) => this.#workers.get(batch.workerId)?.batch === batch);
  /** What workers said up to this moment has been taken in. Silence is judged by it, not by the time. */
  #readUpToMs = Number.POSITIVE_INFINITY;
  /** The epoch under which a worker was given up, by worker. What it says under it no longer counts. */
  readonly #over = new Map<string, string>();

  /** @param stationsOf the models that a worker can run by its report, where each keeps its free workers */
  constructor(private readonly stationsOf: (report: WorkerReport) => readonly Station<PooledWorker<Q>>[]) {}

  get size(): number {
    return this.#workers.size;
  }

  all(): IterableIterator<PooledWorker<Q>> {
    return this.#workers.values();
  }

  get busy(): ReadonlySet<PooledWorker<Q>> {
    return this.#busy;
  }

  get doubted(): ReadonlySet<PooledWorker<Q>> {
    return this.#doubted;
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
      const nothing = { batch: undefined, actuated: new Map<string, string>(), missedReports: 0, stations: [] };
      worker = { report, lastSeenMs: nowMs, isLeaving: false, isDoubted: false, serves: false, ...nothing };
      this.#workers.set(report.workerId, worker);
    }
    worker.report = report;
    worker.isLeaving = false;
    this.seen(worker, nowMs);
    const { batch } = worker;
    const isOld = batch === undefined || this.#read(nowMs) - batch.sentAtMs < reportTransitMs;
    if (!isOld && report.batchId !== batch.id) worker.missedReports += 1;
    // Whatever keeps it busy beside our batches (a measurement) may have actuated anything.
    if (batch === undefined && !report.accepting) worker.actuated.clear();
    this.#place(worker);
    return worker;
  }

  /** Everything that was said before this moment has been taken in; until the first call, all that was said is. */
  readUpTo(atMs: number): void {
    this.#readUpToMs = atMs;
  }

  #read(nowMs: number): number {
    return Math.min(nowMs, this.#readUpToMs);
  }

  /** Something was heard of a worker. */
  seen(worker: PooledWorker<Q>, nowMs: number): void {
    worker.lastSeenMs = nowMs;
    this.#bySilence.delete(worker);
    this.#bySilence.add(worker);
  }

  assign(worker: PooledWorker<Q>, batch: Batch<Q>): void {
    worker.batch = batch;
    worker.missedReports = 0;
    this.#busy.add(worker);
    this.#ends.sent(batch);
    this.#settle(worker);
  }

  /** Gives a worker nothing more, or again what there is. */
  doubt(worker: PooledWorker<Q>, isDoubted: boolean): void {
    worker.isDoubted = isDoubted;
    if (isDoubted) this.#doubted.add(worker);
    else this.#doubted.delete(worker);
    this.#settle(worker);
  }

  /** Takes the batch off a worker. */
  release(worker: PooledWorker<Q>, hasRun: boolean): void {
    const { batch } = worker;
    if (batch === undefined) return;
    if (hasRun) worker.actuated.set(batch.model, batch.subnet);
    else worker.actuated.clear();
    worker.batch = undefined;
    this.#busy.delete(worker);
    this.#ends.cameBack(batch);
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
    this.#workers.delete(workerId);
    this.#bySilence.delete(worker);
    this.#busy.delete(worker);
    this.#doubted.delete(worker);
    if (worker.batch !== undefined) this.#ends.cameBack(worker.batch);
    this.#moveTo(worker, []);
  }

  /** Tables have changed: which worker can run which model is found out anew. */
  placeAll(): void {
    for (const worker of this.#workers.values()) this.#place(worker);
  }

  /** When the next busy worker is expected to be free. */
  nextFreeMs(nowMs: number, conditions: Conditions): number {
    return this.#ends.nextMs(nowMs, conditions);
  }

  /** Workers that have been silent for longer, and those whose batch is so much later than profiled. */
  lost(nowMs: number, deadAfterMs: number, overdueMs: number): PooledWorker<Q>[] {
    const lost = new Set<PooledWorker<Q>>();
    const readMs = this.#read(nowMs);
    for (const worker of this.#bySilence) {
      if (readMs - worker.lastSeenMs <= deadAfterMs) break;
      lost.add(worker);
    }
    for (const { workerId } of this.#ends.overdue(readMs, overdueMs)) {
      const worker = this.#workers.get(workerId);
      if (worker !== undefined) lost.add(worker);
    }
    return [...lost];
  }

  /** All times noted here move by `byMs`. */
  shiftTimes(byMs: number): void {
    for (const worker of this.#workers.values()) {
      worker.lastSeenMs += byMs;
      if (worker.batch !== undefined) worker.batch.sentAtMs += byMs;
    }
    this.#readUpToMs += byMs;
    this.#ends.shiftTimes(byMs);
  }

  #place(worker: PooledWorker<Q>): void {
    const stations = this.stationsOf(worker.report);
    const isSame =
      stations.length === worker.stations.length && stations.every((each, i) => each === worker.stations[i]);
    if (!isSame) this.#moveTo(worker, stations);
    this.#settle(worker);
  }

  #moveTo(worker: PooledWorker<Q>, stations: readonly Station<PooledWorker<Q>>[]): void {
    for (const station of worker.stations) {
      station.free.delete(worker);
      if (worker.serves) station.serving -= 1;
    }
    worker.stations = stations;
    if (worker.serves) for (const station of stations) station.serving += 1;
  }

  #settle(worker: PooledWorker<Q>): void {
    const accepts = worker.report.accepting && !worker.isDoubted;
    const isFree = worker.batch === undefined && accepts;
    const serves = worker.batch !== undefined || accepts;
    for (const station of worker.stations) {
      if (isFree) station.free.add(worker);
      else station.free.delete(worker);
      if (serves !== worker.serves) station.serving += serves ? 1 : -1;
    }
    worker.serves = serves;
  }
}
