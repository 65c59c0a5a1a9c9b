/** The plan of a policy that follows one, made beside the decisions as the service's thread does, in simulated time. */
import { type MipSolution, type PlannedPolicy, type PlanView, planCheckMs } from '@slackline/scheduling';
import type { EventHeap } from './event-heap.js';
import { eventKinds } from './event-kinds.js';
import type { Planning } from './options.js';

export class Planner {
  /** Plans that were adopted. */
  adopted = 0;
  #underWay: { solution: MipSolution; view: PlanView } | undefined;

  constructor(
    private readonly policy: PlannedPolicy,
    private readonly planning: Planning,
    private readonly events: EventHeap,
  ) {
    events.push(planCheckMs, eventKinds.planCheck, 0, 0);
  }

  /** Asks whether a plan is due, and makes it; the policy has it after the delay. */
  check(view: PlanView): void {
    const { policy, planning, events } = this;
    events.push(view.nowMs + planCheckMs, eventKinds.planCheck, 0, 0);
    // Demand is measured by the asking, also while a plan is being made.
    if (!policy.planDue(view) || this.#underWay !== undefined) return;
    const problem = policy.planProblem(view);
    if (problem === undefined) return;
    const solution = planning.solve(problem);
    this.#underWay = { solution, view };
    events.push(view.nowMs + (planning.delayMs ?? defaultDelayMs), eventKinds.adopt, 0, 0);
  }

  /** The plan under way is ready. */
  adopt(): void {
    if (this.#underWay === undefined) return;
    const { solution, view } = this.#underWay;
    this.#underWay = undefined;
    this.policy.adopt(solution, view);
    this.adopted += 1;
  }
}

/** A solve takes about so long; its wall time would make simulations differ. */
const defaultDelayMs = 100;
