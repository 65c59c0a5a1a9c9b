/** How far throughput can be bent by choosing another subnet, within some points of accuracy. */
import type { Cell } from './ratios.js';
import type { ServedSubnet } from './served.js';

/** Share of the inputs, 0 to 1. */
const ACCURACY_SPAN = 0.06;

export interface Throughput {
  readonly subnet: string;
  readonly accuracy: number;
  /** The batch size with the most queries per second. */
  readonly batch: number;
  readonly queriesPerSecond: number;
}

export function throughputs(subnets: readonly ServedSubnet[], cells: readonly Cell[]): Throughput[] {
  return subnets.map(({ id, accuracy }) => {
    const [best] = cells
      .filter(({ subnet }) => subnet === id)
      .map(({ batch, actuatedMs }) => ({ batch, queriesPerSecond: (1000 * batch) / actuatedMs }))
      .toSorted((a, b) => b.queriesPerSecond - a.queriesPerSecond);
    return { subnet: id, accuracy, batch: best?.batch ?? 0, queriesPerSecond: best?.queriesPerSecond ?? Number.NaN };
  });
}

/** Largest over smallest throughput among the subnets within 6 points of the most accurate one. */
export function dynamicRange(all: readonly Throughput[]): number {
  const best = Math.max(...all.map(({ accuracy }) => accuracy));
  const rates = all
    .filter(({ accuracy }) => accuracy >= best - ACCURACY_SPAN)
    .map(({ queriesPerSecond }) => queriesPerSecond);
  return Math.max(...rates) / Math.min(...rates);
}
