/**
 * Solves mixed-integer programs in place, with HiGHS. One instance is used again and again; one that failed (the
 * WebAssembly build aborts on some inputs, and is of no use afterwards) is replaced by a spare, on which the program is
 * tried once more without presolve, which is where most aborts come from.
 */
import type { MipSolution, MixedIntegerProgram } from '@slackline/scheduling';
import type { Highs } from 'highs';
import { modelData, solutionOf } from './highs-model.js';
import { newInstance } from './runtime.js';

export interface SolverLimits {
  /** Wall time for a solve; what has been found by then is returned. Default: none. */
  readonly timeLimitMs?: number;
  /** A solution that is proved to be this close to the best, relatively, is `optimal`. Default 1e-4. */
  readonly relativeGap?: number;
  /** Whether to simplify the program first. Large programs of which nothing can be fixed are quicker without. Default true. */
  readonly presolve?: boolean;
}

/** HiGHS could not say anything of a program: it aborted, or refused it. */
export class SolverError extends Error {
  readonly code = 'solver_failed';
}

type Solved = Omit<MipSolution, 'solveMs'>;

export class Solver {
  #spare: Highs | undefined;

  constructor(
    private highs: Highs,
    spare: Highs,
  ) {
    this.#spare = spare;
  }

  /**
   * Blocks until the program is solved or a limit is reached.
   *
   * @throws SolverError when HiGHS aborts twice, or the program is not well formed
   */
  solve(problem: MixedIntegerProgram, limits: SolverLimits = {}): MipSolution {
    const beganMs = performance.now();
    const solution = this.#attempt(problem, limits);
    return { ...solution, solveMs: performance.now() - beganMs };
  }

  #attempt(problem: MixedIntegerProgram, limits: SolverLimits): Solved {
    // Nothing to choose: HiGHS would call that program empty and give no solution.
    if (problem.variables.length === 0) return { status: 'optimal', values: [], objective: 0, bound: 0, gap: 0 };
    try {
      return solveOn(this.highs, problem, limits, {});
    } catch (error) {
      if (isRefusal(this.highs, error)) throw new SolverError(`HiGHS refused the program: ${error.message}`);
      if (!this.#replace()) throw new SolverError('HiGHS aborted', { cause: error });
    }
    try {
      return solveOn(this.highs, problem, limits, { presolve: 'off' });
    } catch (error) {
      this.#replace();
      throw new SolverError('HiGHS aborted, without presolve too', { cause: error });
    }
  }

  /** Takes the spare instance into use, and has another one made. False while there is none. */
  #replace(): boolean {
    const spare = this.#spare;
    if (spare === undefined) return false;
    this.highs = spare;
    this.#spare = undefined;
    newInstance().then(
      (instance) => {
        this.#spare = instance;
      },
      // Then there is no spare: the next failure is reported as one.
      () => undefined,
    );
    return true;
  }
}

/** Loads HiGHS, which takes about a tenth of a second. */
export async function createSolver(): Promise<Solver> {
  return new Solver(await newInstance(), await newInstance());
}

function solveOn(highs: Highs, problem: MixedIntegerProgram, limits: SolverLimits, options: object): Solved {
  const model = highs.createModel(modelData(problem, highs));
  model.options.set({ output_flag: false, ...(limits.presolve === false && { presolve: 'off' }), ...options });
  model.options.set('mip_rel_gap', limits.relativeGap ?? 1e-4);
  // The looser of two gaps ends a solve: the absolute one must not.
  model.options.set('mip_abs_gap', 0);
  if (limits.timeLimitMs !== undefined) model.options.set('time_limit', limits.timeLimitMs / 1e3);
  if (problem.start !== undefined) model.setSolution({ colValue: problem.start });
  model.run();
  const solution = solutionOf(problem, model, highs);
  // Not in a `finally`: an instance that has aborted must not be called again, and is thrown away whole.
  model.dispose();
  if (solution.status !== 'unbounded' || problem.variables.every(({ objective }) => objective === 0)) return solution;
  // HiGHS may have meant `unbounded or infeasible`. Without an objective only the latter can be.
  const variables = problem.variables.map((variable) => ({ ...variable, objective: 0 }));
  const anySolution = solveOn(highs, { ...problem, variables }, limits, options);
  return anySolution.status === 'infeasible' ? anySolution : solution;
}

/** Whether the program never reached HiGHS's algorithms, because its data is wrong. */
function isRefusal(highs: Highs, error: unknown): error is Error {
  return error instanceof highs.errors.HighsError;
}
