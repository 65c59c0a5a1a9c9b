import { describe, expect, it } from 'vitest';
import type { DecisionView } from '../policy.js';
import { queueView, smallTable } from '../testing.js';
import { Oracle } from './oracle.js';

/** A queue of queries with these deadlines, most urgent first. */
function view(nowMs: number, deadlines: readonly number[]): DecisionView {
  const deadlineMsAt = (k: number) => deadlines[k] ?? Number.POSITIVE_INFINITY;
  return {
    nowMs,
    conditions: { overheadMs: 0, reserveMs: 0, slowdown: 1 },
    queues: [{ ...queueView(smallTable, deadlineMsAt(0), deadlines.length), deadlineMsAt }],
    worker: { id: 'w', deviceClass: 'd' },
    otherFreeWorkers: 0,
    workers: 1,
    nextFreeMs: Number.POSITIVE_INFINITY,
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
    expect(oracle.decide(view(3, deadlines))).toEqual({ kind: 'wait', untilMs: 5 });
    expect(oracle.decide(view(5, deadlines))).toMatchObject({ kind: 'run', subnet: 2, batch: 1, skip: 0 });
    expect(oracle.decide(view(5, deadlines))).toMatchObject({ kind: 'run', subnet: 0, batch: 4 });
    expect(oracle.decide(view(5, deadlines))).toEqual({ kind: 'wait', untilMs: 7 });
    expect(oracle.decide(view(7, deadlines))).toMatchObject({ kind: 'run', subnet: 1, batch: 2 });
    expect(oracle.decide(view(8, deadlines))).toEqual({ kind: 'wait', untilMs: Number.POSITIVE_INFINITY });
  });

  it('passes over the queries that the batch would answer too late, and no others', () => {
    // Four queries on the large subnet take 16 ms: until 26.
    const oracle = new Oracle([{ startMs: 10, subnet: 2, batch: 4 }]);
    expect(oracle.decide(view(10, [12, 25, 26, 30, 31, 32]))).toMatchObject({ kind: 'run', skip: 2 });
  });
});
