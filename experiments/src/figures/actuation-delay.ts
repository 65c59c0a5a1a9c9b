/**
 * What it costs when a change of subnet takes time: the reason for actuating within one supernet (SuperServe, NSDI'25,
 * sections 2 and 3).
 */
import type { Cell, CellResult } from '../cells/cell.js';
import type { Device } from '../cells/device.js';
import { paperWorkers, v100, v100Family } from '../cells/devices.js';
import { comparedPolicies, fixedName, isFixed } from '../cells/policies.js';
import type { Figure, FigureContext } from '../figure.js';
import { actuationParts, actuationPlot, type DelayRow, missed, timesMissed } from './actuation-report.js';

const delaysMs = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500];
/** Bursts that make the policies change subnets all the time, and that the front can bear. */
const load = { kind: 'bursty', base: 1_500, variant: 4_900, cv2: 8 } as const;
const seconds = 30;

export const actuationDelay: Figure = {
  name: 'actuation-delay',
  title: 'What actuation delay costs',
  summary:
    'missed deadlines when a change of subnet takes 0 to 500 ms, and a family of separate models against a supernet',
  async run(context) {
    const { sloMs, ...device } = v100();
    const steady = fixedName(device.subnets[0]?.id ?? '');
    const policies = [...switchingPolicies(context, device), steady];
    const delays = context.quick ? [0, 100] : delaysMs;
    const trace = { ...load, seconds: context.quick ? 1 : seconds, seed: context.seed };
    const common = { workers: paperWorkers, sloMs, seed: context.seed, trace };
    const known = delays.flatMap((delayMs) =>
      policies.map((policy): Cell => ({ ...common, device: withDelay(device, delayMs), policy })),
    );
    const unknown = delays.flatMap((actuationDelayMs) =>
      policies.map((policy): Cell => ({ ...common, device, policy, actuationDelayMs })),
    );
    const family = v100Family();
    const ofFamily = policies.flatMap((policy): Cell[] => [
      { ...common, device: family, policy },
      { ...common, device, policy },
    ]);
    const cells = [...known, ...unknown, ...ofFamily];
    const results = await context.pool.map('cell', cells, (done) =>
      context.progress(`${done} of ${cells.length} simulations`),
    );
    const rowsFrom = (first: number) =>
      delays.map((delayMs, i): DelayRow => {
        const begin = first + i * policies.length;
        return { delayMs, policies: byPolicy(results.slice(begin, begin + policies.length)) };
      });
    const [knownRows, unknownRows] = [rowsFrom(0), rowsFrom(known.length)];
    const pairs = results.slice(known.length + unknown.length);
    const families = policies.flatMap((_, i) => {
      const [separate, supernet] = pairs.slice(2 * i, 2 * i + 2);
      return separate && supernet ? [{ separate, supernet }] : [];
    });
    const factors = (rows: readonly DelayRow[]) =>
      rows.map((row) => ({
        delayMs: row.delayMs,
        missed: Object.fromEntries(policies.map((policy) => [policy, missed(row.policies[policy])])),
        times: Object.fromEntries(policies.map((policy) => [policy, timesMissed(rows, row, policy)])),
      }));
    return {
      figures: {
        ...{ load: trace, workers: paperWorkers, sloMs },
        known: { rows: knownRows, factors: factors(knownRows) },
        unknown: { rows: unknownRows, factors: factors(unknownRows) },
        family: families,
        paper: { delayMs: 100, times: 75 },
      },
      report: {
        plots: { 'actuation-delay.svg': actuationPlot(knownRows, unknownRows, policies) },
        parts: actuationParts({
          known: knownRows,
          unknown: unknownRows,
          families,
          policies,
          steady,
          family,
          load: trace,
          sloMs,
        }),
      },
    };
  },
};

/** Those that change subnets: the default, SlackFit, and Proteus where there is one. */
function switchingPolicies({ defaultPolicy }: FigureContext, device: Device): string[] {
  const wanted = [defaultPolicy, 'slackfit', 'proteus'];
  return comparedPolicies(defaultPolicy, device).filter((name) => wanted.includes(name) && !isFixed(name));
}

/** Every change takes so long, and the scheduler knows. */
function withDelay(device: Device, delayMs: number): Device {
  return { ...device, subnets: device.subnets.map((subnet) => ({ ...subnet, loadMs: delayMs })) };
}

function byPolicy(results: readonly CellResult[]): Record<string, CellResult> {
  return Object.fromEntries(results.map((result) => [result.policy, result]));
}
