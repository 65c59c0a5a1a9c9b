import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { guarded } from './guard.js';
import { LatencyTable } from './latency-table.js';
import { createPolicy } from './policies/registry.js';
import type { Decision, DecisionView } from './policy.js';
import { anyTable, queueView, smallTable } from './testing.js';

function view(table: LatencyTable, leftMs: number, waiting = 100): DecisionView {
  return {
    nowMs: 1_000,
    conditions: { overheadMs: 0, reserveMs: 0, slowdown: 1 },
    queues: [queueView(table, 1_000 + leftMs, waiting)],
    worker: { id: 'w', deviceClass: 'd' },
    otherFreeWorkers: 0,
    workers: 1,
    nextFreeMs: Number.POSITIVE_INFINITY,
  };
}

/** The table with a tail `factor` times as long, at every place. */
function withTail(table: LatencyTable, factor: number): LatencyTable {
  const rows = table.subnets.map((_, s) => table.batches.map((_, b) => table.at(s, b)));
  const tail = new LatencyTable(
    table.subnets,
    table.batches,
    rows.map((row) => row.map((ms) => ms * factor)),
  );
  return new LatencyTable(table.subnets, table.batches, rows, tail);
}

function tailMs(table: LatencyTable, decision: Decision): number {
  if (decision.kind === 'wait') throw new Error('these policies never wait');
  return table.tail?.estimate(decision.subnet, decision.batch) ?? Number.NaN;
}

describe('a guarded decision', () => {
  const policy = createPolicy('slackfit');

  it('is the policy’s own where its tail holds the deadline', () => {
    expect(guarded(policy, view(withTail(smallTable, 1.2), 20))).toMatchObject({ batch: 4, subnet: 2 });
  });

  it('is made again from the tail where a batch would miss by it', () => {
    // By medians the largest subnet takes 16 of 20 ms; its tail takes 24, the next subnet's 12.
    expect(guarded(policy, view(withTail(smallTable, 1.5), 20))).toMatchObject({ batch: 4, subnet: 1 });
  });

  it('is the policy’s own where nothing holds by the tail', () => {
    expect(guarded(policy, view(withTail(smallTable, 50), 20))).toMatchObject({ batch: 4, subnet: 2 });
  });

  it('reckons with the queries that wait, not with the batch that there is room for', () => {
    // One query on the largest subnet takes 4 ms, 6 at the tail.
    expect(guarded(policy, view(withTail(smallTable, 1.5), 20, 1))).toMatchObject({ subnet: 2 });
  });

  it.each(['slackfit', 'maxbatch', 'maxacc', 'fixed:smallest'])('holds by the tail wherever %s can', (name) => {
    const each = createPolicy(name);
    fc.assert(
      fc.property(
        anyTable,
        fc.double({ min: 1, max: 10, noNaN: true }),
        fc.double({ min: 0, max: 80, noNaN: true }),
        (table, factor, left) => {
          const asked = view(withTail(table, factor), left);
          const decision = guarded(each, asked);
          const own = each.decide(asked);
          const [queue] = asked.queues;
          if (queue === undefined) throw new Error('the view has a queue');
          if (tailMs(queue.table, own) <= left) expect(decision).toEqual(own);
          else if (queue.table.fastestMs * factor <= left)
            expect(tailMs(queue.table, decision)).toBeLessThanOrEqual(left);
          else expect(decision).toEqual(own);
        },
      ),
    );
  });
});
