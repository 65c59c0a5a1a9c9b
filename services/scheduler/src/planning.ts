/**
 * Makes the plans of a policy that follows one, for one term: asks it now and then whether a plan is due, has the program
 * solved on a thread, and hands the solution back. Decisions go on meanwhile by the old plan, which is also kept when a
 * program cannot be solved.
 */
import {
  isPlanned,
  type MipSolution,
  type MixedIntegerProgram,
  type PlannedPolicy,
  type PlanView,
  type Policy,
  planCheckMs,
  planLimits,
} from '@slackline/scheduling';
import { type Clock, type Log, SlacklineError } from '@slackline/shared';

/** Solves beside; `SolverThread` of @slackline/solver. */
export interface PlanSolver {
  solve(problem: MixedIntegerProgram, limits: { timeLimitMs: number; relativeGap: number }): Promise<MipSolution>;
  close(): Promise<void>;
}

export interface PlanningParts {
  clock: Clock;
  log: Log;
  solver: PlanSolver;
  /** The system as it is now. */
  view: () => PlanView;
  /** The policy follows another plan. */
  onPlan: () => void;
}

/** The planning of a policy that plans; undefined for all others. */
export function planningOf(policy: Policy, parts: PlanningParts): Planning | undefined {
  return isPlanned(policy) ? new Planning(policy, parts) : undefined;
}

export class Planning {
  #cancelTimer: () => void = () => {};
  #isSolving = false;
  #stopped = false;

  constructor(
    private readonly policy: PlannedPolicy,
    private readonly parts: PlanningParts,
  ) {}

  start(): void {
    this.#cancelTimer = this.parts.clock.after(planCheckMs, () => {
      try {
        this.#check();
      } catch (error) {
        this.#fail(error);
      }
      if (!this.#stopped) this.start();
    });
  }

  /** Ends the thread, also in the middle of a solve. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer();
    await this.parts.solver.close();
  }

  #check(): void {
    const view = this.parts.view();
    // Asked while a plan is made too: the policy measures the demand by it.
    if (!this.policy.planDue(view) || this.#isSolving) return;
    const problem = this.policy.planProblem(view);
    if (problem === undefined) return;
    this.#isSolving = true;
    this.#solve(problem, view)
      .catch((error) => this.#fail(error))
      .finally(() => {
        this.#isSolving = false;
      });
  }

  async #solve(problem: MixedIntegerProgram, view: PlanView): Promise<void> {
    const solution = await this.parts.solver.solve(problem, planLimits);
    if (this.#stopped) return;
    if (solution.values.length === 0) {
      throw new SlacklineError('plan_failed', `The plan of ${this.policy.name} came out ${solution.status}`);
    }
    this.policy.adopt(solution, view);
    const { status, gap, solveMs } = solution;
    this.parts.log.info({ policy: this.policy.name, status, gap, solveMs: Math.round(solveMs) }, 'a new plan');
    this.parts.onPlan();
  }

  #fail(cause: unknown): void {
    if (this.#stopped) return;
    const isCoded = cause instanceof SlacklineError;
    const what = `No plan for ${this.policy.name} could be made`;
    const error = isCoded ? cause : new SlacklineError('plan_failed', what, { cause });
    this.parts.log.error({ err: error, code: error.code }, error.message);
  }
}
