/** What the plans of Proteus promise, made by the real solver. */
import { type Plan, Proteus } from '@slackline/scheduling';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { follow, peaks, planView, type Situation, sum, table, tableOf, workersOf } from './proteus-testing.js';

function planFor(situation: Situation): Plan {
  const policy = new Proteus();
  expect(follow(policy, situation, 0, 1_500)).toEqual([1_000]);
  return policy.plan;
}

const countOf = (plan: Plan, subnet: number) =>
  [...plan.assigned.values()].filter((variant) => variant.subnet === subnet).length;

describe('a plan', () => {
  it('serves all of a small demand on the most accurate subnet', () => {
    const plan = planFor({ workers: workersOf(4), rates: { m: 400 } });
    expect(countOf(plan, 2)).toBe(4);
  });

  it('bends accuracy to the demand, and no more than it must', () => {
    // With headroom 2,100: three large ones carry 1,200, the fourth must be small; two large and two middle carry 2,400.
    const plan = planFor({ workers: workersOf(4), rates: { m: 2_000 } });
    const served = sum(plan.variants.map((variant) => variant.served));
    expect(served).toBeCloseTo(2_100, 3);
    const accuracy = sum(plan.variants.map((variant) => variant.served * variant.accuracy)) / served;
    const best = Math.max((1_200 * 0.9 + 900 * 0.7) / 2_100, (800 * 0.9 + 1_300 * 0.8) / 2_100);
    expect(accuracy).toBeCloseTo(best, 4);
  });

  it('serves as much as it can where the demand cannot be met', () => {
    const plan = planFor({ workers: workersOf(4), rates: { m: 50_000 } });
    expect(countOf(plan, 0)).toBe(4);
    expect(sum(plan.variants.map(({ served }) => served))).toBeCloseTo(4 * 1_600, 3);
  });

  it('reckons with half of the SLO: batches that take longer carry nothing', () => {
    // Half of 9 ms: the large subnet runs one query at a time (4 ms), the middle one two (3 ms).
    const [variant] = planFor({ workers: workersOf(1), rates: { m: 600 }, sloMs: 9 }).variants;
    expect(variant).toMatchObject({ subnet: 1, batch: 2 });
    // Nothing fits half of 1 ms: the fastest is what there is.
    expect(planFor({ workers: workersOf(1), rates: { m: 10 }, sloMs: 1 }).variants[0]).toMatchObject({
      subnet: 0,
      batch: 1,
    });
  });

  it('is feasible, complete, and meets the demand where that can be met', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 0, max: 6 }),
        // In fours: whole numbers of queries between two looks.
        fc.integer({ min: 1, max: 3_000 }).map((quarter) => 4 * quarter),
        fc.integer({ min: 0, max: 1_500 }).map((quarter) => 4 * quarter),
        fc.double({ min: 1, max: 3, noNaN: true }),
        (fast, slow, rate, otherRate, factor) => {
          const workers = [...workersOf(fast, 'd', ['m', 'n']), ...workersOf(slow, 'e', ['m'])];
          const tables = new Map([
            ['d', table],
            ['e', tableOf(factor)],
          ]);
          const rates = { m: rate, n: otherRate };
          const { variants, assigned, models } = planFor({ workers, rates, tables });
          expect(assigned.size).toBe(workers.length);
          for (const { id, models } of workers) expect(models.has(assigned.get(id)?.model ?? '')).toBe(true);
          for (const variant of variants) {
            const here = [...assigned.values()].filter((each) => each === variant).length;
            expect(here).toBe(variant.devices);
            expect(variant.served).toBeLessThanOrEqual(variant.peak * here + 1e-3);
          }
          for (const model of models) {
            expect(sum(variants.filter((each) => each.model === model).map(({ share }) => share))).toBeCloseTo(1, 9);
          }
          // All on the smallest subnet: what of both demands that can carry is served.
          const onD = fast * (peaks[0] ?? 0);
          const onE = (slow * (peaks[0] ?? 0)) / factor;
          const served = sum(variants.map((each) => each.served));
          const wanted = 1.05 * (rate + otherRate);
          const canCarry = wholeDevicesCarry(1.05 * rate, 1.05 * otherRate, fast, onD / fast, onE);
          expect(served).toBeGreaterThanOrEqual(Math.min(wanted, canCarry) * 0.99 - 1);
          expect(served).toBeLessThanOrEqual(wanted + 1e-3);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('keeps workers where they are as far as the counts allow', () => {
    const policy = new Proteus();
    const workers = workersOf(8);
    follow(policy, { workers, rates: { m: 3_000 } }, 0, 1_500);
    const before = policy.plan;
    // One leaves, and the rest is planned anew.
    const rest = workers.slice(1);
    expect(follow(policy, { workers: rest, rates: { m: 3_000 } }, 2_250, 500)).toEqual([2_250]);
    const moved = rest.filter(({ id }) => policy.plan.assigned.get(id)?.subnet !== before.assigned.get(id)?.subnet);
    const changes = [0, 1, 2].map((subnet) => Math.max(0, countOf(policy.plan, subnet) - countOf(before, subnet)));
    expect(moved.length).toBeLessThanOrEqual(sum(changes) + 1);
  });

  it('is made again every 30 s, on a burst, and when workers or tables change; not else', () => {
    const policy = new Proteus();
    const situation = { workers: workersOf(4), rates: { m: 500 } };
    expect(follow(policy, situation, 0, 62_000)).toEqual([1_000, 31_000, 61_000]);
    const bursting = new Proteus();
    follow(bursting, situation, 0, 2_000);
    // Counters go on from where they were: 200 queries per 250 ms more than before.
    const burst = (nowMs: number) => {
      const view = planView(situation, nowMs);
      return {
        ...view,
        models: view.models.map((each) => ({ ...each, arrived: each.arrived + 0.8 * (nowMs - 2_000) })),
      };
    };
    const due = [2_000, 2_250, 2_500].map((nowMs) => bursting.planDue(burst(nowMs)));
    expect(due).toEqual([false, true, true]);
  });

  it('is not lost when the solver finds nothing, and is asked for again', () => {
    const policy = new Proteus();
    const situation = { workers: workersOf(2), rates: { m: 500 } };
    follow(policy, situation, 0, 1_500);
    const before = policy.plan;
    const view = planView(situation, 40_000);
    expect(policy.planDue(view)).toBe(true);
    expect(policy.planProblem(view)).toBeDefined();
    const nothing = {
      status: 'unsolved',
      values: [],
      objective: Number.NaN,
      bound: Number.NaN,
      gap: Infinity,
    } as const;
    policy.adopt({ ...nothing, solveMs: 1 }, view);
    expect(policy.plan).toBe(before);
    expect([40_250, 41_000].map((nowMs) => policy.planDue(planView(situation, nowMs)))).toEqual([false, true]);
  });

  it('is none without workers, and none without tables', () => {
    const policy = new Proteus();
    expect(policy.planProblem(planView({ workers: [], rates: { m: 5 } }, 0))).toBeUndefined();
    expect(
      policy.planProblem(planView({ workers: workersOf(1), rates: { m: 5 }, tables: new Map() }, 0)),
    ).toBeUndefined();
  });
});

/** What of two demands whole devices of class d (both models) and all of class e (the first model) can carry at most. */
function wholeDevicesCarry(m: number, n: number, devices: number, each: number, others: number): number {
  const options = Array.from({ length: devices + 1 }, (_, forN) => {
    return Math.min(n, forN * each) + Math.min(m, (devices - forN) * each + others);
  });
  return Math.max(...options);
}
