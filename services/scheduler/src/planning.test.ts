import {
  type MipSolution,
  type MixedIntegerProgram,
  type PlannedPolicy,
  type PlanView,
  planCheckMs,
} from '@slackline/scheduling';
import type { Clock, Log } from '@slackline/shared';
import { describe, expect, it } from 'vitest';
import { Planning } from './planning.js';

const view: PlanView = {
  nowMs: 0,
  conditions: { slowdown: 1, overheadMs: 0, reserveMs: 0 },
  models: [],
  workers: [],
};
const problem: MixedIntegerProgram = { sense: 'max', variables: [], rows: [] };
const solved: MipSolution = { status: 'optimal', values: [1], objective: 1, bound: 1, gap: 0, solveMs: 1 };

/** A planning whose clock, policy and solver the test holds in its hand. */
function setUp() {
  const timers = new Set<() => void>();
  const clock: Clock = {
    now: () => 0,
    after(delayMs, callback) {
      expect(delayMs).toBe(planCheckMs);
      timers.add(callback);
      return () => timers.delete(callback);
    },
  };
  const seen = { asked: 0, adopted: 0, ran: 0, closed: 0, errors: [] as string[] };
  const open: { resolve: (solution: MipSolution) => void; reject: (error: Error) => void }[] = [];
  const policy: PlannedPolicy = {
    name: 'planned',
    decide: () => ({ kind: 'wait', untilMs: Number.POSITIVE_INFINITY }),
    planDue: () => {
      seen.asked += 1;
      return true;
    },
    planProblem: () => problem,
    adopt: () => {
      seen.adopted += 1;
    },
  };
  const log = { info: () => {}, error: ({ code }: { code: string }) => seen.errors.push(code) } as unknown as Log;
  const planning = new Planning(policy, {
    clock,
    log,
    solver: {
      solve: () => new Promise((resolve, reject) => open.push({ resolve, reject })),
      close: async () => {
        seen.closed += 1;
      },
    },
    view: () => view,
    onPlan: () => {
      seen.ran += 1;
    },
  });
  planning.start();
  const tick = () => {
    for (const callback of [...timers]) {
      timers.delete(callback);
      callback();
    }
  };
  /** Everything that follows from a promise's end has happened. */
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return { planning, policy, timers, seen, open, tick, settle };
}

describe('planning', () => {
  it('solves one program at a time, and goes on asking meanwhile', async () => {
    const { seen, open, tick, settle } = setUp();
    tick();
    tick();
    expect(seen.asked).toBe(2);
    expect(open).toHaveLength(1);
    open[0]?.resolve(solved);
    await settle();
    expect(seen).toMatchObject({ adopted: 1, ran: 1 });
    tick();
    expect(open).toHaveLength(2);
  });

  it('says with a code that a program was not solved, and keeps the plan', async () => {
    const { seen, open, tick, settle } = setUp();
    tick();
    open[0]?.reject(new Error('HiGHS aborted'));
    await settle();
    tick();
    open[1]?.resolve({ ...solved, status: 'unsolved', values: [] });
    await settle();
    expect(seen).toMatchObject({ adopted: 0, ran: 0, errors: ['plan_failed', 'plan_failed'] });
  });

  it('outlives a policy that throws', async () => {
    const { seen, policy, open, tick } = setUp();
    const { planProblem } = policy;
    policy.planProblem = () => {
      throw new RangeError('no such thing');
    };
    tick();
    expect(seen.errors).toEqual(['plan_failed']);
    policy.planProblem = planProblem;
    tick();
    expect(open).toHaveLength(1);
  });

  it('ends its timer and its thread, and adopts nothing afterwards', async () => {
    const { planning, timers, seen, open, tick, settle } = setUp();
    tick();
    await planning.stop();
    open[0]?.resolve(solved);
    await settle();
    expect(timers.size).toBe(0);
    expect(seen).toMatchObject({ closed: 1, adopted: 0, errors: [] });
  });
});
