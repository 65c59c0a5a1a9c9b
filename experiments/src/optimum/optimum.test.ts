import { generate, parseTraceSpec } from '@slackline/traces';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { v100 } from '../cells/devices.js';
import { bruteForce } from './brute-force.js';
import { crowdedIntervals, fill } from './fill.js';
import { type Instance, usefulPairs } from './instance.js';
import { startsOf, valuesOf, windowProgram } from './program.js';
import { oracleOf, play, utilityOf } from './run-window.js';
import { searchPlan } from './search.js';
import { windowSet } from './sets.js';
import { ownSolver, solveInstance } from './solve.js';
import { smallestCapacity } from './table.js';
import { devices, gridMs, leastLoad, windows } from './windows.js';

const exactly = { relativeGap: 0, timeLimitMs: 60_000 };
const ticks = (min: number, max: number) => fc.integer({ min, max });

/** Few queries, two or three devices, and latencies that ascend in both directions. */
const tiny: fc.Arbitrary<Instance> = fc
  .record({
    arrivals: fc.array(ticks(0, 7), { minLength: 1, maxLength: 6 }),
    sloTicks: ticks(1, 7),
    devices: ticks(1, 3),
    first: fc.tuple(ticks(1, 2), ticks(0, 2), ticks(0, 2)),
    more: fc.array(fc.tuple(ticks(0, 3), ticks(0, 2), ticks(0, 2)), { maxLength: 2 }),
  })
  .map(({ arrivals, sloTicks, devices, first, more }) => {
    const steps = [first, ...more];
    const latency: number[][] = [];
    for (const [base, second, third] of steps) {
      const below = latency.at(-1) ?? [0, 0, 0];
      const row = [base, base + second, base + second + third].map((tick, i) => tick + (below[i] ?? 0));
      latency.push(row);
    }
    const accuracy = latency.map((_, subnet) => 0.6 + 0.17 * subnet);
    return { gridMs: 1, devices, sloTicks, arrivals: arrivals.sort((a, b) => a - b), accuracy, latency };
  });

test('the program finds what trying everything finds', async () => {
  const solver = await ownSolver();
  fc.assert(
    fc.property(tiny, (instance) => {
      const { plan, bound } = solveInstance(instance, solver, exactly);
      const best = bruteForce(instance);
      expect(plan.utility).toBeCloseTo(best, 6);
      expect(bound).toBeCloseTo(best, 6);
    }),
    { numRuns: 100 },
  );
}, 60_000);

test('a plan that runs a short batch within the time of a long one is filled as it can be', async () => {
  // The long batch runs from 3 to 8, the short one from 4 to 5; the oldest query has slack for the short one alone.
  const instance: Instance = {
    gridMs: 1,
    devices: 2,
    sloTicks: 6,
    arrivals: [0, 3, 3],
    accuracy: [0.6, 0.9],
    latency: [
      [1, 2, 3],
      [5, 5, 6],
    ],
  };
  const pair = (subnet: number, batch: number, at: number) => {
    const found = usefulPairs(instance).find((each) => each.subnet === subnet && each.batch === batch);
    if (found === undefined) throw new Error('no such pair');
    return { ...found, at };
  };
  // The long one may only take the two that arrive at 3; with a third place asked for it is one too many.
  expect(fill(instance, [pair(1, 2, 3), pair(0, 1, 4)])).toMatchObject({ full: true, utility: 2 * 0.9 + 0.6 });
  expect(crowdedIntervals(instance, [pair(1, 2, 3), pair(0, 1, 4)])).toEqual([]);
  const asked = [pair(1, 2, 3), pair(0, 2, 4)];
  expect(fill(instance, asked).full).toBe(false);
  const crowded = crowdedIntervals(instance, asked);
  expect(crowded).toEqual([{ from: 0, to: 4 }]);
  // The row that this adds forbids it.
  const { program, layout } = windowProgram(instance, crowded);
  const row = program.rows.at(-1);
  const places = (row?.columns ?? []).map((column, i) => {
    const times = asked.filter((each) => JSON.stringify(each) === JSON.stringify(layout.starts[column])).length;
    return times * (row?.values[i] ?? 0);
  });
  expect(places.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(row?.upper ?? Number.POSITIVE_INFINITY);
  expect(solveInstance(instance, await ownSolver(), exactly).plan.utility).toBeCloseTo(bruteForce(instance), 9);
});

test('the search’s plan is one that the program allows, and states it exactly', async () => {
  const solver = await ownSolver();
  fc.assert(
    fc.property(tiny, (any) => {
      const instance = { ...any, devices: 2 };
      const plan = fill(instance, searchPlan(instance));
      expect(plan.full).toBe(true);
      const window = windowProgram(instance);
      const { program, layout } = window;
      const start = valuesOf(window, instance, plan.batches);
      for (const { columns, values, lower, upper } of program.rows) {
        const sum = columns.reduce((total, column, i) => total + (values[i] ?? 0) * (start[column] ?? 0), 0);
        expect(sum).toBeGreaterThanOrEqual(lower);
        expect(sum).toBeLessThanOrEqual(upper);
      }
      expect(
        program.variables.every(({ lower, upper }, i) => lower <= (start[i] ?? 0) && (start[i] ?? 0) <= upper),
      ).toBe(true);
      expect(fill(instance, startsOf(layout, start)).utility).toBeCloseTo(plan.utility, 9);
      expect(plan.utility).toBeLessThanOrEqual(solver.solve(program).bound + 1e-6);
    }),
    { numRuns: 100 },
  );
}, 30_000);

test('simulating the oracle gives exactly the utility of its plan', async () => {
  const { sloMs, ...device } = v100();
  const subnets = device.subnets.map(({ id }) => id);
  for (const { instance } of windows(device, sloMs, { seed: 7, length: { queries: 40 }, repeats: 1 })) {
    const plan = fill(instance, searchPlan(instance));
    const oracle = oracleOf(instance, plan);
    expect(utilityOf(await play(instance, subnets, oracle))).toBeCloseTo(plan.utility, 6);
  }
}, 60_000);

test.each([1, 1_000])(
  'the windows of seed %i are those that the figure promises',
  (seed) => {
    const { sloMs, ...device } = v100();
    const short = windowSet('short', device, sloMs, { seed });
    const long = windowSet('long', device, sloMs, { seed });
    expect(short.length).toBeGreaterThanOrEqual(36);
    expect(short.filter(({ load }) => load >= leastLoad).length).toBeGreaterThanOrEqual(20);
    expect(short.every(({ instance }) => instance.arrivals.length === 100)).toBe(true);
    expect([...short, ...long].every(({ load }) => load > 0 && load < 1.2)).toBe(true);
    expect(long.every(({ load }) => load >= leastLoad && load <= 1)).toBe(true);
    expect(new Set(short.map((window) => window.seed)).size).toBe(short.length);
    expect(windowSet('short', device, sloMs, { seed })).toEqual(short);
  },
  60_000,
);

test('a window that is counted in queries is a trace’s beginning, and its load that of its gaps', () => {
  const { sloMs, ...device } = v100();
  const [window] = windowSet('short', device, sloMs, { seed: 3 });
  if (window === undefined) throw new Error('no window');
  const { instance, spec, seed, load } = window;
  const { arrivalsMs } = generate(parseTraceSpec(`${spec},seconds=5,seed=${seed}`));
  expect(instance.arrivals).toEqual([...arrivalsMs.slice(0, 100)].map(Math.floor));
  const rate = 99 / (((arrivalsMs[99] ?? 0) - (arrivalsMs[0] ?? 0)) / 1_000);
  expect(load).toBeCloseTo(rate / smallestCapacity(instance.latency, gridMs, devices), 9);
}, 60_000);
