/** The models that the dispatcher knows: those that can run somewhere, and those of which queries wait. */
import type { Batch } from './batch.js';
import type { Place } from './decision-view.js';
import type { LatencyTable } from './latency-table.js';
import { ModelState } from './model-state.js';
import type { Conditions } from './policy.js';
import type { WorkerReport } from './pooled-worker.js';
import type { Query } from './query.js';

export class Models<Q extends Query> {
  readonly #states = new Map<string, ModelState<Q>>();

  constructor(
    private conditions: Conditions,
    /** Index of the least subnet of a table that the policy ever uses. */
    private readonly floorOf: (table: LatencyTable) => number,
  ) {}

  all(): IterableIterator<ModelState<Q>> {
    return this.#states.values();
  }

  get(name: string): ModelState<Q> | undefined {
    return this.#states.get(name);
  }

  /** Of a model that is not known yet, too. */
  of(name: string): ModelState<Q> {
    let state = this.#states.get(name);
    if (state === undefined) {
      state = new ModelState<Q>(name, this.conditions, this.floorOf);
      this.#states.set(name, state);
    }
    return state;
  }

  /** Queries waiting, of all models. */
  get queued(): number {
    let total = 0;
    for (const { queue } of this.#states.values()) total += queue.size;
    return total;
  }

  setConditions(conditions: Conditions): void {
    this.conditions = conditions;
    for (const state of this.#states.values()) state.setConditions(conditions);
  }

  /** The queries of a batch wait again. */
  putBack({ model, queries }: Batch<Q>): void {
    const state = this.of(model);
    for (const query of queries) state.putBack(query);
  }

  /** Removes queries that are out of reach, and models of which nothing is left to remember. */
  expire(nowMs: number, expired: (query: Q) => void): void {
    for (const state of this.#states.values()) {
      for (const query of state.expire(nowMs)) expired(query);
      // Whoever writes to the stream may name models without end.
      if (state.isUnknown) this.#states.delete(state.model);
    }
  }

  /** Nothing expires up to this moment. */
  reachableUntilMs(): number {
    let untilMs = Number.POSITIVE_INFINITY;
    for (const state of this.#states.values()) untilMs = Math.min(untilMs, state.reachableUntilMs());
    return untilMs;
  }

  /** Whether as many queries of a model wait as one batch has at most. */
  hasFullBatch(maxBatch: number): boolean {
    for (const { queue, stations } of this.#states.values()) {
      if (queue.size === 0) continue;
      for (const station of stations.values()) if (queue.size >= station.fullBatch(maxBatch)) return true;
    }
    return false;
  }

  /** The models that a worker can run by its report: there is a table of its device class, for a version that it has loaded. */
  placesOf({ models, deviceClass, versions }: WorkerReport): Place<Q>[] {
    const places: Place<Q>[] = [];
    for (const model of models) {
      const state = this.#states.get(model);
      const station = state?.stations.get(deviceClass);
      if (state === undefined || station === undefined) continue;
      const { version } = station;
      if (version === undefined || versions === undefined || versions.has(version)) places.push({ state, station });
    }
    return places;
  }

  shiftTimes(byMs: number): void {
    for (const state of this.#states.values()) state.shiftTimes(byMs);
  }
}
