/**
 * When what happens to whom: a pure function of what is asked for and a seed, so that a run can be replayed. Faults follow
 * one another at fixed intervals, moved by a drawn jitter where that is asked for; whom they hit is drawn.
 */
import { randomLcg } from 'd3-random';
import type { Cut, Role } from '../target/target.js';
import { durationText } from '../time.js';
import { type FaultKind, type FaultSeries, faultName } from './series.js';

/** A fault to come. */
export interface PlannedFault {
  /** From the load's start. */
  readonly atMs: number;
  readonly kind: FaultKind;
  readonly role: Role;
  /**
   * Whom: the scheduler that leads, or the `draw`-th of the role's living processes by their names, counted round and round.
   */
  readonly victim: 'leader' | { readonly draw: number };
  /** How long it is paused or cut off. */
  readonly forMs?: number;
  readonly cut?: Cut;
  /** How long after its end it is started again; absent: it stays dead. */
  readonly restoreMs?: number;
}

export interface PlanOptions {
  readonly series: readonly FaultSeries[];
  /** How long the load lasts. */
  readonly seconds: number;
  readonly seed: number;
  readonly everyMs: number;
  readonly forMs: number;
  /** Whether and when killed processes are started again. The broker always is: without it nothing can be seen. */
  readonly restoreMs?: number;
  /** Share of the interval, 0..1, that a fault may be early or late. */
  readonly jitter?: number;
  /** How many processes of each role there are. */
  readonly population: Readonly<Record<Role, number>>;
}

/** Before this the load has hardly begun; so long before its end there is nothing left to see. */
const soonestMs = 500;
const tailMs = 2_000;
const draws = 1_000_000;
const brokerRestoreMs = 1_000;

/** The plan, in the order of time. The same options give the same plan. */
export function planFaults(options: PlanOptions): PlannedFault[] {
  const random = randomLcg(options.seed);
  const left = mayDie(options.population);
  const planned = options.series.flatMap((series) => ofSeries(series, options, random));
  // By time first: it is the earliest kills that there are processes for.
  return planned
    .sort((a, b) => a.atMs - b.atMs)
    .filter((fault) => {
      if (fault.kind !== 'kill' || fault.restoreMs !== undefined) return true;
      left[fault.role] -= 1;
      return left[fault.role] >= 0;
    });
}

/**
 * Why nothing of what is asked for can happen, one reason for each series; undefined where the plan has a fault.
 */
export function whyEmpty(options: PlanOptions): string | undefined {
  if (planFaults(options).length > 0) return undefined;
  return options.series.map((series) => whyNone(series, options)).join('; ');
}

function whyNone(series: FaultSeries, options: PlanOptions): string {
  const { fromMs, lastMs } = spanOf(series, options);
  const name = faultName(series);
  if (fromMs > lastMs) {
    const last = lastMs > 0 ? `after ${durationText(lastMs)}` : 'at all';
    return `the first ${name} is due at ${durationText(fromMs)}, and none can come ${last} in a load of ${options.seconds} s`;
  }
  const count = options.population[series.role];
  const some = series.role === 'worker' ? 'at most half of the workers' : `all ${series.role}s but one at most`;
  return `${name}: without --restore ${some} can be killed, and there ${count === 1 ? 'is' : 'are'} ${count}`;
}

/** When the first fault of a series is due, and the latest moment for any. */
function spanOf({ everyMs, fromMs }: FaultSeries, options: PlanOptions) {
  const interval = everyMs ?? options.everyMs;
  return { fromMs: fromMs ?? interval, lastMs: options.seconds * 1_000 - Math.min(interval, tailMs) };
}

/** How many may be killed for good: half of the workers, and all but one of any other kind. */
function mayDie({ worker, scheduler, ingest, nats }: PlanOptions['population']): Record<Role, number> {
  return { worker: Math.floor(worker / 2), scheduler: scheduler - 1, ingest: ingest - 1, nats: nats - 1 };
}

function ofSeries(series: FaultSeries, options: PlanOptions, random: () => number): PlannedFault[] {
  const { everyMs = options.everyMs, count = Number.POSITIVE_INFINITY, kind, role, cut, pick } = series;
  const { fromMs, lastMs } = spanOf(series, options);
  const { forMs = options.forMs } = series;
  const restoreMs = series.restoreMs ?? options.restoreMs ?? (role === 'nats' ? brokerRestoreMs : undefined);
  const faults: PlannedFault[] = [];
  for (let i = 0; i < count && fromMs + i * everyMs <= lastMs; i++) {
    const moved = fromMs + i * everyMs + (2 * random() - 1) * (options.jitter ?? 0) * everyMs;
    const draw = Math.floor(random() * draws);
    faults.push({
      atMs: Math.round(Math.max(soonestMs, Math.min(lastMs, moved))),
      kind,
      role,
      victim: pick === 'in turn' ? { draw: i } : role === 'scheduler' ? 'leader' : { draw },
      ...((kind === 'pause' || kind === 'cut') && { forMs }),
      ...(kind === 'cut' && { cut: cut ?? { kind: 'drop' } }),
      ...(kind === 'kill' && restoreMs !== undefined && { restoreMs }),
    });
  }
  return faults;
}

/** One line for each fault, as it is printed before the run. */
export function planLines(plan: readonly PlannedFault[]): string[] {
  return plan.map((fault) => {
    const { atMs, victim, forMs, restoreMs } = fault;
    const whom = victim === 'leader' ? 'the leader' : `draw ${victim.draw}`;
    const length = forMs === undefined ? '' : ` for ${durationText(forMs)}`;
    const again = restoreMs === undefined ? '' : `, started again after ${durationText(restoreMs)}`;
    return `${(atMs / 1_000).toFixed(1).padStart(6)} s  ${faultName(fault)}${length}${again} (${whom})`;
  });
}
