/** What holds in every simulation: nothing is lost, nothing is counted twice, and the same seed gives the same result. */
import { createPolicy } from '@slackline/scheduling';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { SimulationOptions, WorkerEvent } from './options.js';
import { outcomeNames } from './result.js';
import { simulate } from './simulate.js';
import { outcomesOf, poisson, twoSubnets } from './testing.js';

const workers = 3;
const durationMs = 2_000;

const anyEvent: fc.Arbitrary<WorkerEvent> = fc.record({
  kind: fc.constantFrom('crash', 'join', 'pause'),
  atMs: fc.double({ min: 0, max: durationMs, noNaN: true }),
  worker: fc.nat(workers - 1),
  forMs: fc.double({ min: 0, max: 1_500, noNaN: true }),
});

const anyScenario = fc.record({
  policy: fc.constantFrom('budgetfit', 'slackfit', 'maxbatch', 'maxacc', 'fixed:largest', 'infaas', 'proteus'),
  rate: fc.integer({ min: 10, max: 600 }),
  seed: fc.nat(1_000),
  sloMs: fc.integer({ min: 5, max: 200 }),
  busDelayMs: fc.constantFrom(0, 1, { p50: 1, p99: 6 }),
  intakeDelayMs: fc.constantFrom(0, { p50: 1, p99: 6 }),
  actuationDelayMs: fc.constantFrom(0, 5),
  schedulerCostMs: fc.constantFrom(0, 0.5),
  noise: fc.constantFrom({ kind: 'none' } as const, { kind: 'factor', factor: { p50: 1, p99: 1.5 } } as const),
  conditions: fc.constantFrom('ideal' as const, 'estimated' as const),
  detection: fc.option(fc.integer({ min: 0, max: 300 }), { nil: undefined }),
  events: fc.array(anyEvent, { maxLength: 6 }),
});
type Scenario = typeof anyScenario extends fc.Arbitrary<infer T> ? T : never;

/** A policy is part of the options and keeps state, so every simulation has its own. */
function optionsOf({ policy, rate, sloMs, detection, ...rest }: Scenario): SimulationOptions {
  const arrivalsMs = poisson(rate, durationMs / 1_000, rest.seed);
  const column = (values: readonly number[]) => Float64Array.from(arrivalsMs, (_, i) => values[i % values.length] ?? 0);
  return {
    ...rest,
    trace: {
      ...{ arrivalsMs, durationMs },
      ...{ sloMs: column([Number.NaN, 50, 500]), minAccuracy: column([0, 0, 0.8]) },
      priority: Uint8Array.from(column([0, 1, 1, 2])),
    },
    models: [{ name: 'm', sloMs, tables: { d: twoSubnets } }],
    workers: [{ count: workers, deviceClass: 'd' }],
    policy: createPolicy(policy),
    record: { queries: true },
    ...(detection !== undefined && { detection }),
  };
}

it('every query has exactly one outcome, whatever happens to the workers', () => {
  fc.assert(
    fc.property(anyScenario, (scenario) => {
      const options = optionsOf(scenario);
      const result = simulate(options);
      expect(result.accepted).toBe(options.trace.arrivalsMs.length);
      expect(outcomesOf(result)).toBe(result.accepted);
      // A query that was counted twice would leave another without a record.
      const recorded = outcomeNames.map((_, i) => result.queryRecords?.outcome.filter((kind) => kind === i).length);
      expect(recorded).toEqual(outcomeNames.map((name) => result[name]));
      for (const groups of [result.models, result.priorities]) {
        for (const name of ['accepted', ...outcomeNames] as const) {
          expect(groups.reduce((sum, group) => sum + group[name], 0)).toBe(result[name]);
        }
      }
      const perWindow = (column: 'arrivals' | 'ok') => result.windows.reduce((sum, window) => sum + window[column], 0);
      expect([perWindow('arrivals'), perWindow('ok')]).toEqual([result.accepted, result.ok]);
      expect(result.subnets.reduce((sum, { answers }) => sum + answers, 0)).toBe(result.ok + result.late);
    }),
    { numRuns: 60 },
  );
});

it('a query is never answered before it could be, nor by a subnet that is worse than it asks for', () => {
  fc.assert(
    fc.property(anyScenario, (scenario) => {
      const { trace, ...options } = optionsOf({ ...scenario, noise: { kind: 'none' } });
      const { queryRecords } = simulate({ ...options, trace });
      trace.arrivalsMs.forEach((arrivedMs, i) => {
        const accuracy = queryRecords?.accuracy[i] ?? 0;
        if (accuracy === 0) return;
        expect(accuracy).toBeGreaterThanOrEqual(trace.minAccuracy?.[i] ?? 0);
        const leastMs = accuracy < 0.8 ? 10 : 20;
        expect(queryRecords?.endedMs[i]).toBeGreaterThan(arrivedMs + leastMs - 1e-6);
      });
    }),
    { numRuns: 30 },
  );
});

it('the same seed gives the same result to the last digit, and another seed another', () => {
  const text = (scenario: Scenario) => {
    const { wallMs: _, ...result } = simulate(optionsOf(scenario));
    return JSON.stringify(result);
  };
  fc.assert(
    fc.property(anyScenario, (scenario) => {
      expect(text(scenario)).toBe(text(scenario));
    }),
    { numRuns: 20 },
  );
  const [one] = fc.sample(anyScenario, { numRuns: 1, seed: 1 });
  if (one === undefined) throw new Error('no scenario');
  const noisy: Scenario = { ...one, rate: 300, sloMs: 60, noise: { kind: 'factor', factor: { p50: 1, p99: 1.5 } } };
  const arrivalsMs = poisson(300, 2);
  const seeded = (seed: number) =>
    simulate({ ...optionsOf(noisy), trace: { arrivalsMs, durationMs }, seed }).latencyMs.mean;
  expect(seeded(1)).not.toBe(seeded(2));
});
