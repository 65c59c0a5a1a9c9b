/**
 * The decision loop as a state machine. Whoever owns it (the scheduler service, the simulator) tells it what happened and
 * what time it is; it answers through `Effects`: send this batch, this query has expired. It does no I/O and has no clock.
 */
import type { ModelBacklog } from './ahead.js';
import { backlogsOf } from './backlogs.js';
import type { Batch } from './batch.js';
import { type Choice, Chooser, type Times } from './chooser.js';
import type { Place } from './decision-view.js';
import type { LatencyTable } from './latency-table.js';
import { ModelState } from './model-state.js';
import type { PlanView } from './plan.js';
import { planModelOf, planWorkerOf } from './plan-view.js';
import type { Conditions, Policy } from './policy.js';
import type { Query } from './query.js';
import { type PooledWorker, WorkerPool, type WorkerReport } from './worker-pool.js';

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

/** A policy that waits is asked again after this long at the least, and a query expires so long after its last chance. */
const leastStepMs = 0.001;

export class Dispatcher<Q extends Query> {
  readonly #models = new Map<string, ModelState<Q>>();
  readonly #pool = new WorkerPool<Q>((report) => this.#placesOf(report).map(({ station }) => station));
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
    this.#chooser = new Chooser(
      policy,
      this.#pool,
      (query) => effects.expired(query),
      (table) => this.#fullBatch(table),
    );
  }

  /** Queries waiting, of all models. */
  get queued(): number {
    let total = 0;
    for (const { queue } of this.#models.values()) total += queue.size;
    return total;
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
    for (const state of this.#models.values()) state.setConditions(conditions);
  }

  /**
   * Sets, replaces or (with undefined) removes the latencies of a model on a device class. Call `run` afterwards.
   *
   * @param version of the model that was measured: only workers that have it loaded are given batches by this table
   */
  setTable(model: string, deviceClass: string, table: LatencyTable | undefined, version?: string): void {
    this.#model(model).setTable(deviceClass, table, version);
    this.#pool.placeAll();
  }

  /** Takes a query in. Call `run` when those that arrived together are in. */
  add(query: Q): void {
    this.#model(query.model).add(query);
  }

  /** Models of which queries wait. */
  waitingModels(): string[] {
    return [...this.#models.values()].filter(({ queue }) => queue.size > 0).map(({ model }) => model);
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
    this.#putBack(batch);
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
    for (const state of this.#models.values()) state.shiftTimes(byMs);
  }

  /**
   * A worker says goodbye: it holds nothing. Returns false for one to which a batch is on its way, which it may still run; when
   * it is gone without another word of that batch, it has not died of it.
   */
  leave(workerId: string, epoch: string): boolean {
    const worker = this.#pool.get(workerId);
    if (worker?.report.epoch !== epoch) return false;
    worker.isLeaving = true;
    if (worker.batch !== undefined) return false;
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
    for (const state of this.#models.values()) {
      for (const query of state.expire(nowMs)) this.effects.expired(query);
      // Whoever writes to the stream may name models without end.
      if (state.isUnknown) this.#models.delete(state.model);
    }
    this.#waitUntilMs = Number.POSITIVE_INFINITY;
    if (this.#isHeld) return;
    for (const state of this.#models.values()) {
      if (state.queue.size === 0) continue;
      for (const { free } of state.stations.values()) this.#serveFrom(free, state, 1, nowMs);
    }
    this.#pool.approach(nowMs, this.#conditions);
    for (const state of this.#models.values()) {
      for (const station of state.stations.values()) {
        // Whoever is free begins sooner; where the policy lets it wait, it knows why, and that is for the others too.
        if (station.free.size > 0 && this.policy.perWorker !== true) continue;
        this.#serveFrom(station.nearlyFree, state, this.#fullBatch(station.table), nowMs);
      }
    }
  }

  /** Sends no batch any more; those that are out still come back, and queries still expire. */
  hold(): void {
    this.#isHeld = true;
  }

  /** When `run` must be called again although nothing has happened: the next expiry, the end of a policy's wait, or of a batch. */
  nextWakeMs(): number {
    let wakeMs = this.#waitUntilMs;
    for (const state of this.#models.values()) wakeMs = Math.min(wakeMs, state.reachableUntilMs() + leastStepMs);
    return this.#isHeld || !this.#hasFullBatch() ? wakeMs : Math.min(wakeMs, this.#pool.nextEndMs(this.#conditions));
  }

  /** The models whose backlog cannot be carried, with what waits: to be told to whoever takes queries in. O(models + busy workers). */
  backlogs(nowMs: number): ModelBacklog[] {
    return backlogsOf([...this.#models.values()], this.#pool.busy, this.#conditions, nowMs);
  }

  /** What policies that plan are shown. O(workers): for a plan, not for a decision. */
  planView(nowMs: number): PlanView {
    const models = [...this.#models.values()].map(planModelOf);
    const workers = [...this.#pool.all()].map(planWorkerOf);
    return { nowMs, conditions: this.#conditions, models, workers };
  }

  /**
   * So many queries must wait before a worker is sent a batch ahead. A smaller one could still grow until the worker is free, and
   * where small batches are enough, no device is short of time.
   */
  #fullBatch({ largestBatch }: LatencyTable): number {
    return Math.min(largestBatch, this.options.maxBatch);
  }

  #hasFullBatch(): boolean {
    for (const { queue, stations } of this.#models.values()) {
      if (queue.size === 0) continue;
      for (const station of stations.values()) if (queue.size >= this.#fullBatch(station.table)) return true;
    }
    return false;
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
    const startMs = this.#pool.startMs(worker, nowMs, this.#conditions);
    const choice = this.#chooser.choose(worker, this.#placesOf(worker.report), this.#conditions, { nowMs, startMs });
    if (choice.kind === 'run') this.#send(worker, choice, { nowMs, startMs });
    else this.#waitUntilMs = Math.min(this.#waitUntilMs, Math.max(choice.untilMs, nowMs + leastStepMs));
    return choice.kind === 'run';
  }

  #send(worker: PooledWorker<Q>, { servable, decision }: Choice<Q>, { nowMs, startMs }: Times): void {
    const { state, station, scope, view } = servable;
    const { table, version } = station;
    // Whatever a policy knows of minima, none is undercut; and a plan may be older than the front.
    const subnetIndex = Math.min(Math.max(decision.subnet, view.leastSubnet), table.subnets.length - 1);
    const subnet = table.subnets[subnetIndex];
    if (subnet === undefined) return;
    const most = Math.max(1, Math.min(decision.batch, this.options.maxBatch));
    const within = { ...scope, mostLevel: station.levelOf(subnetIndex) };
    const queries = state.queue.takeBehind(decision.skip ?? 0, most, this.options.maxBatchBytes, within);
    const actuationMs = subnetIndex === view.actuated ? 0 : (table.actuationMs[subnetIndex] ?? 0);
    this.#batches += 1;
    const batch: Batch<Q> = {
      id: `${this.idPrefix}${this.#batches}`,
      workerId: worker.report.workerId,
      epoch: worker.report.epoch,
      model: state.model,
      version,
      subnet: subnet.id,
      subnetIndex,
      accuracy: subnet.accuracy,
      queries,
      sentAtMs: nowMs,
      startMs,
      silentMs: nowMs - worker.lastSeenMs,
      behind: undefined,
      expectedMs: table.estimate(subnetIndex, queries.length) + actuationMs,
      actuationMs,
    };
    this.#pool.assign(worker, batch, this.#conditions);
    this.effects.send(batch);
  }

  /** The models that a worker can run by its report: there is a table of its device class, for a version that it has loaded. */
  #placesOf({ models, deviceClass, versions }: WorkerReport): Place<Q>[] {
    const places: Place<Q>[] = [];
    for (const model of models) {
      const state = this.#models.get(model);
      const station = state?.stations.get(deviceClass);
      if (state === undefined || station === undefined) continue;
      const { version } = station;
      if (version === undefined || versions === undefined || versions.has(version)) places.push({ state, station });
    }
    return places;
  }

  /** A batch never reached its worker, or its end never reached us: nobody died, and the queries wait again, for others. */
  #takeBack(worker: PooledWorker<Q>, batch: Batch<Q>, nowMs: number): void {
    this.#pool.doubt(worker, true);
    this.#pool.release(worker, batch, { hasRun: false, nowMs, conditions: this.#conditions });
    this.#putBack(batch);
  }

  #putBack({ model, queries }: Batch<Q>): void {
    const state = this.#model(model);
    for (const query of queries) state.putBack(query);
  }

  #giveUp(worker: PooledWorker<Q>, unheard?: string): void {
    this.#pool.remove(worker);
    const { batch, next, isLeaving } = worker;
    // What it never had, or had to wait for its device, is not what it died of.
    const isSuspect = batch !== undefined && batch.id !== unheard && !isLeaving;
    for (const query of batch?.queries ?? []) {
      if (isSuspect) query.deaths += 1;
      if (query.deaths >= maxDeaths) this.effects.failed(query);
      else this.#model(query.model).putBack(query);
    }
    if (next !== undefined) this.#putBack(next);
  }

  #model(name: string): ModelState<Q> {
    let state = this.#models.get(name);
    if (state === undefined) {
      state = new ModelState<Q>(name, this.#conditions, (table) => this.policy.floor?.(table) ?? 0);
      this.#models.set(name, state);
    }
    return state;
  }
}
