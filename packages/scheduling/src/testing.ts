/** What the tests of this room build their cases from. */
import fc from 'fast-check';
import { LatencyTable } from './latency-table.js';
import type { QueueView } from './policy.js';
import type { Query } from './query.js';

export function query(id: string, deadlineMs: number, rest: Partial<Query> = {}): Query {
  const sequence = Number(id.replaceAll(/\D/g, '')) || 0;
  return { id, model: 'm', deadlineMs, sequence, bytes: 1, minAccuracy: 0, priority: 1, deaths: 0, ...rest };
}

/** A queue of `size` queries that all have one deadline. */
export function queueView(table: LatencyTable, headDeadlineMs: number, size = 100): QueueView {
  const deadlineMsAt = (k: number) => (k < size ? headDeadlineMs : Number.POSITIVE_INFINITY);
  const rest = { leastSubnet: 0, actuated: -1, arrived: size, runnableOn: () => size, deadlineMsAt };
  const pool = {
    latestDeadlineMs: headDeadlineMs,
    capacityPerMs: table.largestBatch / table.at(0, table.batches.length - 1),
  };
  return { model: 'm', size, runnable: size, headDeadlineMs, table, ...rest, ...pool };
}

/** Any table that is in order: up to 6 subnets, batches in powers of two, latency growing in both. */
export const anyTable: fc.Arbitrary<LatencyTable> = fc
  .record({
    batches: fc.integer({ min: 1, max: 5 }),
    subnets: fc.array(fc.double({ min: 0.01, max: 5, noNaN: true }), { minLength: 1, maxLength: 6 }),
    perQuery: fc.double({ min: 0.01, max: 1, noNaN: true }),
  })
  .map(({ batches, subnets, perQuery }) => {
    const sizes = Array.from({ length: batches }, (_, i) => 2 ** i);
    let cost = 0;
    const costs = subnets.map((extra) => {
      cost += extra;
      return cost;
    });
    return new LatencyTable(
      costs.map((_, i) => ({ id: `s${i}`, accuracy: 0.5 + i / 100 })),
      sizes,
      costs.map((base) => sizes.map((size) => base * (0.3 + perQuery * size))),
    );
  });

/** Three subnets, batches 1, 2, 4: latency is 1, 2 or 4 ms times the batch. */
export const smallTable = new LatencyTable(
  [
    { id: 'small', accuracy: 0.7 },
    { id: 'middle', accuracy: 0.8 },
    { id: 'large', accuracy: 0.9 },
  ],
  [1, 2, 4],
  [
    [1, 2, 4],
    [2, 4, 8],
    [4, 8, 16],
  ],
);
