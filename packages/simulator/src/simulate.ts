/** One simulation, from options to result. */
import type { SimulationOptions } from './options.js';
import type { SimulationResult } from './result.js';
import { Simulation } from './simulation.js';

/**
 * Serves a trace in simulated time. The same options give the same result, but for `wallMs`.
 *
 * @throws RangeError where options do not fit together
 */
export function simulate(options: SimulationOptions): SimulationResult {
  const startedMs = performance.now();
  const simulation = new Simulation(options);
  simulation.run();
  const { tally, batchRecords } = simulation;
  const batchSizes = tally.batchSizes();
  const batches = batchSizes.reduce((sum, count) => sum + count, 0);
  const batched = batchSizes.reduce((sum, count, size) => sum + count * size, 0);
  return {
    policy: options.policy.name,
    seed: options.seed ?? 1,
    ...tally.scores(),
    subnets: tally.shares(),
    models: tally.scoresOfModels(),
    priorities: tally.scoresOfPriorities(),
    batches,
    meanBatch: batches === 0 ? 0 : batched / batches,
    batchSizes,
    latencyMs: tally.latencyMs(),
    windowMs: options.windowMs ?? 1_000,
    windows: tally.series(),
    workersLost: simulation.workersLost,
    decisions: simulation.decisions,
    plans: simulation.plans,
    events: simulation.events,
    simulatedMs: simulation.lastOutcomeMs,
    ...(batchRecords !== undefined && { batchRecords }),
    ...(tally.records !== undefined && { queryRecords: tally.records }),
    wallMs: performance.now() - startedMs,
  };
}
