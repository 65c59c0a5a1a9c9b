/** What the dispatcher knows of one model: what waits, where it can run, what its workers could carry. */
import { AccuracyLevels } from './accuracy-levels.js';
import { aheadOf, type ModelBacklog } from './ahead.js';
import type { Demand } from './demand.js';
import { EdfQueue } from './edf-queue.js';
import type { LatencyTable } from './latency-table.js';
import { type Backlog, Overload } from './overload.js';
import type { Conditions } from './policy.js';
import type { PooledWorker } from './pooled-worker.js';
import { type PriorityClass, priorityClasses, type Query } from './query.js';
import { mostGivenUp, shedBeforeMs } from './shedding.js';
import { Station } from './station.js';
import type { UrgentWalk } from './urgent-walk.js';

/** Of a new limit in the usual one. */
const smoothing = 1 / 16;
const unknown = Number.NEGATIVE_INFINITY;

export class ModelState<Q extends Query> {
  readonly queue = new EdfQueue<Q>();
  /** By device class, the fastest first. */
  #stations: ReadonlyMap<string, Station<PooledWorker<Q>>> = new Map();
  readonly #overload = new Overload();
  #arrived = 0;
  #workArrived = 0;
  #sloMs: number | undefined;
  /** The last one that arrived since `expire` was called. */
  #newest: Q | undefined;
  /** Nothing expires up to this moment; earlier than need be when what it was reckoned for is gone. */
  #reachableUntilMs = Number.POSITIVE_INFINITY;

  constructor(
    readonly model: string,
    private conditions: Conditions,
    /** Index of the least subnet of a table that the policy ever uses. */
    private readonly floorOf: (table: LatencyTable) => number,
  ) {}

  get stations(): ReadonlyMap<string, Station<PooledWorker<Q>>> {
    return this.#stations;
  }

  /** Whether nothing waits for it, and no device class can run it: there is nothing to remember. */
  get isUnknown(): boolean {
    return this.queue.size === 0 && this.#stations.size === 0;
  }

  /** Queries that ever arrived; one that comes back from a worker has arrived once. */
  get arrived(): number {
    return this.#arrived;
  }

  /** What they take at best, as a multiple of what a query takes on the least accurate subnet. */
  get workArrived(): number {
    return this.#workArrived;
  }

  /** The time from arrival to deadline that its queries usually have. */
  get sloMs(): number | undefined {
    return this.#sloMs;
  }

  /** Workers that are free and can run it. */
  get freeWorkers(): number {
    let free = 0;
    for (const station of this.#stations.values()) free += station.free.size;
    return free;
  }

  setConditions(conditions: Conditions): void {
    this.conditions = conditions;
    this.#reachableUntilMs = unknown;
  }

  /** Replaces or (with undefined) removes a table, and sorts what waits by the new accuracies. Workers must be placed anew. */
  setTable(deviceClass: string, table: LatencyTable | undefined, version: string | undefined): void {
    const stations = [...this.#stations.values()].filter((station) => station.deviceClass !== deviceClass);
    if (table !== undefined) stations.push(new Station(deviceClass, table, version));
    stations.sort((a, b) => a.bestPaceMs - b.bestPaceMs);
    this.#stations = new Map(stations.map((station) => [station.deviceClass, station]));
    const levels = new AccuracyLevels(
      stations.map((station) => station.table),
      this.floorOf,
    );
    for (const station of stations) station.setLevels(levels);
    this.queue.setLevels(levels);
    this.#reachableUntilMs = unknown;
  }

  add(query: Q): void {
    this.#arrived += 1;
    this.#workArrived += this.queue.workOf(query);
    this.#newest = query;
    this.putBack(query);
  }

  /** A query waits again. */
  putBack(query: Q): void {
    this.queue.push(query);
    this.#reachableUntilMs = Math.min(this.#reachableUntilMs, this.queue.reachableMs(query, this.conditions));
  }

  /** Removes what is out of reach. O(1) where nothing is. */
  expire(nowMs: number): readonly Q[] {
    this.#noteSlo(nowMs);
    if (nowMs <= this.#reachableUntilMs) return [];
    const expired = this.queue.takeUnreachable(nowMs, this.conditions);
    this.#reachableUntilMs = this.queue.reachableUntilMs(this.conditions);
    if (expired.some((query) => this.queue.isServable(query))) this.#overload.lost(nowMs);
    return expired;
  }

  /** Nothing expires up to this moment. */
  reachableUntilMs(): number {
    if (this.#reachableUntilMs === unknown) this.#reachableUntilMs = this.queue.reachableUntilMs(this.conditions);
    return this.#reachableUntilMs;
  }

  /** Queries per millisecond that the workers carry at best, on the smallest subnets. O(device classes). */
  get capacityPerMs(): number {
    let capacity = 0;
    for (const { serving, bestPaceMs } of this.#stations.values()) capacity += serving / bestPaceMs;
    return capacity / this.conditions.slowdown;
  }

  /** Workers that take batches of it. */
  get workers(): number {
    let workers = 0;
    for (const { serving } of this.#stations.values()) workers += serving;
    return workers;
  }

  demandOf(priority: PriorityClass): Demand {
    return this.queue.demandOf(priority);
  }

  /**
   * Whether what waits cannot all be carried, so that higher classes are to come first. O(classes x (device classes + others)).
   *
   * @param others models that the same workers serve, as far as they are to be reckoned with
   */
  isOverloaded(nowMs: number, others: readonly ModelState<Q>[] = []): boolean {
    const all = [this, ...others.map((other) => this.#besides(other))];
    return this.#overload.isOn(this, all, this.conditions, nowMs);
  }

  /**
   * What a query that comes now would have to wait for; undefined while everything can be carried, and without a worker, because
   * one may come.
   *
   * @param others models that the same workers serve
   * @param busyMs how long those are busy yet with what they hold
   */
  backlog(nowMs: number, others: readonly ModelState<Q>[], busyMs: () => number): ModelBacklog | undefined {
    const { queue, conditions, capacityPerMs, model } = this;
    if (capacityPerMs === 0) return undefined;
    const all = [this, ...others.map((other) => this.#besides(other))];
    if (!this.#overload.wouldBeOn(this, all, conditions, nowMs)) return undefined;
    const work = this.#work;
    // What nothing can serve is no work.
    const workPerQuery = work > 0 ? work / queue.size : 1;
    return {
      model,
      capacityPerMs: capacityPerMs / workPerQuery,
      ahead: aheadOf(all, busyMs() + conditions.overheadMs),
    };
  }

  /**
   * Removes what only batches could serve that are too small to keep up, or barely in time (shedding.ts), the lowest class first. For a
   * moment at which one worker is free, or nearly so. The fastest device class says what can still be done, and only those are looked at that
   * need the same subnet there as the most urgent query. Nothing is removed before overload has shown, and what is removed is no sign of it,
   * so that a pool that is only nearly overloaded does not stay so.
   *
   * @param startMs when that worker can begin (`DecisionView.startMs`)
   * @param others models that the same workers serve
   * @param paceAfterMs as `shedBeforeMs` asks for it
   */
  shed(
    { nowMs, startMs }: { nowMs: number; startMs: number },
    others: readonly ModelState<Q>[],
    paceAfterMs: (deadlineMs: number) => number,
  ): readonly Q[] {
    const { queue, conditions } = this;
    const station = [...this.#stations.values()].find(({ serving }) => serving > 0);
    const head = station && queue.head({ mostLevel: station.mostLevel, byClass: false });
    if (station === undefined || head === undefined || !this.isOverloaded(nowMs, others)) return [];
    const { table, bestPaceMs } = station;
    const floor = this.floorOf(table);
    const subnet = Math.max(floor, station.leastSubnetOf(queue.levelOf(head)));
    const levels = station.levelsOf(subnet, floor);
    const workers = this.capacityPerMs * conditions.slowdown * bestPaceMs;
    const busyMs = (deadlineMs: number) =>
      others.reduce((sum, other) => sum + this.#besides(other).busyMs(deadlineMs, startMs), 0);
    const service = { table, subnet, workers, conditions, startMs, busyMs };
    const latestMs = Math.min(queue.latestWithin(levels), nowMs + (this.#sloMs ?? Number.POSITIVE_INFINITY));
    const shed: Q[] = [];
    let agreedMs = Number.NEGATIVE_INFINITY;
    // The policy is asked for the lowest class; a higher one goes as far, but no further, or what is left of the lower would be in the way.
    const upToAgreed = (deadlineMs: number) =>
      deadlineMs <= agreedMs ? agreedMs - deadlineMs : Number.POSITIVE_INFINITY;
    let size = priorityClasses.reduce<number>((sum, priority) => sum + queue.sizeOf(priority, levels), 0);
    const most = Math.floor(mostGivenUp * size);
    for (const priority of priorityClasses) {
      const ofClass = queue.sizeOf(priority, levels);
      if (ofClass === 0) continue;
      let walk: UrgentWalk | undefined;
      const deadlineMsAt = (k: number) => {
        if (k === 0 && shed.length === 0) return head.deadlineMs;
        walk ??= queue.walk(levels, priority);
        return walk.at(k);
      };
      const isAgreed = agreedMs > Number.NEGATIVE_INFINITY;
      const limitMs = shedBeforeMs({ size, deadlineMsAt, latestMs }, service, isAgreed ? upToAgreed : paceAfterMs);
      if (limitMs === Number.NEGATIVE_INFINITY) break;
      agreedMs = limitMs;
      shed.push(...queue.takeBefore(limitMs, priority, levels, most - shed.length));
      size -= ofClass;
    }
    return shed;
  }

  /** What all that waits takes at best. */
  get #work(): number {
    return priorityClasses.reduce<number>((sum, priority) => sum + this.demandOf(priority).work, 0);
  }

  shiftTimes(byMs: number): void {
    this.#overload.shiftTimes(byMs);
  }

  /** Another model, as far as it takes this one's workers: those that serve both do not serve it alone. */
  #besides(other: ModelState<Q>): Backlog & { busyMs(deadlineMs: number, nowMs: number): number } {
    const share = Math.min(1, other.workers / Math.max(1, this.workers));
    const capacityPerMs = other.capacityPerMs / share;
    return {
      capacityPerMs,
      demandOf: (priority: PriorityClass) => other.demandOf(priority),
      /** Its deadlines are taken to be spread evenly. */
      busyMs: (deadlineMs: number, nowMs: number) => {
        const { latestMs } = other.queue;
        const work = other.#work;
        const before = Math.min(1, Math.max(0, (deadlineMs - nowMs) / (latestMs - nowMs)));
        return work === 0 ? 0 : (before * work) / capacityPerMs / this.conditions.slowdown;
      },
    };
  }

  #noteSlo(nowMs: number): void {
    if (this.#newest === undefined) return;
    const sloMs = this.#newest.deadlineMs - nowMs;
    this.#newest = undefined;
    // One that comes too late says nothing of what others are given.
    if (sloMs <= 0) return;
    this.#sloMs = this.#sloMs === undefined ? sloMs : this.#sloMs + smoothing * (sloMs - this.#sloMs);
  }
}
