/** Solves one window and plays every policy on it. Runs on a thread. */
import { createPolicy, isPlanned, LatencyTable, Oracle, type Policy, planLimits } from '@slackline/scheduling';
import { type SimulationResult, simulate } from '@slackline/simulator';
import type { Filled } from './fill.js';
import type { Instance } from './instance.js';
import { ownSolver, type Solved, type SolveOptions, solveInstance } from './solve.js';

export interface WindowTask {
  readonly instance: Instance;
  /** Names of the subnets. */
  readonly subnets: readonly string[];
  readonly policies: readonly string[];
  readonly options: SolveOptions;
  /** An optimum that is known already. */
  readonly solved?: Solved;
}

export interface WindowResult {
  readonly solved: Solved;
  /** Utility by policy, in the order of the task. */
  readonly utilities: readonly number[];
  /** Of the plan that was found, when the oracle plays it in the simulator. */
  readonly oracle: number;
}

export async function runWindow({ instance, subnets, policies, options, solved }: WindowTask): Promise<WindowResult> {
  const known = solved ?? solveInstance(instance, await ownSolver(), options);
  const utilities: number[] = [];
  for (const name of policies) utilities.push(utilityOf(await play(instance, subnets, createPolicy(name))));
  const oracle = utilityOf(await play(instance, subnets, oracleOf(instance, known.plan)));
  return { solved: known, utilities, oracle };
}

/** The policy that plays a plan. */
export function oracleOf({ gridMs }: Instance, plan: Filled): Oracle {
  return new Oracle(
    plan.batches.map(({ start, arrivals }) => ({
      startMs: start.at * gridMs,
      subnet: start.subnet,
      batch: arrivals.length,
    })),
  );
}

const deviceClass = 'grid';

/** Simulates a policy on an instance: no noise, no delays, and batches that take what the optimum's take. */
export async function play(instance: Instance, subnets: readonly string[], policy: Policy): Promise<SimulationResult> {
  const { gridMs, latency, sloTicks, devices, arrivals } = instance;
  const front = subnets.map((id, subnet) => ({ id, accuracy: instance.accuracy[subnet] ?? 0 }));
  const sizes = (latency[0] ?? []).map((_, i) => i + 1);
  const table = new LatencyTable(
    front,
    sizes,
    latency.map((row) => row.map((ticks) => ticks * gridMs)),
  );
  const solver = await ownSolver();
  return simulate({
    trace: {
      arrivalsMs: Float64Array.from(arrivals, (tick) => tick * gridMs),
      durationMs: ((arrivals.at(-1) ?? 0) + 1) * gridMs,
    },
    models: [{ name: 'm', sloMs: sloTicks * gridMs, tables: { [deviceClass]: table } }],
    workers: [{ count: devices, deviceClass }],
    policy,
    ...(isPlanned(policy) && { planning: { solve: (problem) => solver.solve(problem, planLimits) } }),
  });
}

/** Sum of the accuracies of the answers in time. */
export function utilityOf({ effectiveAccuracy, accepted }: SimulationResult): number {
  return effectiveAccuracy * accepted;
}
