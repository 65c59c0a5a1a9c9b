/**
 * Proteus (Ahmad et al., ASPLOS'24): accuracy scaling by plan. Every half a minute, and when demand bursts, a program
 * (proteus-plan.ts) places one model variant on each device and splits the demand among them; between two plans a device
 * serves its variant alone. Its batching is proactive: a device with q queries to serve waits as long as q + 1 of them
 * would still be in time, because one more may come, and then runs q.
 *
 * In this house queries wait in one queue per model and workers fetch from it, so the split is kept by credit: each arrival
 * credits the devices of a variant with their share, what they run is debited, and a device serves what its variant has
 * credit for. Choices made here:
 * - Devices that host the same variant share one credit. It stays within two full batches either way: what a variant could
 *   not serve within its deadlines falls to the others, as their debt.
 * - A device without credit steps in when a full batch (or all that waits, if less) would otherwise be too late: no query
 *   is lost because the device that it was meant for is busy or gone.
 * - Demand is measured as described in demand.ts. A burst: the last second brought more than `burstFactor` times what was
 *   planned for. Plans have room for `headroom` times the demand.
 * - A full batch that would be too late for the most urgent queries skips them, where the paper's devices drop them from
 *   their queues: they are left to whoever has a faster variant, or expire. A batch that is not full shrinks instead.
 * - The planned variant is too small for the most urgent query's minimum accuracy: that batch runs on the least subnet that
 *   suffices.
 * - Before the first plan, for workers that joined since, and for models that no worker was planned for: the least accurate
 *   subnet that suffices, in the largest batch that fits, at once.
 *
 * O(models of the worker + subnets + batches) per decision; a plan is O(workers + groups x variants) beside the solver.
 */
import type { LatencyTable } from '../latency-table.js';
import type { MipSolution, MixedIntegerProgram, PlannedPolicy, PlanView } from '../plan.js';
import {
  changeMs,
  type Decision,
  type DecisionView,
  latestStartMs,
  type QueueView,
  roundingMs,
  slackMs,
} from '../policy.js';
import { Demand } from './demand.js';
import { cheapestSufficient } from './infaas.js';
import { layOut, type Placed, type PlanLayout, readPlan } from './proteus-plan.js';

const planEveryMs = 30_000;
/** Between two plans that bursts ask for, and between two tries when the solver fails. */
const leastBetweenMs = 1_000;
const burstFactor = 1.1;
const headroom = 1.05;
/** Finding the place of a query in the queue costs more than O(1). */
const mostSkipped = 256;

/** A variant that devices host, with its share of its model's demand. */
export interface PlannedVariant extends Placed {
  /** Of the model's queries; the shares of a model sum to 1. */
  readonly share: number;
  /** Queries that it may serve; negative when it has helped out. */
  credit: number;
  /** Where the counter of arrivals stood when credit was last given. */
  arrived: number;
}

export interface Plan {
  readonly variants: readonly PlannedVariant[];
  /** By worker. */
  readonly assigned: ReadonlyMap<string, PlannedVariant>;
  /** Models that at least one worker was planned for. */
  readonly models: ReadonlySet<string>;
}

/** What a plan was made for. */
interface Basis {
  readonly atMs: number;
  readonly workers: ReadonlySet<string>;
  readonly tables: readonly LatencyTable[];
  /** Queries per second, without headroom. */
  readonly demand: ReadonlyMap<string, number>;
}

export class Proteus implements PlannedPolicy {
  readonly name = 'proteus';
  /** One worker's waiting says nothing of another's: they have different variants. */
  readonly perWorker = true;
  readonly #demand = new Map<string, Demand>();
  readonly #layouts = new WeakMap<PlanView, { layout: PlanLayout; basis: Basis }>();
  #plan: Plan = { variants: [], assigned: new Map(), models: new Set() };
  /** Of the plan that was last asked for. */
  #asked: Basis | undefined;
  /** Of the plan that is followed. */
  #basis: Basis | undefined;

  /** The plan that is followed. */
  get plan(): Plan {
    return this.#plan;
  }

  decide(view: DecisionView): Decision {
    const variant = this.#plan.assigned.get(view.worker.id);
    const queue = variant === undefined ? view.queues[0] : view.queues.find(({ model }) => model === variant.model);
    if (variant !== undefined && queue !== undefined) return this.#follow(view, queue, variant);
    const unplanned = variant === undefined ? queue : view.queues.find(({ model }) => !this.#plan.models.has(model));
    if (unplanned !== undefined) return cheapestSufficient(view, unplanned, 0);
    return { kind: 'wait', untilMs: Number.POSITIVE_INFINITY };
  }

  carriedOut(decision: Decision, view: DecisionView): void {
    const variant = this.#plan.assigned.get(view.worker.id);
    if (decision.kind !== 'run' || variant?.model !== decision.model) return;
    const runnable = view.queues.find(({ model }) => model === decision.model)?.runnableOn(decision.subnet) ?? 0;
    variant.credit = Math.max(-mostCredit(variant), variant.credit - Math.min(decision.batch, runnable));
  }

  planDue(view: PlanView): boolean {
    for (const { model, arrived } of view.models) this.#demandOf(model).look(view.nowMs, arrived);
    const asked = this.#asked;
    if (asked === undefined) return view.models.some(({ model }) => (this.#demand.get(model)?.recent ?? 0) > 0);
    const sinceMs = view.nowMs - asked.atMs;
    if (sinceMs >= 0 && sinceMs < leastBetweenMs) return false;
    // Unless it was adopted, the plan that was asked for has failed.
    if (asked !== this.#basis || sinceMs < 0 || sinceMs >= planEveryMs || !isBasedOn(view, asked)) return true;
    const isBurst = ({ model }: { model: string }) =>
      (this.#demand.get(model)?.recent ?? 0) > burstFactor * (asked.demand.get(model) ?? 0);
    return view.models.some(isBurst);
  }

  planProblem(view: PlanView): MixedIntegerProgram | undefined {
    const demand = new Map(view.models.map(({ model }) => [model, this.#demandOf(model).planned]));
    const workers = new Set(view.workers.map(({ id }) => id));
    const basis: Basis = { atMs: view.nowMs, workers, tables: tablesOf(view), demand };
    this.#asked = basis;
    const layout = layOut(view, new Map([...demand].map(([model, rate]) => [model, rate * headroom])));
    if (layout === undefined) return undefined;
    this.#layouts.set(view, { layout, basis });
    return layout.problem;
  }

  adopt({ values }: MipSolution, view: PlanView): void {
    const made = this.#layouts.get(view);
    if (made === undefined) throw new RangeError('this view is not one that a problem was made from');
    if (values.length === 0) return;
    const placed = readPlan(made.layout, values);
    const waiting = new Map(view.models.map(({ model, queued, arrived }) => [model, { queued, arrived }]));
    const variants = placed.map((each): PlannedVariant => {
      const { queued, arrived } = waiting.get(each.model) ?? { queued: 0, arrived: 0 };
      const share = shareOf(each, placed);
      return { ...each, share, credit: Math.min(share * queued, mostCredit(each)), arrived };
    });
    const assigned = assign(variants, made.layout, this.#plan.assigned);
    this.#plan = { variants, assigned, models: new Set(variants.map(({ model }) => model)) };
    this.#basis = made.basis;
  }

  /** The planned variant's batch: now, or as soon as one query more would be too late. */
  #follow(view: DecisionView, queue: QueueView, variant: PlannedVariant): Decision {
    const { model, table } = queue;
    variant.credit = Math.min(
      mostCredit(variant),
      variant.credit + variant.share * Math.max(0, queue.arrived - variant.arrived),
    );
    variant.arrived = queue.arrived;
    const subnet = Math.max(queue.leastSubnet, Math.min(variant.subnet, table.subnets.length - 1));
    const changing = changeMs(queue, subnet);
    const cost = (batch: number) => table.estimate(subnet, batch) + changing;
    const most = Math.min(variant.batch, queue.runnableOn(subnet));
    const own = Math.min(most, Math.floor(variant.credit + 1e-6));
    if (own < variant.batch) {
      // With credit it waits for one more to come; without, for whoever should serve these queries.
      const untilMs = latestStartMs(view, queue, cost(own > 0 ? own + 1 : most));
      if (untilMs > view.startMs) return { kind: 'wait', untilMs };
    }
    // Woken at the moment that was asked for, the slack is what the batch takes, but for rounding.
    const slack = slackMs(view, queue) + roundingMs;
    let batch = own > 0 ? own : most;
    if (cost(batch) > slack && own === variant.batch) {
      const skip = tooLate(view, queue, subnet, cost(batch), queue.runnableOn(subnet) - batch);
      if (skip !== undefined) return { kind: 'run', model, batch, subnet, skip };
    }
    while (batch > 1 && cost(batch) > slack) batch -= 1;
    return { kind: 'run', model, batch: Math.max(1, batch), subnet };
  }

  #demandOf(model: string): Demand {
    let demand = this.#demand.get(model);
    if (demand === undefined) {
      demand = new Demand();
      this.#demand.set(model, demand);
    }
    return demand;
  }
}

/** How many of the most urgent a batch on that subnet would be too late for; undefined when there are more than `most`. */
function tooLate(
  view: DecisionView,
  queue: QueueView,
  subnet: number,
  costMs: number,
  most: number,
): number | undefined {
  const shortMs = view.startMs - latestStartMs(view, queue, costMs);
  for (let k = 1; k <= Math.min(most, mostSkipped); k += 1) {
    if (queue.deadlineMsAt(k, subnet) >= queue.headDeadlineMs + shortMs) return k;
  }
  return undefined;
}

/** Credit that is kept, and debt: what waits longer has expired. */
function mostCredit({ batch, devices }: Placed): number {
  return 2 * batch * devices;
}

/** Of its model's demand; by what it could carry, where there is no demand. */
function shareOf(variant: Placed, placed: readonly Placed[]): number {
  const ofModel = placed.filter(({ model }) => model === variant.model);
  const served = ofModel.reduce((sum, each) => sum + each.served, 0);
  if (served > 0) return variant.served / served;
  return (variant.peak * variant.devices) / ofModel.reduce((sum, { peak, devices }) => sum + peak * devices, 0);
}

/** Workers for the variants, as many as each has devices. Whoever hosts a variant already keeps it where the counts allow. */
function assign(
  variants: readonly PlannedVariant[],
  { groups }: PlanLayout,
  before: ReadonlyMap<string, PlannedVariant>,
): Map<string, PlannedVariant> {
  const assigned = new Map<string, PlannedVariant>();
  groups.forEach(({ workers }, g) => {
    const slots = variants.filter(({ group }) => group === g).map((variant) => ({ variant, open: variant.devices }));
    const moving = workers.filter(({ id }) => {
      const had = before.get(id);
      if (had === undefined) return true;
      const isSame = ({ model, subnet }: PlannedVariant) => model === had.model && subnet === had.subnet;
      const slot = slots.find(({ variant, open }) => open > 0 && isSame(variant));
      if (slot === undefined) return true;
      assigned.set(id, slot.variant);
      slot.open -= 1;
      return false;
    });
    for (const { variant, open } of slots) for (const { id } of moving.splice(0, open)) assigned.set(id, variant);
  });
  return assigned;
}

function tablesOf({ models }: PlanView): LatencyTable[] {
  return models.flatMap(({ tables }) => [...tables.values()]);
}

/** Whether workers and tables are still those that a plan was made for. */
function isBasedOn(view: PlanView, { workers, tables }: Basis): boolean {
  const now = tablesOf(view);
  return (
    view.workers.length === workers.size &&
    view.workers.every(({ id }) => workers.has(id)) &&
    now.length === tables.length &&
    now.every((table, i) => table === tables[i])
  );
}
