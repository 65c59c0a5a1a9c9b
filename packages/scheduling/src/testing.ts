/** What the tests of this room build their cases from. */
import fc from 'fast-check';
import type { Batch } from './batch.js';
import { Dispatcher } from './dispatcher.js';
import { LatencyTable } from './latency-table.js';
import type { Policy, QueueView } from './policy.js';
import type { WorkerReport } from './pooled-worker.js';
import type { Query } from './query.js';

export function query(id: string, deadlineMs: number, rest: Partial<Query> = {}): Query {
  const sequence = Number(id.replaceAll(/\D/g, '')) || 0;
  return { id, model: 'm', deadlineMs, sloMs: 36, sequence, bytes: 1, minAccuracy: 0, priority: 1, deaths: 0, ...rest };
}

/** A queue of `size` queries that all have one deadline. */
export function queueView(table: LatencyTable, headDeadlineMs: number, size = 100): QueueView {
  const deadlineMsAt = (k: number) => (k < size ? headDeadlineMs : Number.POSITIVE_INFINITY);
  const rest = { leastSubnet: 0, actuated: -1, arrived: size, workArrived: size, runnableOn: () => size, deadlineMsAt };
  const pool = {
    latestDeadlineMs: headDeadlineMs,
    sloMs: Number.POSITIVE_INFINITY,
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

/** A dispatcher with everything it asked for written down. A batch holds three queries of one byte, or `maxBatch`. */
export function pool(policy: Policy, overheadMs = 0, maxBatch = 256) {
  const sent: Batch<Query>[] = [];
  const expired: string[] = [];
  const failed: string[] = [];
  const dispatcher = new Dispatcher<Query>(
    policy,
    {
      send: (batch) => sent.push(batch),
      expired: ({ id }) => expired.push(id),
      failed: ({ id }) => failed.push(id),
      fenced: () => {},
    },
    {
      conditions: { overheadMs, reserveMs: 0, slowdown: 1 },
      maxBatch,
      maxBatchBytes: 3,
      deadAfterMs: 500,
      overdueMs: 250,
    },
  );
  const report = (
    workerId: string,
    nowMs: number,
    rest: Partial<Omit<WorkerReport, 'models'>> & { models?: string[] } = {},
  ) => {
    const { models = ['m'], ...others } = rest;
    const usual = { epoch: 'e1', deviceClass: 'fast', accepting: true, batchId: undefined };
    dispatcher.report({ workerId, ...usual, ...others, models: new Set(models) }, nowMs);
  };
  const complete = (batch: Batch<Query> | undefined, nowMs: number) =>
    dispatcher.complete(batch?.id ?? '', batch?.workerId ?? '', batch?.epoch ?? '', nowMs);
  return { dispatcher, sent, expired, failed, report, complete };
}

/** The same front, ten times as slow, and without its most accurate subnet. */
export const slowTable = new LatencyTable(
  smallTable.subnets.slice(0, 2),
  [1, 2],
  [
    [10, 20],
    [20, 40],
  ],
);
/** A family of separate models: changing costs 5 ms. */
export const family = new LatencyTable(smallTable.subnets, [1], [[1], [2], [4]], undefined, [5, 5, 5]);
