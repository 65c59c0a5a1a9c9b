import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LatencyTable } from '../latency-table.js';
import type { DecisionView, QueueView } from '../policy.js';
import { anyTable, queueView } from '../testing.js';
import { BudgetFit } from './budgetfit.js';

/** Batching pays: 16 queries take four to six times as long as one. The third lies below the line from second to fourth. */
const table = new LatencyTable(
  [
    { id: 'small', accuracy: 0.71 },
    { id: 'knee', accuracy: 0.79 },
    { id: 'dominated', accuracy: 0.792 },
    { id: 'large', accuracy: 0.805 },
  ],
  [1, 4, 16],
  [
    [1, 2.5, 7],
    [3, 6, 17],
    [4, 9, 25],
    [5, 11, 32],
  ],
);
const workers = 8;
const sloMs = 36;

function view(nowMs: number, queue: Partial<QueueView> & { table: LatencyTable; headDeadlineMs: number }) {
  const { table: served, headDeadlineMs, size = 100 } = queue;
  const most = served.largestBatch;
  const rest = {
    latestDeadlineMs: nowMs + sloMs,
    workArrived: queue.arrived ?? size,
    capacityPerMs: (workers * most) / served.estimate(0, most),
  };
  const whole: QueueView = { ...queueView(served, headDeadlineMs, size), ...rest, ...queue };
  const decided: DecisionView = {
    nowMs,
    startMs: nowMs,
    conditions: { overheadMs: 0, reserveMs: 0, slowdown: 1 },
    queues: [whole],
    worker: { id: 'w', deviceClass: 'd', models: new Set(['m']) },
    otherFreeWorkers: 0,
    workers,
  };
  return decided;
}

/** A policy that has seen `perMs` queries a millisecond for a second or as long as is said, the last of them at 1,000 ms. */
function accustomedTo(perMs: number, lastedMs = 1_000): { policy: BudgetFit; arrived: number } {
  const policy = new BudgetFit();
  let arrived = 0;
  for (let nowMs = 1_000 - lastedMs; nowMs <= 1_000; nowMs += 1) {
    arrived += perMs;
    policy.decide(view(nowMs, { table, headDeadlineMs: nowMs + sloMs, arrived }));
  }
  return { policy, arrived };
}

/** What it answers then to a queue of `size`, the most urgent query having that slack. */
function answer(perMs: number, slackMs: number, size: number, lastedMs?: number) {
  const { policy, arrived } = accustomedTo(perMs, lastedMs);
  const decision = policy.decide(view(1_000, { table, headDeadlineMs: 1_000 + slackMs, size, arrived }));
  if (decision.kind !== 'run') throw new Error('it never waits');
  return { subnet: table.subnets[decision.subnet]?.id, batch: decision.batch };
}

describe('budgetfit', () => {
  it('runs the most accurate subnet while traffic is light, in a batch of what waits', () => {
    expect(answer(0.5, 36, 3)).toEqual({ subnet: 'large', batch: 3 });
  });

  it('does not reach for a subnet that the traffic would make it pay back, however fresh the queries are', () => {
    // 8 workers carry 7.5 queries a millisecond on the knee, and 4 on the large one.
    expect(answer(9, 36, 16).subnet).toBe('knee');
    expect(answer(3, 36, 16).subnet).toBe('large');
    // Between both rates they are mixed, as slack allows.
    expect(answer(6, 36, 16).subnet).toBe('large');
    expect(answer(6, 20, 16).subnet).toBe('knee');
  });

  it('takes a few queries less rather than a less accurate subnet, but not many less', () => {
    // At 4 queries a millisecond there are 2 ms for each: 12 in 24 ms are within that, 8 in 19 ms are not.
    const fewer = answer(4, 27, 16);
    expect(fewer.subnet).toBe('large');
    expect(fewer.batch).toBeGreaterThan(10);
    expect(fewer.batch).toBeLessThan(16);
    expect(answer(4, 22, 16)).toEqual({ subnet: 'knee', batch: 16 });
  });

  it('leaves slack for a burst, the more the more the pool is loaded, and none below what can be doubled', () => {
    // A second on, 0.47 and 0.63 of what 8 workers carry on the smallest subnet: 0.12 and 0.38 of 5 of its batches, beside 17 ms for the knee.
    expect(answer(9, 22, 16)).toEqual({ subnet: 'knee', batch: 16 });
    expect(answer(9, 21.3, 16)).not.toEqual({ subnet: 'knee', batch: 16 });
    expect(answer(12, 31.4, 16)).toEqual({ subnet: 'knee', batch: 16 });
    expect(answer(12, 30.6, 16)).not.toEqual({ subnet: 'knee', batch: 16 });
    expect(answer(7.2, 17.5, 16)).toEqual({ subnet: 'knee', batch: 16 });
  });

  it('leaves none for a second burst while the first one may be all that there is', () => {
    expect(answer(12, 17.5, 16, 20)).toEqual({ subnet: 'knee', batch: 16 });
    expect(answer(12, 17.5, 16, 1_000)).not.toEqual({ subnet: 'knee', batch: 16 });
  });

  it('leaves no slack for a burst where even a fresh query has none to spare', () => {
    const tight = (slackMs: number, rest: Partial<QueueView> = { latestDeadlineMs: 1_018 }) => {
      const { policy, arrived } = accustomedTo(9);
      const asked = view(1_000, { table, headDeadlineMs: 1_000 + slackMs, size: 16, arrived, ...rest });
      return policy.decide(asked);
    };
    expect(tight(18)).toMatchObject({ subnet: 1, batch: 16 });
    // One query with a long limit says nothing of what the others can spare.
    expect(tight(18, { latestDeadlineMs: 11_000, sloMs: 18 })).toMatchObject({ subnet: 1, batch: 16 });
    expect(tight(18, { latestDeadlineMs: 11_000 })).not.toMatchObject({ subnet: 1, batch: 16 });
  });

  it('reckons with full batches where bus and queues take as long as batches do: workers share their cores with them', () => {
    const { policy, arrived } = accustomedTo(0.5);
    const under = (overheadMs: number) => {
      const asked = view(1_000, { table, headDeadlineMs: 1_020 + overheadMs, size: 3, arrived });
      const decision = policy.decide({ ...asked, conditions: { overheadMs, reserveMs: 0, slowdown: 1 } });
      return decision.kind === 'run' ? table.subnets[decision.subnet]?.id : undefined;
    };
    expect(under(1)).toBe('large');
    expect(under(10)).toBe('knee');
  });

  it('infers less where inference waits for shared cores, as far as the traffic makes that a good part of the time', () => {
    const under = (perMs: number, overheadMs: number, slowdown: number) => {
      const { policy, arrived } = accustomedTo(perMs);
      const capacityPerMs = (workers * 16) / 7 / slowdown;
      const late = { headDeadlineMs: 1_200, latestDeadlineMs: 1_200, sloMs: 200 };
      const asked = view(1_000, { table, ...late, size: 16, arrived, capacityPerMs });
      const decision = policy.decide({ ...asked, conditions: { overheadMs, reserveMs: 0, slowdown } });
      return decision.kind === 'run' ? table.subnets[decision.subnet]?.id : undefined;
    };
    // Of 8 workers 1.5 queries/ms on the large subnet, 2 ms each, make 3 wait at a slowdown of 2: more than a quarter.
    expect(under(1.5, 10, 2)).toBe('knee');
    expect(under(1.5, 10, 1.2)).toBe('large');
    expect(under(0.5, 10, 2)).toBe('large');
    // A slower device that shares its cores with nobody has all of its time.
    expect(under(1.5, 0, 2)).toBe('large');
  });

  it('gives accuracy up when what stays behind would be late otherwise', () => {
    expect(answer(6, 20, 40).subnet).toBe('knee');
    expect(answer(6, 20, 400)).toEqual({ subnet: 'small', batch: 16 });
  });

  it('keeps nothing back where that would leave queries behind', () => {
    const { policy, arrived } = accustomedTo(9);
    const asked = view(1_000, { table, headDeadlineMs: 1_008, size: 400, arrived });
    const decision = policy.decide({ ...asked, conditions: { overheadMs: 0, reserveMs: 4, slowdown: 1 } });
    // In the 4 ms that the reserve leaves there is room for 8 of them only.
    expect(decision).toMatchObject({ subnet: 0, batch: 16 });
  });

  it('runs no subnet that a mixture of others beats', () => {
    for (let perMs = 0.5; perMs < 18; perMs += 2) {
      for (let slackMs = 1; slackMs <= 36; slackMs += 2)
        expect(answer(perMs, slackMs, 16).subnet).not.toBe('dominated');
    }
  });

  it('never plans past the slack while anything fits, nor below the minimum, nor for more than waits', () => {
    const anyCase = fc.record({
      served: anyTable,
      slackMs: fc.double({ min: 0.01, max: 80, noNaN: true }),
      size: fc.integer({ min: 1, max: 60 }),
      least: fc.nat(5),
      perMs: fc.double({ min: 0.001, max: 100, noNaN: true }),
    });
    fc.assert(
      fc.property(anyCase, ({ served, slackMs, size, least, perMs }) => {
        const leastSubnet = Math.min(least, served.subnets.length - 1);
        const policy = new BudgetFit();
        const asked = (nowMs: number) =>
          policy.decide(
            view(nowMs, { table: served, headDeadlineMs: nowMs + slackMs, size, leastSubnet, arrived: perMs * nowMs }),
          );
        for (let nowMs = 0; nowMs < 200; nowMs += 10) {
          const decision = asked(nowMs);
          if (decision.kind !== 'run') throw new Error('it never waits');
          const { subnet, batch } = decision;
          expect(subnet).toBeGreaterThanOrEqual(leastSubnet);
          expect(batch).toBeGreaterThanOrEqual(1);
          expect(batch).toBeLessThanOrEqual(Math.min(size, served.largestBatch));
          const fits = served.at(leastSubnet, 0) <= slackMs;
          if (fits) expect(served.estimate(subnet, batch)).toBeLessThanOrEqual(slackMs + 1e-9);
          else expect([subnet, batch]).toEqual([leastSubnet, 1]);
        }
      }),
    );
  });

  it('reckons with the traffic of the models that the worker hosts, and of no others', () => {
    // Each of two models alone would leave time for the large subnet; on one pool they do not.
    const chosen = (hosted: readonly string[]) => {
      const policy = new BudgetFit();
      const ask = (model: string, nowMs: number) => {
        const asked = view(nowMs, { model, table, headDeadlineMs: nowMs + sloMs, size: 16, arrived: 3 * nowMs });
        return policy.decide({ ...asked, worker: { ...asked.worker, models: new Set([model, ...hosted]) } });
      };
      for (let nowMs = 0; nowMs < 1_000; nowMs += 1) for (const model of ['a', 'b', 'c']) ask(model, nowMs);
      const decision = ask('a', 1_000);
      return decision.kind === 'run' ? table.subnets[decision.subnet]?.id : undefined;
    };
    expect(chosen([])).toBe('large');
    expect(chosen(['a', 'b', 'c'])).toBe('knee');
  });

  it('counts a query that asks for accuracy as the work that it is', () => {
    const chosen = (workPerMs: number) => {
      const policy = new BudgetFit();
      const ask = (nowMs: number) =>
        policy.decide(view(nowMs, { table, headDeadlineMs: nowMs + sloMs, size: 16, workArrived: workPerMs * nowMs }));
      for (let nowMs = 0; nowMs < 1_000; nowMs += 1) ask(nowMs);
      const decision = ask(1_000);
      return decision.kind === 'run' ? table.subnets[decision.subnet]?.id : undefined;
    };
    expect(chosen(3)).toBe('large');
    expect(chosen(9)).toBe('knee');
  });

  it('keeps to the subnet that is loaded where loading another takes the slack away', () => {
    const rows = table.subnets.map((_, s) => table.batches.map((_, b) => table.at(s, b)));
    const family = new LatencyTable(table.subnets, table.batches, rows, undefined, [15, 15, 15, 15]);
    const policy = new BudgetFit();
    const decision = policy.decide(view(0, { table: family, headDeadlineMs: 12, size: 4, actuated: 3 }));
    expect(decision).toMatchObject({ subnet: 3, batch: 4 });
  });
});
