/** An instance solved: the best plan that was found, and a bound that no plan can pass. */
import { createSolver, type Solver } from '@slackline/solver';
import { crowdedIntervals, type Filled, fill } from './fill.js';
import type { Instance } from './instance.js';
import { type Crowded, startsOf, valuesOf, windowProgram } from './program.js';
import { searchPlan } from './search.js';

export interface Solved {
  readonly plan: Filled;
  /** No plan has a higher utility. */
  readonly bound: number;
  /** (bound - utility) / utility. */
  readonly gap: number;
  /** Utility of the plan that the search began with. */
  readonly searched: number;
  /** Unknowns of the last program, and how many programs there were. */
  readonly columns: number;
  readonly rounds: number;
  readonly solveMs: number;
}

export interface SolveOptions {
  /** How close to the bound a plan must be. */
  readonly relativeGap: number;
  /** For all rounds together. */
  readonly timeLimitMs: number;
}

/** None has needed a second; each adds rows for what the last solution could not fill. */
const mostRounds = 50;

/** @throws SolverError when HiGHS fails */
export function solveInstance(instance: Instance, solver: Solver, options: SolveOptions): Solved {
  const beganMs = performance.now();
  let best = instance.devices === 2 ? fill(instance, searchPlan(instance)) : fill(instance, []);
  const searched = best.utility;
  const crowded: Crowded[] = [];
  let [bound, columns, rounds] = [Number.POSITIVE_INFINITY, 0, 0];
  const gapNow = () => (bound <= best.utility ? 0 : (bound - best.utility) / best.utility);
  while (rounds < mostRounds) {
    const window = windowProgram(instance, crowded);
    const start = best.full ? valuesOf(window, instance, best.batches) : undefined;
    const timeLimitMs = Math.max(1_000, options.timeLimitMs - (performance.now() - beganMs));
    // Presolve takes longer than it saves here: nothing is fixed, and the program is solved at or near its root.
    const limits = { relativeGap: options.relativeGap, timeLimitMs, presolve: false };
    const solution = solver.solve({ ...window.program, ...(start !== undefined && { start }) }, limits);
    [columns, rounds] = [window.program.variables.length, rounds + 1];
    if (!Number.isNaN(solution.bound)) bound = Math.min(bound, solution.bound);
    const found = startsOf(window.layout, solution.values);
    const filled = fill(instance, found);
    if (filled.utility > best.utility) best = filled;
    const isOver = performance.now() - beganMs > options.timeLimitMs;
    if (filled.full || isOver || gapNow() <= options.relativeGap) break;
    crowded.push(...crowdedIntervals(instance, found));
  }
  return { plan: best, bound, gap: gapNow(), searched, columns, rounds, solveMs: performance.now() - beganMs };
}

let solver: Promise<Solver> | undefined;

/** One for each thread: loading it takes longer than small solves. */
export function ownSolver(): Promise<Solver> {
  solver ??= createSolver();
  return solver;
}
