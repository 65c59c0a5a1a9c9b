/** What the tests of this room build their cases from. */
import { createPolicy, LatencyTable, type Policy } from '@slackline/scheduling';
import { randomSource } from './distribution.js';
import type { SimulationOptions } from './options.js';
import { type OutcomeCounts, outcomeNames, type SimulationResult } from './result.js';

/** Two subnets; latency is 10 or 20 ms at batch 1, 15 or 30 ms at batch 2. */
export const twoSubnets = new LatencyTable(
  [
    { id: 'small', accuracy: 0.7 },
    { id: 'large', accuracy: 0.9 },
  ],
  [1, 2],
  [
    [10, 15],
    [20, 30],
  ],
);

/** Always this, whatever the slack. */
export function always(batch: number, subnet: number): Policy {
  const decide: Policy['decide'] = ({ queues }) => ({ kind: 'run', model: queues[0]?.model ?? '', batch, subnet });
  return { name: 'always', decide };
}

/** Queries at these times for one worker with the table above; the limit is 100 ms. */
export function options(arrivalsMs: readonly number[], rest: Partial<SimulationOptions> = {}): SimulationOptions {
  return {
    trace: { arrivalsMs: Float64Array.from(arrivalsMs), durationMs: 1_000 },
    models: [{ name: 'm', sloMs: 100, tables: { d: twoSubnets } }],
    workers: [{ count: 1, deviceClass: 'd' }],
    policy: createPolicy('fixed:smallest'),
    record: { queries: true, batches: true },
    ...rest,
  };
}

/** Poisson arrivals. */
export function poisson(ratePerS: number, seconds: number, seed = 1): Float64Array {
  const random = randomSource(seed, 100);
  const times: number[] = [];
  for (let atMs = 0; ; ) {
    atMs -= (Math.log(1 - random.uniform()) * 1_000) / ratePerS;
    if (atMs >= seconds * 1_000) return Float64Array.from(times);
    times.push(atMs);
  }
}

export function outcomesOf({ ok, late, expired, failed }: OutcomeCounts): number {
  return ok + late + expired + failed;
}

/** `ok@12` of every query: what became of it, and when, in whole microseconds. */
export function ends({ queryRecords }: SimulationResult): string[] {
  if (queryRecords === undefined) throw new Error('nothing was recorded');
  const { outcome, endedMs } = queryRecords;
  return [...outcome].map((kind, i) => `${outcomeNames[kind]}@${Math.round((endedMs[i] ?? 0) * 1e3) / 1e3}`);
}
