/** Keeps the subnets that are worth serving, by cost and held-out accuracy. Pure. */

/** What a subnet costs (any unit, positive) and how accurate it is (0..1). */
export interface Rated {
  cost: number;
  accuracy: number;
}

/** The pareto front, ascending in both cost and accuracy: what nothing beats at the same or a lower cost. */
export function paretoFront<T extends Rated>(subnets: readonly T[]): T[] {
  const byCost = [...subnets].sort((a, b) => a.cost - b.cost || b.accuracy - a.accuracy);
  const front: T[] = [];
  for (const subnet of byCost) {
    if (subnet.accuracy > (front.at(-1)?.accuracy ?? Number.NEGATIVE_INFINITY)) front.push(subnet);
  }
  return front;
}

/**
 * Thins a pareto front to `count` subnets, keeping its ends. Again and again the subnet goes that the front misses least:
 * the one with the smallest exclusive hypervolume, accuracy gained over its cheaper neighbour times the stretch of
 * log cost up to its dearer one. What stays is spread over the costs and denser where accuracy rises fast.
 */
export function thinFront<T extends Rated>(front: readonly T[], count: number): T[] {
  const kept = [...front];
  while (kept.length > Math.max(count, 2)) {
    let least = { index: 1, volume: Number.POSITIVE_INFINITY };
    for (let index = 1; index < kept.length - 1; index++) {
      const volume = exclusiveVolume(kept[index - 1], kept[index], kept[index + 1]);
      if (volume < least.volume) least = { index, volume };
    }
    kept.splice(least.index, 1);
  }
  return kept;
}

/** The first front, then the second and so on until there are `count`; the one that has no room as a whole is thinned. */
export function bestFronts<T extends Rated>(fronts: readonly (readonly T[])[], count: number): T[] {
  const kept: T[] = [];
  for (const front of fronts) {
    const room = Math.max(0, count - kept.length);
    kept.push(...(front.length > room ? thinFront(front, room).slice(0, room) : front));
  }
  return kept;
}

function exclusiveVolume(cheaper: Rated | undefined, own: Rated | undefined, dearer: Rated | undefined): number {
  if (cheaper === undefined || own === undefined || dearer === undefined) return Number.POSITIVE_INFINITY;
  return (own.accuracy - cheaper.accuracy) * Math.log(dearer.cost / own.cost);
}
