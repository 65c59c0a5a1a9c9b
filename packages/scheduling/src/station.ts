/** One model on one device class: its latencies there, and the workers that can run it. */
import { type AccuracyLevels, bestPaceMs, leastSubnet } from './accuracy-levels.js';
import { FreeList } from './free-list.js';
import type { LaneRange } from './lanes.js';
import type { LatencyTable } from './latency-table.js';

/** @typeParam W the workers */
export class Station<W> {
  /** Those that are free, longest first. */
  readonly free = new FreeList<W>();
  /** Those whose batch is about to end, longest first: the next can be sent ahead. */
  readonly nearlyFree = new FreeList<W>();
  /** Workers alive that take batches, busy ones included. */
  serving = 0;
  /** What a query takes at best: in the best batch on the least accurate subnet, in profiled milliseconds. */
  readonly bestPaceMs: number;
  /** Level of the most accurate subnet: queries beyond it wait for another device class. */
  mostLevel = -1;
  /** By level: index of the least accurate subnet that satisfies it. */
  #leastSubnet: readonly number[] = [];
  /** By subnet: the highest level that it satisfies. */
  #levels: readonly number[] = [];

  constructor(
    readonly deviceClass: string,
    readonly table: LatencyTable,
    /** The version of the model that was measured: only workers that have it loaded run by this table. */
    readonly version: string | undefined,
  ) {
    this.bestPaceMs = bestPaceMs(table, 0);
  }

  /** Levels change with the tables of any device class. */
  setLevels(levels: AccuracyLevels): void {
    this.#leastSubnet = levels.accuracies.map((accuracy) => leastSubnet(this.table, accuracy));
    this.#levels = this.table.subnets.map(({ accuracy }) => levels.levelOf(accuracy));
    this.mostLevel = this.levelOf(this.table.subnets.length - 1);
  }

  /**
   * So many queries must wait before a worker is sent a batch ahead. A smaller one could still grow until the worker is free, and
   * where small batches are enough, no device is short of time.
   */
  fullBatch(maxBatch: number): number {
    return Math.min(this.table.largestBatch, maxBatch);
  }

  levelOf(subnet: number): number {
    return this.#levels[subnet] ?? -1;
  }

  /**
   * The levels of those queries that no lower subnet may serve.
   *
   * @param floor no lower subnet is ever used for any query
   */
  levelsOf(subnet: number, floor: number): LaneRange {
    return { least: subnet <= floor ? 0 : this.levelOf(subnet - 1) + 1, most: this.levelOf(subnet) };
  }

  /** For levels up to `mostLevel`. */
  leastSubnetOf(level: number): number {
    return this.#leastSubnet[level] ?? 0;
  }
}
