import { describe, expect, it } from 'vitest';
import { guarded } from '../guard.js';
import { LatencyTable } from '../latency-table.js';
import type { DecisionView } from '../policy.js';
import { pool, query, queueView, smallTable } from '../testing.js';
import { Oracle } from './oracle.js';

/** A queue of queries with these deadlines, most urgent first. */
function view(nowMs: number, deadlines: readonly number[]): DecisionView {
  const deadlineMsAt = (k: number) => deadlines[k] ?? Number.POSITIVE_INFINITY;
  return {
    nowMs,
    startMs: nowMs,
    conditions: { overheadMs: 0, reserveMs: 0, slowdown: 1 },
    queues: [{ ...queueView(smallTable, deadlineMsAt(0), deadlines.length), deadlineMsAt }],
    worker: { id: 'w', deviceClass: 'd', models: new Set(['m']) },
    otherFreeWorkers: 0,
    workers: 1,
  };
}

describe('oracle', () => {
  it('plays each batch of its plan once, at its time', () => {
    const oracle = new Oracle([
      { startMs: 7, subnet: 1, batch: 2 },
      { startMs: 5, subnet: 2, batch: 1 },
      { startMs: 5, subnet: 0, batch: 4 },
    ]);
    const deadlines = [100, 100, 100, 100, 100];
    expect(guarded(oracle, view(3, deadlines))).toEqual({ kind: 'wait', untilMs: 5 });
    expect(guarded(oracle, view(5, deadlines))).toMatchObject({ kind: 'run', subnet: 2, batch: 1, skip: 0 });
    expect(guarded(oracle, view(5, deadlines))).toMatchObject({ kind: 'run', subnet: 0, batch: 4 });
    expect(guarded(oracle, view(5, deadlines))).toEqual({ kind: 'wait', untilMs: 7 });
    expect(guarded(oracle, view(7, deadlines))).toMatchObject({ kind: 'run', subnet: 1, batch: 2 });
    expect(guarded(oracle, view(8, deadlines))).toEqual({ kind: 'wait', untilMs: Number.POSITIVE_INFINITY });
  });

  it('passes over the queries that the batch would answer too late, and no others', () => {
    // Four queries on the large subnet take 16 ms: until 26.
    const oracle = new Oracle([{ startMs: 10, subnet: 2, batch: 4 }]);
    expect(oracle.decide(view(10, [12, 25, 26, 30, 31, 32]))).toMatchObject({ kind: 'run', skip: 2 });
  });

  it('plays its plan also where the dispatcher asks more than once, as it does under overload', () => {
    // Three queries take 4 ms and twice as many arrive; for the most urgent only a batch of one is left.
    const batching = new LatencyTable([{ id: 'small', accuracy: 0.7 }], [1, 3], [[3, 4]]);
    const starts = [4, 8, 12, 16, 20, 24, 28, 32];
    const plan = starts.map((startMs) => ({ startMs, subnet: 0, batch: 3 }));
    const { dispatcher, sent, report, complete } = pool(new Oracle(plan));
    dispatcher.setTable('m', 'fast', batching);
    report('w', 0);
    for (let now = 0; now < 36; now += 1) {
      if (starts.includes(now)) complete(sent.at(-1), now);
      for (const i of [0, 1]) dispatcher.add(query(`q${2 * now + i}`, now + 10));
      dispatcher.run(now);
    }
    expect(sent.map(({ sentAtMs, queries }) => [sentAtMs, queries.length])).toEqual(starts.map((at) => [at, 3]));
  });
});
