/** A planned policy with a solver that is none: when it is asked, when it has its plan, and what comes of it. */
import type { MipSolution, MixedIntegerProgram, PlannedPolicy, PlanView } from '@slackline/scheduling';
import { expect, it } from 'vitest';
import { simulate } from './simulate.js';
import { always, ends, options, twoSubnets } from './testing.js';

/** Serves on the small subnet until its plan, which is always due, says otherwise. */
class OnceMoreAccurate implements PlannedPolicy {
  readonly name = 'once more accurate';
  readonly asked: PlanView[] = [];
  readonly adopted: [MipSolution, PlanView][] = [];

  decide(view: Parameters<PlannedPolicy['decide']>[0]) {
    return always(1, this.adopted.length === 0 ? 0 : 1).decide(view);
  }
  planDue(view: PlanView): boolean {
    this.asked.push(view);
    return true;
  }
  planProblem(): MixedIntegerProgram {
    return { sense: 'max', variables: [{ lower: 0, upper: 1, integer: true, objective: 1 }], rows: [] };
  }
  adopt(solution: MipSolution, view: PlanView): void {
    this.adopted.push([solution, view]);
  }
}

const solution: MipSolution = { status: 'optimal', values: [1], objective: 1, bound: 1, gap: 0, solveMs: 5_000 };
const trace = { arrivalsMs: Float64Array.of(0, 340, 360), durationMs: 400 };
const models = [{ name: 'm', sloMs: 30, tables: { d: twoSubnets } }];

it('has its plan after the delay, and decides by it from then on', () => {
  const policy = new OnceMoreAccurate();
  const problems: MixedIntegerProgram[] = [];
  const solve = (problem: MixedIntegerProgram) => {
    problems.push(problem);
    return solution;
  };
  const result = simulate(options([], { trace, models, policy, planning: { solve, delayMs: 100 } }));
  // Asked at 250; the plan is there at 350.
  expect(ends(result)).toEqual(['ok@10', 'ok@350', 'ok@380']);
  expect(result).toMatchObject({ plans: 1, decisions: 3 });
  expect(problems).toEqual([policy.planProblem()]);
  const [[adopted, view] = []] = policy.adopted;
  expect(adopted).toBe(solution);
  expect(view).toBe(policy.asked[0]);
  expect(view).toMatchObject({ nowMs: 250, models: [{ model: 'm', arrived: 1, queued: 0 }], workers: [{ id: 'w0' }] });
});

it('is asked on while a plan is being made, and makes no second one meanwhile', () => {
  const policy = new OnceMoreAccurate();
  const planning = { solve: () => solution, delayMs: 600 };
  const result = simulate(options([0], { models, policy, planning }));
  expect(policy.asked.map(({ nowMs }) => nowMs)).toEqual([250, 500, 750]);
  expect(result.plans).toBe(1);
});

it('decides without a plan where nobody solves', () => {
  const policy = new OnceMoreAccurate();
  expect(simulate(options([0], { models, policy }))).toMatchObject({ ok: 1, plans: 0 });
  expect(policy.asked).toEqual([]);
});
