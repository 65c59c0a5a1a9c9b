/** What the tests of Proteus plan with: a table, workers, a demand, and a real solver. */
import {
  LatencyTable,
  type MipSolution,
  type MixedIntegerProgram,
  type PlanModel,
  type PlanView,
  type PlanWorker,
  type Proteus,
} from '@slackline/scheduling';
import { createSolver } from './solver.js';

const batches = [1, 2, 4];
const subnets = [
  { id: 'small', accuracy: 0.7 },
  { id: 'middle', accuracy: 0.8 },
  { id: 'large', accuracy: 0.9 },
];
/** Latency is 1, 2 or 4 ms times the batch, and half of that again: 0.5 + 0.5 b. */
export const tableOf = (factor = 1, loadMs = 0) =>
  new LatencyTable(
    subnets,
    batches,
    subnets.map((_, s) => batches.map((b) => factor * 2 ** s * (0.5 + 0.5 * b))),
    undefined,
    subnets.map(() => loadMs),
  );
export const table = tableOf();
/** Queries per second of one device in batches of 4, by subnet. */
export const peaks = [1_600, 800, 400];

export const conditions = { slowdown: 1, overheadMs: 0, reserveMs: 0 };
export const workersOf = (count: number, deviceClass = 'd', models = ['m'], first = 0): PlanWorker[] =>
  Array.from({ length: count }, (_, i) => ({ id: `${deviceClass}${first + i}`, deviceClass, models: new Set(models) }));

export interface Situation {
  workers: PlanWorker[];
  /** Queries per second by model. */
  rates: Record<string, number>;
  tables?: ReadonlyMap<string, LatencyTable>;
  sloMs?: number;
}

export function planView(
  { workers, rates, tables = new Map([['d', table]]), sloMs = 36 }: Situation,
  nowMs: number,
): PlanView {
  const models = Object.entries(rates).map(
    ([model, rate]): PlanModel => ({ model, arrived: Math.round((rate * nowMs) / 1_000), queued: 0, sloMs, tables }),
  );
  return { nowMs, conditions, models, workers };
}

const solver = await createSolver();
/** Many cases plan for the same situation. */
const solutions = new Map<string, MipSolution>();

function solve(problem: MixedIntegerProgram): MipSolution {
  const key = JSON.stringify(problem);
  const solution = solutions.get(key) ?? solver.solve(problem, { relativeGap: 1e-6 });
  solutions.set(key, solution);
  return solution;
}

/** Looks for `forMs` every 250 ms from `fromMs` on, and plans as soon as a plan is due. Returns when plans were made. */
export function follow(policy: Proteus, situation: Situation, fromMs: number, forMs: number): number[] {
  const planned: number[] = [];
  for (let nowMs = fromMs; nowMs < fromMs + forMs; nowMs += 250) {
    const view = planView(situation, nowMs);
    if (!policy.planDue(view)) continue;
    const problem = policy.planProblem(view);
    if (problem === undefined) continue;
    policy.adopt(solve(problem), view);
    planned.push(nowMs);
  }
  return planned;
}

export const sum = (values: readonly number[]) => values.reduce((total, each) => total + each, 0);
