/** Runs one simulation. */
import { createPolicy, isPlanned, planLimits, tableOf } from '@slackline/scheduling';
import { type Planning, simulate } from '@slackline/simulator';
import { createSolver } from '@slackline/solver';
import type { Cell, CellResult } from './cell.js';
import { planDelayMs, surroundings } from './environment.js';
import { traceOf } from './trace.js';

/** @throws RangeError for an unknown policy, TraceError for a trace that cannot be made */
export async function runCell(cell: Cell): Promise<CellResult> {
  const { device, workers, sloMs, seed, windowMs, events, actuationDelayMs, sendsAhead } = cell;
  const policy = createPolicy(cell.policy);
  const result = simulate({
    ...surroundings[cell.surroundings ?? 'dedicated'],
    trace: await traceOf(cell.trace),
    models: [{ name: device.model, sloMs, tables: { [device.deviceClass]: tableOf(device) } }],
    workers: [{ count: workers, deviceClass: device.deviceClass }],
    policy,
    seed,
    ...(sendsAhead !== undefined && { sendsAhead }),
    ...(events !== undefined && { events }),
    ...(actuationDelayMs !== undefined && { actuationDelayMs }),
    ...(windowMs !== undefined && { windowMs }),
    ...(isPlanned(policy) && { planning: await planning() }),
  });
  const { accepted, ok, late, expired, failed, attainment, meanAccuracy, effectiveAccuracy, meanBatch } = result;
  return {
    policy: cell.policy,
    queries: accepted,
    ...{ ok, late, expired, failed, attainment, effectiveAccuracy, meanBatch },
    accuracy: meanAccuracy,
    subnets: result.subnets.map(({ id, accuracy, share }) => ({ id, accuracy, share })),
    latencyMs: { p50: result.latencyMs.p50, p99: result.latencyMs.p99 },
    ...(windowMs !== undefined && { windows: result.windows }),
    wallMs: result.wallMs,
  };
}

let solver: ReturnType<typeof createSolver> | undefined;

/** One solver a thread: loading it takes longer than most solves. */
async function planning(): Promise<Planning> {
  solver ??= createSolver();
  const loaded = await solver;
  return { solve: (problem) => loaded.solve(problem, planLimits), delayMs: planDelayMs };
}
