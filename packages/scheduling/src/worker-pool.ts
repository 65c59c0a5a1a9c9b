/** The workers a scheduler knows: who is alive, who is free or nearly free, and which batches each holds. */
import type { Batch } from './batch.js';
import { BatchEnds } from './batch-ends.js';
import { endMs, NearlyFree } from './nearly-free.js';
import type { Conditions } from './policy.js';
import { newWorker, type PooledWorker, takesNext, type WorkerReport } from './pooled-worker.js';
import type { Query } from './query.js';
import type { Station } from './station.js';

/** How and when a batch came off a worker. */
interface Release {
  readonly hasRun: boolean;
  readonly nowMs: number;
  readonly conditions: Conditions;
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
  /** Whose device came to its batch first comes first. */
  readonly #busy = new Set<PooledWorker<Q>>();
  readonly #doubted = new Set<PooledWorker<Q>>();
  readonly #ends = new BatchEnds<Q>();
  readonly #nearlyFree = new NearlyFree<Q>();
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
      worker = newWorker(report, nowMs);
      this.#workers.set(report.workerId, worker);
    }
    worker.report = report;
    worker.isLeaving = false;
    this.seen(worker, nowMs);
    const { batch } = worker;
    const isOld = batch === undefined || this.#read(nowMs) - batch.startMs < reportTransitMs;
    if (!isOld && report.batchId !== batch.id) worker.missedReports += 1;
    worker.isElsewhere = batch === undefined && report.batchId !== undefined;
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

  /** A batch is sent to a worker that is free or nearly free. */
  assign(worker: PooledWorker<Q>, batch: Batch<Q>, conditions: Conditions): void {
    if (worker.batch === undefined) this.#begin(worker, batch, conditions);
    else {
      worker.next = batch;
      worker.isNearlyFree = false;
      this.#nearlyFree.forget(worker.batch);
    }
    this.#settle(worker);
  }

  /** When a worker can begin with what is sent to it now, less the way of the command. */
  startMs({ batch }: PooledWorker<Q>, nowMs: number, conditions: Conditions): number {
    return batch === undefined ? nowMs : Math.max(nowMs, endMs(batch, conditions));
  }

  /** Time has gone on: finds those that are nearly free now, and those that are late and not to be counted on any more. */
  approach(nowMs: number, conditions: Conditions): void {
    this.#nearlyFree.approach(nowMs, conditions, {
      onNear: (batch) => {
        const worker = this.#workers.get(batch.workerId);
        if (worker?.batch !== batch) return false;
        worker.isNearlyFree = true;
        this.#settle(worker);
        return true;
      },
      onLate: (workerId) => {
        const worker = this.#workers.get(workerId);
        if (worker === undefined) return;
        worker.isNearlyFree = false;
        this.#settle(worker);
      },
    });
  }

  /** When a worker's next batch has to be sent at the latest for its device not to idle. */
  nextEndMs(conditions: Conditions): number {
    return this.#nearlyFree.nextEndMs(conditions);
  }

  /** Gives a worker nothing more, or again what there is. */
  doubt(worker: PooledWorker<Q>, isDoubted: boolean): void {
    worker.isDoubted = isDoubted;
    if (isDoubted) this.#doubted.add(worker);
    else this.#doubted.delete(worker);
    this.#settle(worker);
  }

  /** Takes one of its batches off a worker. The one that was sent ahead takes the place of the one on the device. */
  release(worker: PooledWorker<Q>, batch: Batch<Q>, how: Release): void {
    if (how.hasRun) worker.actuated.set(batch.model, batch.subnet);
    else worker.actuated.clear();
    const { next } = worker;
    worker.next = undefined;
    if (batch !== next) {
      worker.batch = undefined;
      worker.isNearlyFree = false;
      this.#busy.delete(worker);
      this.#forget(worker);
      if (next !== undefined) this.#promote(worker, next, batch, how);
    }
    this.#settle(worker);
  }

  /** A worker did not take what it was sent, or will take nothing more: it is given nothing until its next report. */
  refused(worker: PooledWorker<Q>): void {
    worker.report = { ...worker.report, accepting: false };
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
    this.#forget(worker);
    this.#moveTo(worker, []);
  }

  /** Tables have changed: which worker can run which model is found out anew. */
  placeAll(): void {
    for (const worker of this.#workers.values()) this.#place(worker);
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
      for (const batch of [worker.batch, worker.next]) {
        if (batch === undefined) continue;
        batch.sentAtMs += byMs;
        batch.startMs += byMs;
        const { behind } = batch;
        if (behind !== undefined) batch.behind = { ...behind, endMs: behind.endMs + byMs };
      }
    }
    this.#readUpToMs += byMs;
    this.#ends.shiftTimes(byMs);
    this.#nearlyFree.shiftTimes(byMs);
  }

  /** The device has come to the batch that was sent ahead. */
  #promote(worker: PooledWorker<Q>, next: Batch<Q>, before: Batch<Q>, { hasRun, nowMs, conditions }: Release): void {
    next.startMs = Math.max(next.sentAtMs, nowMs - conditions.overheadMs);
    if (hasRun) next.behind = { endMs: before.startMs + before.expectedMs, expectedMs: before.expectedMs };
    this.#begin(worker, next, conditions);
  }

  #begin(worker: PooledWorker<Q>, batch: Batch<Q>, conditions: Conditions): void {
    worker.batch = batch;
    worker.missedReports = 0;
    this.#busy.add(worker);
    worker.place = this.#ends.begins(batch);
    if (takesNext(worker)) this.#nearlyFree.begins(batch, conditions);
  }

  /** What is on its device is not waited for any more. */
  #forget({ place }: PooledWorker<Q>): void {
    if (place?.batch === undefined) return;
    this.#nearlyFree.forget(place.batch);
    place.batch = undefined;
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
      station.nearlyFree.delete(worker);
      if (worker.serves) station.serving -= 1;
    }
    worker.stations = stations;
    if (worker.serves) for (const station of stations) station.serving += 1;
  }

  #settle(worker: PooledWorker<Q>): void {
    const accepts = worker.report.accepting && !worker.isDoubted;
    const isFree = worker.batch === undefined && !worker.isElsewhere && accepts;
    const isNearlyFree = worker.isNearlyFree && worker.next === undefined && takesNext(worker) && accepts;
    const serves = worker.batch !== undefined || accepts;
    for (const station of worker.stations) {
      if (isFree) station.free.add(worker);
      else station.free.delete(worker);
      if (isNearlyFree) station.nearlyFree.add(worker);
      else station.nearlyFree.delete(worker);
      if (serves !== worker.serves) station.serving += serves ? 1 : -1;
    }
    worker.serves = serves;
  }
}
