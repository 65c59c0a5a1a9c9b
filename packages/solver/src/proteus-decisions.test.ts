/** That decisions of Proteus keep to its plan, and lose no query over it. */
import { type DecisionView, Proteus, type QueueView } from '@slackline/scheduling';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { conditions, follow, sum, table, tableOf, workersOf } from './proteus-testing.js';

describe('a planned decision', () => {
  /** A plan for 4 workers on one subnet each, and a view of one of them. */
  function planned(rate: number, loadMs = 0, count = 1) {
    const policy = new Proteus();
    follow(
      policy,
      { workers: workersOf(count), rates: { m: rate }, tables: new Map([['d', tableOf(1, loadMs)]]) },
      0,
      1_500,
    );
    return policy;
  }

  function viewOf(
    waiting: number,
    leftMs: number,
    arrived: number,
    rest: Partial<QueueView> = {},
    id = 'd0',
  ): DecisionView {
    const nowMs = 10_000;
    const queue: QueueView = {
      model: 'm',
      size: waiting,
      runnable: waiting,
      runnableOn: () => waiting,
      headDeadlineMs: nowMs + leftMs,
      table,
      leastSubnet: 0,
      actuated: -1,
      arrived,
      workArrived: arrived,
      latestDeadlineMs: nowMs + leftMs,
      sloMs: leftMs,
      capacityPerMs: 1,
      deadlineMsAt: () => nowMs + leftMs,
      ...rest,
    };
    return {
      nowMs,
      startMs: nowMs,
      conditions,
      queues: [queue],
      worker: { id, deviceClass: 'd', models: new Set(['m']) },
      otherFreeWorkers: 0,
      workers: 1,
    };
  }
  const arrivedBefore = 100;

  it('waits until one query more would be too late, then runs what is there', () => {
    const policy = planned(100);
    const { arrived } = policy.plan.variants[0] ?? { arrived: 0 };
    // Two wait, on the large subnet: three take 8 ms.
    const asked = viewOf(2, 30, arrived + 2);
    expect(policy.decide(asked)).toEqual({ kind: 'wait', untilMs: 10_000 + 30 - 8 });
    const late = { ...asked, nowMs: 10_022, startMs: 10_022 };
    expect(policy.decide(late)).toEqual({ kind: 'run', model: 'm', batch: 2, subnet: 2 });
  });

  it('passes over all that would be late when its worker can only begin later', () => {
    const policy = planned(100);
    const { arrived } = policy.plan.variants[0] ?? { arrived: 0 };
    // Four take 10 ms: from 10,004 on those are late whose deadline is before 10,014.
    const deadlineMsAt = (k: number) => 10_011 + k;
    const asked = viewOf(20, 11, arrived + 20, { deadlineMsAt });
    expect(policy.decide(asked)).toMatchObject({ batch: 4, subnet: 2 });
    expect(policy.decide({ ...asked, startMs: 10_004 })).toMatchObject({ kind: 'run', batch: 4, subnet: 2, skip: 3 });
  });

  it('runs a full batch at once', () => {
    const policy = planned(100);
    const { arrived } = policy.plan.variants[0] ?? { arrived: 0 };
    expect(policy.decide(viewOf(9, 30, arrived + 9))).toEqual({ kind: 'run', model: 'm', batch: 4, subnet: 2 });
  });

  it('never waits so long that the most urgent query is lost', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.double({ min: -5, max: 60, noNaN: true }),
        fc.integer({ min: 0, max: 60 }),
        fc.integer({ min: 0, max: 2 }),
        fc.constantFrom(100, 700, 5_000),
        (waiting, leftMs, arrivals, leastSubnet, rate) => {
          const policy = planned(rate);
          const { arrived } = policy.plan.variants[0] ?? { arrived: 0 };
          const asked = viewOf(waiting, leftMs, arrived + arrivals, { leastSubnet });
          const decision = policy.decide(asked);
          const then =
            decision.kind === 'wait' ? { ...asked, nowMs: decision.untilMs, startMs: decision.untilMs } : asked;
          const run = decision.kind === 'wait' ? policy.decide(then) : decision;
          if (run.kind !== 'run') throw new Error('it waited twice for the same queries');
          expect(run.subnet).toBeGreaterThanOrEqual(leastSubnet);
          const ms = table.estimate(run.subnet, run.batch);
          if (table.at(run.subnet, 0) <= leftMs)
            expect(then.nowMs + ms).toBeLessThanOrEqual(asked.nowMs + leftMs + 1e-6);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('splits the queries as the plan says, whoever asks first', () => {
    const policy = new Proteus();
    // Two large ones and two middle ones, or the like: more than one variant.
    follow(policy, { workers: workersOf(4), rates: { m: 2_000 } }, 0, 1_500);
    const { variants, assigned } = policy.plan;
    expect(variants.length).toBeGreaterThan(1);
    const taken = new Map(variants.map((variant) => [variant, 0]));
    let arrived = variants[0]?.arrived ?? 0;
    let waiting = 0;
    for (let round = 0; round < 2_000; round += 1) {
      arrived += 4;
      waiting += 4;
      for (const id of assigned.keys()) {
        const asked = viewOf(waiting, 30, arrived, {}, id);
        const decision = waiting > 0 ? policy.decide(asked) : undefined;
        if (decision?.kind !== 'run') continue;
        policy.carriedOut(decision, asked);
        const variant = assigned.get(id);
        if (variant !== undefined) taken.set(variant, (taken.get(variant) ?? 0) + decision.batch);
        waiting -= decision.batch;
      }
    }
    const all = sum([...taken.values()]);
    expect(all).toBeGreaterThan(7_900);
    for (const [variant, queries] of taken) expect(queries / all).toBeCloseTo(variant.share, 2);
  });

  it('skips those whom a full batch would be too late for, and shrinks a batch that is not full', () => {
    const policy = planned(100);
    const { arrived } = policy.plan.variants[0] ?? { arrived: 0 };
    // Four take 10 ms on the large subnet; a deadline every 2 ms from 3 ms on.
    const deadlineMsAt = (k: number) => 10_003 + 2 * k;
    expect(policy.decide(viewOf(9, 3, arrived + 9, { deadlineMsAt }))).toMatchObject({ batch: 4, skip: 4 });
    expect(policy.decide(viewOf(5, 3, arrived + 9, { deadlineMsAt }))).toEqual({
      kind: 'run',
      model: 'm',
      batch: 1,
      subnet: 2,
    });
    expect(planned(100).decide(viewOf(3, 8, arrived + 3, { deadlineMsAt }))).toMatchObject({ kind: 'run', batch: 3 });
  });

  it('may be asked twice before it is carried out', () => {
    const policy = planned(700);
    const { arrived } = policy.plan.variants[0] ?? { arrived: 0 };
    const asked = viewOf(9, 30, arrived + 9);
    expect(policy.decide(asked)).toEqual(policy.decide(asked));
  });

  it('helps out where a batch would be lost to a variant that is busy', () => {
    const policy = planned(700);
    const { arrived, subnet } = policy.plan.variants[0] ?? { arrived: 0, subnet: -1 };
    // Nothing has arrived for it, but 3 queries wait and are nearly too late.
    const cost = table.estimate(subnet, 3);
    expect(policy.decide(viewOf(3, cost + 5, arrived))).toEqual({ kind: 'wait', untilMs: 10_005 });
    expect(policy.decide(viewOf(3, cost, arrived))).toMatchObject({ kind: 'run', batch: 3, subnet });
  });

  it('serves by default what no plan knows: strange workers, and models without a worker', () => {
    const policy = planned(700);
    expect(policy.decide(viewOf(9, 30, 0, {}, 'stranger'))).toMatchObject({ kind: 'run', batch: 4, subnet: 0 });
    expect(policy.decide(viewOf(9, 30, 0, { model: 'other', leastSubnet: 1 }))).toMatchObject({
      model: 'other',
      subnet: 1,
    });
    expect(new Proteus().decide(viewOf(9, 30, arrivedBefore))).toMatchObject({ kind: 'run', batch: 4, subnet: 0 });
  });

  it('leaves a model to the workers that were planned for it', () => {
    const policy = new Proteus();
    follow(policy, { workers: workersOf(6, 'd', ['m', 'n']), rates: { m: 1_000, n: 1_000 } }, 0, 1_500);
    const ofM = [...policy.plan.assigned].find(([, { model }]) => model === 'm')?.[0] ?? '';
    expect(policy.decide(viewOf(9, 30, 0, { model: 'n' }, ofM))).toEqual({ kind: 'wait', untilMs: Infinity });
  });

  it('counts the loading of a model, and gives one query for it rather than many', () => {
    const policy = planned(100, 50);
    const { arrived } = policy.plan.variants[0] ?? { arrived: 0 };
    const costly = { table: tableOf(1, 50) };
    expect(policy.decide(viewOf(3, 30, arrived + 3, costly))).toMatchObject({ kind: 'run', batch: 1, subnet: 2 });
    expect(policy.decide(viewOf(3, 30, arrived + 3, { ...costly, actuated: 2 }))).toMatchObject({ kind: 'wait' });
  });
});
