/**
 * Policies that follow a plan which is made beside the decisions. The plan is a mixed-integer program; whoever owns the
 * policy solves it wherever it likes (the scheduler service on a thread of its own, the simulator in place), so that no
 * decision ever waits for a solver. Everything here that crosses to a solver is plain data.
 */
import type { LatencyTable } from './latency-table.js';
import type { Conditions, Policy } from './policy.js';

/** One unknown. Bounds may be infinite. */
export interface ProgramVariable {
  readonly lower: number;
  readonly upper: number;
  /** Whether it takes whole numbers alone; 0/1 when the bounds say so. */
  readonly integer: boolean;
  /** What one unit of it adds to the objective. */
  readonly objective: number;
}

/** `lower <= sum of values[i] * variable[columns[i]] <= upper`; bounds may be infinite, and equal ones make an equation. */
export interface ProgramRow {
  readonly lower: number;
  readonly upper: number;
  /** Indices into the variables, each at most once. */
  readonly columns: readonly number[];
  /** As many as `columns`. */
  readonly values: readonly number[];
}

/** Plain data: it can be sent to a thread. */
export interface MixedIntegerProgram {
  readonly sense: 'max' | 'min';
  readonly variables: readonly ProgramVariable[];
  readonly rows: readonly ProgramRow[];
  /** A value per variable to begin from, when one is known; need not be optimal, and one that is not feasible is ignored. */
  readonly start?: readonly number[];
}

/**
 * - `optimal`: proved, up to the gap that was allowed
 * - `feasible`: a solution, but the limit came before the proof; see `gap`
 * - `infeasible`, `unbounded`: proved (a program that is one of the two without its being known which is `infeasible`)
 * - `unsolved`: the limit came before any solution
 */
export type MipStatus = 'optimal' | 'feasible' | 'infeasible' | 'unbounded' | 'unsolved';

export interface MipSolution {
  readonly status: MipStatus;
  /** One per variable, integers rounded to whole numbers; empty unless `optimal` or `feasible`. */
  readonly values: readonly number[];
  /** Of `values`; NaN without a solution. */
  readonly objective: number;
  /** No solution can be better: above `objective` when maximizing, below when minimizing; NaN when none is known. */
  readonly bound: number;
  /** |bound - objective| / |objective|; 0 when they are equal, Infinity without a solution. */
  readonly gap: number;
  /** Wall time of the solve. */
  readonly solveMs: number;
}

/** What a plan knows of one model. */
export interface PlanModel {
  readonly model: string;
  /** Queries that were ever added: differences over time are the demand. */
  readonly arrived: number;
  /** Queries waiting. */
  readonly queued: number;
  /** Time from arrival to deadline that its queries usually have; undefined: not known. */
  readonly sloMs: number | undefined;
  /** By device class. */
  readonly tables: ReadonlyMap<string, LatencyTable>;
}

export interface PlanWorker {
  readonly id: string;
  readonly deviceClass: string;
  /** Names of the models that it hosts. */
  readonly models: ReadonlySet<string>;
}

/** The whole system at one moment. */
export interface PlanView {
  readonly nowMs: number;
  readonly conditions: Conditions;
  readonly models: readonly PlanModel[];
  /** Those alive, busy or not. */
  readonly workers: readonly PlanWorker[];
}

/**
 * Planning in three synchronous steps, with the solving between the second and the third. Until the first plan is adopted,
 * and for whatever a plan does not know, the policy decides by a default of its own.
 */
export interface PlannedPolicy extends Policy {
  /**
   * Whether it is time for another plan. To be asked every `planCheckMs`, also while a plan is being made, because demand
   * is measured here; the answer is not heeded then.
   */
  planDue(view: PlanView): boolean;
  /** What to solve; undefined: there is nothing to plan (no worker, no table). */
  planProblem(view: PlanView): MixedIntegerProgram | undefined;
  /**
   * Takes the solution over; one without values leaves the plan as it is.
   *
   * @param view the one that the problem was made from, because it says what the variables stand for
   */
  adopt(solution: MipSolution, view: PlanView): void;
}

/** What a plan is solved to; what has been found by then is better than a plan that comes too late. */
export const planLimits = { timeLimitMs: 10_000, relativeGap: 1e-4 } as const;

/** How often `planDue` is to be asked. */
export const planCheckMs = 250;

export function isPlanned(policy: Policy): policy is PlannedPolicy {
  return 'planDue' in policy;
}
