import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LatencyTable } from '../latency-table.js';
import { type DecisionView, slackMs } from '../policy.js';
import { anyTable, queueView, smallTable } from '../testing.js';
import { createPolicy } from './registry.js';
import { fillBuckets } from './slackfit.js';

function view(table: LatencyTable, slack: number, size = 100): DecisionView {
  return {
    nowMs: 1_000,
    conditions: { overheadMs: 2, reserveMs: 0, slowdown: 1 },
    queues: [queueView(table, 1_002 + slack, size)],
    worker: { id: 'w', deviceClass: 'd' },
    otherFreeWorkers: 0,
    workers: 1,
    nextFreeMs: Number.POSITIVE_INFINITY,
  };
}

function run(policy: string, table: LatencyTable, slack: number) {
  const decision = createPolicy(policy).decide(view(table, slack));
  if (decision.kind !== 'run') throw new Error('a work-conserving policy waited');
  const batchIndex = table.batches.indexOf(decision.batch);
  return { ...decision, latencyMs: table.at(decision.subnet, batchIndex), batchIndex };
}

/** Every (subnet, batch) of a table that fits, as [batch, accuracy]. */
function feasible(table: LatencyTable, slack: number): [number, number][] {
  return table.subnets.flatMap((subnet, s) =>
    table.batches.flatMap((batch, b): [number, number][] =>
      table.at(s, b) <= slack ? [[batch, subnet.accuracy]] : [],
    ),
  );
}

const anySlack = fc.double({ min: -5, max: 80, noNaN: true });
const epsilon = 1e-9;

describe.each(['slackfit', 'maxbatch', 'maxacc', 'fixed:smallest'])('%s', (name) => {
  it('never plans past the slack while anything fits, and plans the fastest pair when nothing does', () => {
    fc.assert(
      fc.property(anyTable, anySlack, (table, slack) => {
        const { latencyMs } = run(name, table, slack);
        if (slack >= table.fastestMs) expect(latencyMs).toBeLessThanOrEqual(slack + epsilon);
        else expect(latencyMs).toBe(table.fastestMs);
      }),
    );
  });
});

describe('slack', () => {
  it('is what is left beyond overhead and reserve, in profiled milliseconds', () => {
    const [queue] = view(smallTable, 20).queues;
    if (queue === undefined) throw new Error('the view has a queue');
    const slack = (conditions: DecisionView['conditions']) => slackMs({ ...view(smallTable, 20), conditions }, queue);
    expect(slack({ overheadMs: 2, reserveMs: 0, slowdown: 1 })).toBe(20);
    expect(slack({ overheadMs: 6, reserveMs: 4, slowdown: 2 })).toBe(6);
    // The reserve takes no more than half.
    expect(slack({ overheadMs: 2, reserveMs: 50, slowdown: 1 })).toBe(10);
  });
});

describe('slackfit', () => {
  it('holds in each bucket the largest batch under its bound, then the most accurate subnet', () => {
    fc.assert(
      fc.property(anyTable, fc.integer({ min: 2, max: 100 }), (table, count) => {
        const buckets = fillBuckets(table, count);
        for (let i = 0; i < count; i += 1) {
          const bound = buckets.firstBoundMs + i * buckets.stepMs;
          const fits = feasible(table, i === count - 1 ? Number.POSITIVE_INFINITY : bound);
          const batch = Math.max(...fits.map(([size]) => size));
          const accuracy = Math.max(...fits.filter(([size]) => size === batch).map(([, each]) => each));
          expect(buckets.batch[i]).toBe(batch);
          expect(table.subnets[buckets.subnet[i] ?? -1]?.accuracy).toBe(accuracy);
        }
      }),
    );
  });

  it('never answers less slack with more latency', () => {
    fc.assert(
      fc.property(anyTable, anySlack, anySlack, (table, a, b) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)];
        expect(run('slackfit', table, less).latencyMs).toBeLessThanOrEqual(run('slackfit', table, more).latencyMs);
      }),
    );
  });

  it('bends accuracy as slack shrinks, at the largest batch', () => {
    const at = (slack: number) => run('slackfit', smallTable, slack);
    expect(at(30)).toMatchObject({ batch: 4, subnet: 2 });
    expect(at(9)).toMatchObject({ batch: 4, subnet: 1 });
    expect(at(5)).toMatchObject({ batch: 4, subnet: 0 });
    expect(at(1.5)).toMatchObject({ batch: 1, subnet: 0 });
  });
});

describe('the greedy policies', () => {
  it('maxbatch takes the largest batch that fits at all, then the best accuracy at it', () => {
    fc.assert(
      fc.property(anyTable, fc.double({ min: 0, max: 80, noNaN: true }), (table, slack) => {
        fc.pre(slack >= table.fastestMs);
        const fits = feasible(table, slack);
        const { batch, subnet } = run('maxbatch', table, slack);
        expect(batch).toBe(Math.max(...fits.map(([size]) => size)));
        const best = Math.max(...fits.filter(([size]) => size === batch).map(([, accuracy]) => accuracy));
        expect(table.subnets[subnet]?.accuracy).toBe(best);
      }),
    );
  });

  it('maxacc takes the best accuracy that fits at all, then the largest batch of it', () => {
    fc.assert(
      fc.property(anyTable, fc.double({ min: 0, max: 80, noNaN: true }), (table, slack) => {
        fc.pre(slack >= table.fastestMs);
        const fits = feasible(table, slack);
        const { batch, subnet } = run('maxacc', table, slack);
        const accuracy = table.subnets[subnet]?.accuracy;
        expect(accuracy).toBe(Math.max(...fits.map(([, each]) => each)));
        expect(batch).toBe(Math.max(...fits.filter(([, each]) => each === accuracy).map(([size]) => size)));
      }),
    );
  });

  it('a fixed subnet stays whatever the slack', () => {
    expect(run('fixed:middle', smallTable, 30)).toMatchObject({ batch: 4, subnet: 1 });
    expect(run('fixed:middle', smallTable, 0.1)).toMatchObject({ batch: 1, subnet: 1 });
    expect(run('fixed:largest', smallTable, 8)).toMatchObject({ batch: 2, subnet: 2 });
  });

  it('an unknown name is refused with those there are', () => {
    expect(() => createPolicy('fastest')).toThrow(/slackfit/);
    expect(() => createPolicy('fixed:')).toThrow(/slackfit/);
  });
});
