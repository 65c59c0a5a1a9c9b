/**
 * The decision loop as a state machine. Whoever owns it (the scheduler service, the simulator) tells it what happened and
 * what time it is; it answers through `Effects`: send this batch, this query has expired. It does no I/O and has no clock.
 */
import type { ModelBacklog } from './ahead.js';
import { backlogsOf } from './backlogs.js';
import type { Batch } from './batch.js';
import { Chooser } from './chooser.js';
import type { LatencyTable } from './latency-table.js';
import type { ModelState } from './model-state.js';
import { Models } from './models.js';
import type { PlanView } from './plan.js';
import { planModelOf, planWorkerOf } from './plan-view.js';
import type { Conditions, Policy } from './policy.js';
import type { PooledWorker, WorkerReport } from './pooled-worker.js';
import type { Query } from './query.js';
import { type BatchLimits, takeBatch } from './take-batch.js';
import { WorkerPool } from './worker-pool.js';

/** What the dispatcher wants done. Called synchronously; must not call back into the dispatcher. */
export interface Effects<Q extends Query> {
  send(batch: Batch<Q>): void;
  /** This query is given up: no worker could answer it in time any more, or others would miss their deadlines. */
  expired(query: Q): void;
  /** The last worker that a query is allowed to lose was lost with it. */
  failed(query: Q): void;
  /** A worker speaks under an epoch that is over. */
  fenced(workerId: string, epoch: string): void;
}

export interface DispatcherOptions extends BatchLimits {
  /** What to reckon with until `setConditions` says otherwise. */
  conditions: Conditions;
  /** A worker that has not been heard of for so long is lost. */
  deadAfterMs: number;
  /** A batch this much later than profiled is lost, and its worker with it. */
  overdueMs: number;
}

/** Workers that a query may be lost with before it has failed. */
const maxDeaths = 2;
/** Reports without its batch after which a worker does not have it. The first may have been sent before the batch came. */
const missedReports = 2;

/** A policy that waits is asked again after this long at the least, and a query expires so long after its last chance. */
const leastStepMs = 0.001;

export class Dispatcher<Q extends Query> {
  readonly #models: Models<Q>;
  readonly #pool = new WorkerPool<Q>((report) => this.#models.placesOf(report).map(({ station }) => station));
  readonly #chooser: Chooser<Q>;
  #conditions: Conditions;
  #batches = 0;
  #waitUntilMs = Number.POSITIVE_INFINITY;
  #isHeld = false;

  constructor(
    private readonly policy: Policy,
    private readonly effects: Effects<Q>,
    private readonly options: DispatcherOptions,
    /** Makes batch ids unique among schedulers, e.g. the fencing token. */
    private readonly idPrefix = '',
  ) {
    this.#conditions = options.conditions;
    this.#models = new Models(options.conditions, (table) => policy.floor?.(table) ?? 0);
    this.#chooser = new Chooser(policy, this.#pool, (query) => effects.expired(query), options.maxBatch);
  }

  /** Queries waiting, of all models. */
  get queued(): number {
    return this.#models.queued;
  }

  /** How often the policy chose for a worker. */
  get decisions(): number {
    return this.#chooser.decisions;
  }

  get workers(): number {
    return this.#pool.size;
  }

  /** Batches that are out, in the order in which devices came to them; each with the one that waits behind it. */
  *inFlight(): IterableIterator<Batch<Q>> {
    for (const { batch, next } of this.#pool.busy) {
      if (batch !== undefined) yield batch;
      if (next !== undefined) yield next;
    }
  }

  /** Measured anew while the system runs. */
  setConditions(conditions: Conditions): void {
    this.#conditions = conditions;
    this.#models.setConditions(conditions);
  }

  /**
   * Sets, replaces or (with undefined) removes the latencies of a model on a device class. Call `run` afterwards.
   *
   * @param version of the model that was measured: only workers that have it loaded are given batches by this table
   */
  setTable(model: string, deviceClass: string, table: LatencyTable | undefined, version?: string): void {
    this.#models.of(model).setTable(deviceClass, table, version);
    this.#pool.placeAll();
  }

  /** Takes a query in. Call `run` when those that arrived together are in. */
  add(query: Q): void {
    this.#models.of(query.model).add(query);
  }

  /** Models of which queries wait. */
  waitingModels(): string[] {
    return [...this.#models.all()].filter(({ queue }) => queue.size > 0).map(({ model }) => model);
  }

  /** Gives up every waiting query of a model that is no longer served, most urgent first. Those in flight may still end. */
  withdraw(model: string): Q[] {
    return this.#models.get(model)?.queue.takeAll() ?? [];
  }

  /** A worker spoke: it joined, it is alive, or it has become free. False where it is not believed: its epoch is over. */
  report(report: WorkerReport, nowMs: number): boolean {
    if (this.#pool.isOver(report)) {
      this.effects.fenced(report.workerId, report.epoch);
      return false;
    }
    const known = this.#pool.get(report.workerId);
    if (known !== undefined && known.report.epoch !== report.epoch) this.#giveUp(known);
    const worker = this.#pool.report(report, nowMs);
    if (worker.missedReports >= missedReports && worker.batch !== undefined)
      this.#takeBack(worker, worker.batch, nowMs);
    this.run(nowMs);
    return true;
  }

  /**
   * A batch came back. Returns it if that batch was in flight on that life of that worker, and undefined for the word of
   * someone who was given up, which changes nothing. Call `run` once its answers are on their way.
   */
  complete(batchId: string, workerId: string, epoch: string, nowMs: number): Batch<Q> | undefined {
    return this.#release(batchId, workerId, epoch, { hasRun: true, nowMs });
  }

  #release(
    batchId: string,
    workerId: string,
    epoch: string,
    { hasRun, nowMs }: { hasRun: boolean; nowMs: number },
  ): Batch<Q> | undefined {
    const worker = this.#pool.get(workerId);
    if (worker === undefined) return undefined;
    const batch = worker.next?.id === batchId ? worker.next : worker.batch;
    if (batch === undefined || batch.id !== batchId || batch.epoch !== epoch) return undefined;
    this.#pool.seen(worker, nowMs);
    this.#pool.release(worker, batch, { hasRun, nowMs, conditions: this.#conditions });
    return batch;
  }

  /**
   * A worker did not take its batch: the queries wait again as if it had not been sent, and the worker is left alone until
   * its next report says that it takes one.
   */
  refused(batchId: string, workerId: string, epoch: string, nowMs: number): void {
    const batch = this.#release(batchId, workerId, epoch, { hasRun: false, nowMs });
    const worker = this.#pool.get(workerId);
    if (batch === undefined || worker === undefined) return;
    this.#pool.refused(worker);
    this.#models.putBack(batch);
    this.run(nowMs);
  }

  /**
   * Workers that a batch did not reach although they speak: nothing is sent to them until they are `heard`. A connection of
   * which only one direction is left would swallow one batch after the other.
   */
  *doubted(): IterableIterator<WorkerReport> {
    for (const { report } of this.#pool.doubted) yield report;
  }

  /** A worker has answered something that it was sent. */
  heard(workerId: string, epoch: string, nowMs: number): void {
    const worker = this.#pool.get(workerId);
    if (worker?.report.epoch !== epoch || !worker.isDoubted) return;
    this.#pool.doubt(worker, false);
    this.run(nowMs);
  }

  /** The clock that all times here are read from was set anew by `byMs`. */
  shiftTimes(byMs: number): void {
    this.#pool.shiftTimes(byMs);
    this.#models.shiftTimes(byMs);
  }

  /**
   * A worker says goodbye: it holds nothing. Returns false for one to which a batch is on its way, which it may still run; when
   * it is gone without another word of that batch, it has not died of it.
   */
  leave(workerId: string, epoch: string): boolean {
    const worker = this.#pool.get(workerId);
    if (worker?.report.epoch !== epoch) return false;
    worker.isLeaving = true;
    if (worker.batch !== undefined) {
      this.#pool.refused(worker);
      return false;
    }
    this.#pool.remove(worker);
    return true;
  }

  /**
   * A worker is gone, e.g. its subject has no responder. Its batch is given back. Returns all that are given up by it: none where
   * that epoch is over already.
   *
   * @param unheard the id of a batch that never reached it: not what it died of
   */
  lost(workerId: string, epoch: string, nowMs: number, unheard?: string): WorkerReport[] {
    const worker = this.#pool.get(workerId);
    if (worker?.report.epoch !== epoch) return [];
    this.#giveUp(worker, unheard);
    // Whoever fell silent with it would be given its queries next, and they would be lost a second time at once.
    const silent = this.findLost(nowMs);
    for (const each of silent) this.#giveUp(each);
    this.run(nowMs);
    return [worker, ...silent].map(({ report }) => report);
  }

  /**
   * All that workers said up to that moment has been told here. Whoever may be behind with that calls this as it catches up,
   * so that nobody is taken for silent, or for without its batch, whose word is only still to be read.
   */
  readUpTo(atMs: number): void {
    this.#pool.readUpTo(atMs);
  }

  /** Workers that have gone silent, and batches that are overdue. */
  findLost(nowMs: number): PooledWorker<Q>[] {
    return this.#pool.lost(nowMs, this.options.deadAfterMs, this.options.overdueMs);
  }

  /** Expires what is out of reach, then sends batches while a worker is free and has something to do. */
  run(nowMs: number): void {
    this.#models.expire(nowMs, (query) => this.effects.expired(query));
    this.#waitUntilMs = Number.POSITIVE_INFINITY;
    if (this.#isHeld) return;
    for (const state of this.#models.all()) {
      if (state.queue.size === 0) continue;
      for (const { free } of state.stations.values()) this.#serveFrom(free, state, 1, nowMs);
    }
    this.#pool.approach(nowMs, this.#conditions);
    for (const state of this.#models.all()) {
      for (const station of state.stations.values()) {
        // Whoever is free begins sooner; where the policy lets it wait, it knows why, and that is for the others too.
        if (station.free.size > 0 && this.policy.perWorker !== true) continue;
        this.#serveFrom(station.nearlyFree, state, station.fullBatch(this.options.maxBatch), nowMs);
      }
    }
  }

  /** Sends no batch any more; those that are out still come back, and queries still expire. */
  hold(): void {
    this.#isHeld = true;
  }

  /** When `run` must be called again although nothing has happened: the next expiry, the end of a policy's wait, or of a batch. */
  nextWakeMs(): number {
    const wakeMs = Math.min(this.#waitUntilMs, this.#models.reachableUntilMs() + leastStepMs);
    const sendsAhead = !this.#isHeld && this.#models.hasFullBatch(this.options.maxBatch);
    return sendsAhead ? Math.min(wakeMs, this.#pool.nextEndMs(this.#conditions)) : wakeMs;
  }

  /** The models whose backlog cannot be carried, with what waits: to be told to whoever takes queries in. O(models + busy workers). */
  backlogs(nowMs: number): ModelBacklog[] {
    return backlogsOf([...this.#models.all()], this.#pool.busy, this.#conditions, nowMs);
  }

  /** What policies that plan are shown. O(workers): for a plan, not for a decision. */
  planView(nowMs: number): PlanView {
    const models = [...this.#models.all()].map(planModelOf);
    const workers = [...this.#pool.all()].map(planWorkerOf);
    return { nowMs, conditions: this.#conditions, models, workers };
  }

  /** Asks the policy for one worker after the other, until nothing more can be had from it or fewer than `least` wait. */
  #serveFrom(workers: Iterable<PooledWorker<Q>>, state: ModelState<Q>, least: number, nowMs: number): void {
    if (state.queue.size < least) return;
    for (const worker of workers) {
      const isSent = this.#serve(worker, nowMs);
      if (state.queue.size < least || (!isSent && this.policy.perWorker !== true)) return;
    }
  }

  /** Sends a worker what the policy chooses for it; false when it chooses to wait, or nothing is there for this worker. */
  #serve(worker: PooledWorker<Q>, nowMs: number): boolean {
    const times = { nowMs, startMs: this.#pool.startMs(worker, nowMs, this.#conditions) };
    const choice = this.#chooser.choose(worker, this.#models.placesOf(worker.report), this.#conditions, times);
    if (choice.kind === 'wait') {
      this.#waitUntilMs = Math.min(this.#waitUntilMs, Math.max(choice.untilMs, nowMs + leastStepMs));
      return false;
    }
    this.#batches += 1;
    const batch = takeBatch(`${this.idPrefix}${this.#batches}`, worker, choice, times, this.options);
    if (batch === undefined) return false;
    this.#pool.assign(worker, batch, this.#conditions);
    this.effects.send(batch);
    return true;
  }

  /** A batch never reached its worker, or its end never reached us: nobody died, and the queries wait again, for others. */
  #takeBack(worker: PooledWorker<Q>, batch: Batch<Q>, nowMs: number): void {
    this.#pool.doubt(worker, true);
    this.#pool.release(worker, batch, { hasRun: false, nowMs, conditions: this.#conditions });
    this.#models.putBack(batch);
  }

  #giveUp(worker: PooledWorker<Q>, unheard?: string): void {
    this.#pool.remove(worker);
    const { batch, next, isLeaving } = worker;
    // What it never had, or had to wait for its device, is not what it died of.
    const isSuspect = batch !== undefined && batch.id !== unheard && !isLeaving;
    for (const query of batch?.queries ?? []) {
      if (isSuspect) query.deaths += 1;
      if (query.deaths >= maxDeaths) this.effects.failed(query);
      else this.#models.of(query.model).putBack(query);
    }
    if (next !== undefined) this.#models.putBack(next);
  }
}
