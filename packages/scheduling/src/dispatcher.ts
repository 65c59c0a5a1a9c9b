/**
 * The decision loop as a state machine. Whoever owns it (the scheduler service, the simulator) tells it what happened and
 * what time it is; it answers through `Effects`: send this batch, this query has expired. It does no I/O and has no clock.
 */
import { EdfQueue } from './edf-queue.js';
import { guarded } from './guard.js';
import type { LatencyTable } from './latency-table.js';
import type { Conditions, DecisionView, Policy, QueueView } from './policy.js';
import type { Query } from './query.js';
import { type Batch, type PooledWorker, WorkerPool, type WorkerReport } from './worker-pool.js';

/** What the dispatcher wants done. Called synchronously; must not call back into the dispatcher. */
export interface Effects<Q extends Query> {
  send(batch: Batch<Q>): void;
  /** No worker could answer this query in time any more. */
  expired(query: Q): void;
  /** The last worker that a query is allowed to lose was lost with it. */
  failed(query: Q): void;
  /** A worker speaks under an epoch that is over. */
  fenced(workerId: string, epoch: string): void;
}

export interface DispatcherOptions {
  /** What to reckon with until `setConditions` says otherwise. */
  conditions: Conditions;
  /** Queries of one batch. */
  maxBatch: number;
  /** Bodies of one batch, together. */
  maxBatchBytes: number;
  /** A worker that has not been heard of for so long is lost. */
  deadAfterMs: number;
  /** A batch this much later than profiled is lost, and its worker with it. */
  overdueMs: number;
}

/** Workers that a query may be lost with before it has failed. */
const maxDeaths = 2;
/** Reports without its batch after which a worker does not have it. The first may have been sent before the batch came. */
const missedReports = 2;

/** A table, and the version of the model that it was measured on; undefined: any. */
interface VersionedTable {
  table: LatencyTable;
  version: string | undefined;
}

interface ModelState<Q extends Query> {
  queue: EdfQueue<Q>;
  /** By device class. */
  tables: Map<string, VersionedTable>;
  /** The least that any known device class needs for one query; 0 while nothing is profiled. */
  fastestMs: number;
  /** Queries ever added. */
  arrived: number;
}

export class Dispatcher<Q extends Query> {
  readonly #models = new Map<string, ModelState<Q>>();
  readonly #pool = new WorkerPool<Q>();
  #conditions: Conditions;
  #batches = 0;
  #waitUntilMs = Number.POSITIVE_INFINITY;

  constructor(
    private readonly policy: Policy,
    private readonly effects: Effects<Q>,
    private readonly options: DispatcherOptions,
    /** Makes batch ids unique among schedulers, e.g. the fencing token. */
    private readonly idPrefix = '',
  ) {
    this.#conditions = options.conditions;
  }

  /** Queries waiting, of all models. */
  get queued(): number {
    let total = 0;
    for (const model of this.#models.values()) total += model.queue.size;
    return total;
  }

  get workers(): number {
    return this.#pool.size;
  }

  /** Batches that are out, oldest first per worker. */
  *inFlight(): IterableIterator<Batch<Q>> {
    for (const worker of this.#pool.all()) if (worker.batch !== undefined) yield worker.batch;
  }

  /** Measured anew while the system runs. */
  setConditions(conditions: Conditions): void {
    this.#conditions = conditions;
  }

  /**
   * Sets, replaces or (with undefined) removes the latencies of a model on a device class. Call `run` afterwards.
   *
   * @param version of the model that was measured: only workers that have it loaded are given batches by this table
   */
  setTable(model: string, deviceClass: string, table: LatencyTable | undefined, version?: string): void {
    const state = this.#model(model);
    if (table === undefined) state.tables.delete(deviceClass);
    else state.tables.set(deviceClass, { table, version });
    const fastest = [...state.tables.values()].map((each) => each.table.fastestMs);
    state.fastestMs = fastest.length === 0 ? 0 : Math.min(...fastest);
  }

  /** Takes a query in. Call `run` when those that arrived together are in. */
  add(query: Q): void {
    const state = this.#model(query.model);
    state.arrived += 1;
    state.queue.push(query);
  }

  /** Gives up every waiting query of a model that is no longer served, most urgent first. Those in flight may still end. */
  withdraw(model: string): Q[] {
    return this.#models.get(model)?.queue.takeBefore(Number.POSITIVE_INFINITY) ?? [];
  }

  /** A worker spoke: it joined, it is alive, or it has become free. */
  report(report: WorkerReport, nowMs: number): void {
    if (this.#pool.isOver(report)) {
      this.effects.fenced(report.workerId, report.epoch);
      return;
    }
    const known = this.#pool.get(report.workerId);
    if (known !== undefined && known.report.epoch !== report.epoch) this.#giveUp(known);
    const worker = this.#pool.report(report, nowMs);
    if (worker.missedReports >= missedReports && worker.batch !== undefined) this.#takeBack(worker, worker.batch);
    this.run(nowMs);
  }

  /**
   * A batch came back. Returns it if that batch was in flight on that life of that worker, and undefined for the word of
   * someone who was given up, which changes nothing. Call `run` once its answers are on their way.
   */
  complete(batchId: string, workerId: string, epoch: string, nowMs: number): Batch<Q> | undefined {
    const worker = this.#pool.get(workerId);
    const batch = worker?.batch;
    if (worker === undefined || batch === undefined || batch.id !== batchId || batch.epoch !== epoch) return undefined;
    worker.lastSeenMs = nowMs;
    this.#pool.release(worker);
    return batch;
  }

  /**
   * A worker did not take its batch: the queries wait again as if it had not been sent, and the worker is left alone until
   * its next report says that it takes one.
   */
  refused(batchId: string, workerId: string, epoch: string, nowMs: number): void {
    const batch = this.complete(batchId, workerId, epoch, nowMs);
    const worker = this.#pool.get(workerId);
    if (batch === undefined || worker === undefined) return;
    this.#pool.report({ ...worker.report, accepting: false }, nowMs);
    for (const query of batch.queries) this.add(query);
    this.run(nowMs);
  }

  /** The clock that all times here are read from was set anew by `byMs`. */
  shiftTimes(byMs: number): void {
    this.#pool.shiftTimes(byMs);
  }

  /** A worker says goodbye: it has finished what it held. Returns false for one that still holds a batch, which is kept. */
  leave(workerId: string, epoch: string): boolean {
    const worker = this.#pool.get(workerId);
    if (worker?.report.epoch !== epoch || worker.batch !== undefined) return false;
    this.#pool.remove(worker);
    return true;
  }

  /** A worker is gone, e.g. its subject has no responder. Its batch is given back. */
  lost(workerId: string, epoch: string, nowMs: number): void {
    const worker = this.#pool.get(workerId);
    if (worker?.report.epoch !== epoch) return;
    this.#giveUp(worker);
    this.run(nowMs);
  }

  /** Workers that have gone silent, and batches that are overdue. */
  findLost(nowMs: number): PooledWorker<Q>[] {
    const { deadAfterMs, overdueMs } = this.options;
    return [...this.#pool.all()].filter(({ lastSeenMs, batch }) => {
      const overdue = batch !== undefined && nowMs - batch.sentAtMs > batch.expectedMs + overdueMs;
      return overdue || nowMs - lastSeenMs > deadAfterMs;
    });
  }

  /** Expires what is out of reach, then sends batches while a worker is free and has something to do. */
  run(nowMs: number): void {
    for (const state of this.#models.values()) {
      for (const query of state.queue.takeBefore(this.#reachable(state, nowMs))) this.effects.expired(query);
    }
    this.#waitUntilMs = Number.POSITIVE_INFINITY;
    for (const worker of this.#pool.free) this.#serve(worker, nowMs);
  }

  /** When `run` must be called again although nothing has happened: the next expiry, or the end of a policy's wait. */
  nextWakeMs(): number {
    let wake = this.#waitUntilMs;
    for (const state of this.#models.values()) {
      const head = state.queue.head();
      if (head !== undefined) wake = Math.min(wake, head.deadlineMs - this.#reachable(state, 0));
    }
    return wake;
  }

  /** Deadlines before this time cannot be met any more. */
  #reachable(state: ModelState<Q>, nowMs: number): number {
    const { overheadMs, slowdown } = this.#conditions;
    return nowMs + (state.fastestMs === 0 ? 0 : state.fastestMs * slowdown + overheadMs);
  }

  #serve(worker: PooledWorker<Q>, nowMs: number): void {
    const queues = this.#queuesFor(worker);
    if (queues.length === 0) return;
    const { workerId, deviceClass } = worker.report;
    const view: DecisionView = {
      nowMs,
      conditions: this.#conditions,
      queues,
      worker: { id: workerId, deviceClass },
      otherFreeWorkers: this.#pool.free.size - 1,
      workers: this.#pool.size,
      nextFreeMs: this.#nextFreeMs(nowMs),
    };
    const decision = guarded(this.policy, view);
    if (decision.kind === 'wait') {
      this.#waitUntilMs = Math.min(this.#waitUntilMs, decision.untilMs);
      return;
    }
    const { queue, tables } = this.#model(decision.model);
    const known = tables.get(deviceClass);
    const subnet = known?.table.subnets[decision.subnet];
    if (known === undefined || subnet === undefined) return;
    const queries = queue.take(Math.min(decision.batch, this.options.maxBatch), this.options.maxBatchBytes);
    this.#batches += 1;
    const batch: Batch<Q> = {
      id: `${this.idPrefix}${this.#batches}`,
      workerId,
      epoch: worker.report.epoch,
      model: decision.model,
      version: known.version,
      subnet: subnet.id,
      accuracy: subnet.accuracy,
      queries,
      sentAtMs: nowMs,
      expectedMs: known.table.estimate(decision.subnet, queries.length),
    };
    this.#pool.assign(worker, batch);
    this.effects.send(batch);
  }

  #nextFreeMs(nowMs: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { sentAtMs, expectedMs } of this.inFlight()) next = Math.min(next, sentAtMs + expectedMs);
    return Math.max(nowMs, next);
  }

  #queuesFor(worker: PooledWorker<Q>): QueueView[] {
    const views: QueueView[] = [];
    for (const model of worker.report.models) {
      const state = this.#models.get(model);
      const head = state?.queue.head();
      const known = state?.tables.get(worker.report.deviceClass);
      if (state === undefined || head === undefined || known === undefined || !hasLoaded(worker, known)) continue;
      const { size, runnableWithHead: runnable } = state.queue;
      views.push({
        model,
        size,
        runnable,
        headDeadlineMs: head.deadlineMs,
        table: known.table,
        leastSubnet: 0,
        actuated: known.table.subnets.findIndex(({ id }) => id === worker.actuated?.subnet),
        arrived: state.arrived,
        deadlineMsAt: (k) => state.queue.deadlineMsAt(k),
      });
    }
    return views.sort((a, b) => a.headDeadlineMs - b.headDeadlineMs);
  }

  /** A batch never reached its worker, or its end never reached us: nobody died, and the queries wait again. */
  #takeBack(worker: PooledWorker<Q>, batch: Batch<Q>): void {
    this.#pool.release(worker);
    for (const query of batch.queries) this.add(query);
  }

  #giveUp(worker: PooledWorker<Q>): void {
    this.#pool.remove(worker);
    for (const query of worker.batch?.queries ?? []) {
      query.deaths += 1;
      if (query.deaths >= maxDeaths) this.effects.failed(query);
      else this.add(query);
    }
  }

  #model(name: string): ModelState<Q> {
    let state = this.#models.get(name);
    if (state === undefined) {
      state = { queue: new EdfQueue<Q>(), tables: new Map(), fastestMs: 0, arrived: 0 };
      this.#models.set(name, state);
    }
    return state;
  }
}

/** Whether a worker has the version that a table was measured on. */
function hasLoaded({ report }: PooledWorker<Query>, { version }: VersionedTable): boolean {
  return version === undefined || report.versions === undefined || report.versions.has(version);
}
