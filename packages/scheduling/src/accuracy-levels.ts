/**
 * The accuracies that a model's subnets have, over all device classes, ascending. A query's level is the first that is
 * not below its minimum, so that queries of one level are satisfied by the same subnets everywhere.
 */
import type { LatencyTable } from './latency-table.js';
import type { Conditions } from './policy.js';

export class AccuracyLevels {
  /** By level. */
  readonly accuracies: readonly number[];
  /** By level: the least that any device class needs for one query. */
  readonly #floorMs: readonly number[];
  /** By level: what a query takes in a device's best batch, as a multiple of what it takes on the least subnet there. */
  readonly #work: readonly number[];

  /** @param floorOf index of the least subnet of a table that is ever used, because the policy uses no lower one */
  constructor(tables: readonly LatencyTable[], floorOf: (table: LatencyTable) => number = () => 0) {
    const all = new Set(tables.flatMap(({ subnets }) => subnets.map(({ accuracy }) => accuracy)));
    this.accuracies = [...all].sort((a, b) => a - b);
    const lowest = (table: LatencyTable, accuracy: number) => Math.max(floorOf(table), leastSubnet(table, accuracy));
    const least = (of: (table: LatencyTable, subnet: number) => number) =>
      this.accuracies.map((accuracy) => Math.min(...tables.map((table) => of(table, lowest(table, accuracy)))));
    this.#floorMs = least((table, subnet) => table.at(subnet, 0));
    this.#work = least((table, subnet) => bestPaceMs(table, subnet) / bestPaceMs(table, 0));
  }

  /** Level `count` and lane `count` are for what no subnet satisfies. */
  get count(): number {
    return this.accuracies.length;
  }

  /** O(log levels). */
  levelOf(minAccuracy: number): number {
    const { accuracies } = this;
    let low = 0;
    let high = accuracies.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((accuracies[middle] ?? 0) >= minAccuracy) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Time before its deadline at which a query of a level must be sent at the latest; 0 where nothing can serve it. */
  reachMs(level: number, { slowdown, overheadMs }: Conditions): number {
    const floorMs = this.#floorMs[level];
    return floorMs === undefined ? 0 : floorMs * slowdown + overheadMs;
  }

  /** See `#work`; 0 where nothing can serve it. */
  workOf(level: number): number {
    return this.#work[level] ?? 0;
  }
}

/** The first subnet of a table that has at least that accuracy; the length of the table when none has. */
export function leastSubnet({ subnets }: LatencyTable, accuracy: number): number {
  const index = subnets.findIndex((subnet) => subnet.accuracy >= accuracy);
  return index === -1 ? subnets.length : index;
}

/** Milliseconds per query at a subnet's best batch; Infinity for one that the table does not have. */
export function bestPaceMs(table: LatencyTable, subnet: number): number {
  return Math.min(...table.batches.map((batch, b) => table.at(subnet, b) / batch));
}
