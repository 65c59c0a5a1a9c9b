import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { guarded } from './guard.js';
import { LatencyTable } from './latency-table.js';
import { createPolicy } from './policies/registry.js';
import { type Decision, type DecisionView, latestStartMs, mostUrgent, type Policy } from './policy.js';
import { anyTable, queueView, smallTable } from './testing.js';

function view(table: LatencyTable, leftMs: number, waiting = 100): DecisionView {
  return {
    nowMs: 1_000,
    startMs: 1_000,
    conditions: { overheadMs: 0, reserveMs: 0, slowdown: 1 },
    queues: [queueView(table, 1_000 + leftMs, waiting)],
    worker: { id: 'w', deviceClass: 'd', models: new Set(['m']) },
    otherFreeWorkers: 0,
    workers: 1,
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

  /** Runs its only query when that must begin; waits until then. */
  const patient: Policy & { told: Decision[] } = {
    name: 'patient',
    told: [],
    decide(asked) {
      const queue = mostUrgent(asked);
      const untilMs = latestStartMs(asked, queue, queue.table.at(2, 0));
      return untilMs > asked.nowMs
        ? { kind: 'wait', untilMs }
        : { kind: 'run', model: queue.model, batch: 1, subnet: 2 };
    },
    carriedOut(decision) {
      this.told.push(decision);
    },
  };

  it('waits no longer than the tail allows, and tells the policy what is done', () => {
    const table = withTail(smallTable, 3);
    patient.told.length = 0;
    // By the median it takes 4 ms, by the tail 12.
    expect(guarded(patient, view(table, 20, 1))).toEqual({ kind: 'wait', untilMs: 1_008 });
    expect(guarded(patient, view(table, 12, 1))).toMatchObject({ kind: 'run', subnet: 2 });
    expect(guarded(patient, view(table, 10, 1))).toEqual({ kind: 'wait', untilMs: 1_006 });
    expect(patient.told.map(({ kind }) => kind)).toEqual(['wait', 'run', 'wait']);
  });

  it('judges a batch by the first query in it', () => {
    const skipping: Policy = {
      name: 'skipping',
      decide: ({ queues }) => ({
        kind: 'run',
        model: 'm',
        batch: 1,
        subnet: queues[0]?.table.at(0, 0) === 1 ? 2 : 0,
        skip: 3,
      }),
    };
    const asked = view(withTail(smallTable, 2), 5);
    const [queue] = asked.queues;
    if (queue === undefined) throw new Error('the view has a queue');
    const later = (ms: number) => ({
      ...asked,
      queues: [{ ...queue, deadlineMsAt: (k: number) => 1_000 + (k < 3 ? 5 : ms) }],
    });
    // The tail on the large subnet takes 8 ms.
    expect(guarded(skipping, later(9))).toMatchObject({ subnet: 2 });
    expect(guarded(skipping, later(7))).toMatchObject({ subnet: 0 });
  });

  it.each(['slackfit', 'maxbatch', 'maxacc', 'fixed:smallest', 'infaas'])(
    'holds by the tail wherever %s can',
    (name) => {
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
    },
  );
});
