/** The optimum's report: what was solved, how near policies come, and what optimal plans are made of. */
import { type Chart, sideBySide } from '@slackline/plot';
import { isFixed, styleOf } from '../cells/policies.js';
import { percent, share } from '../report/numbers.js';
import type { Part, Report, Table } from '../report/report.js';
import { sharesOf } from './plan-statistics.js';
import { capturedIn, meanOf, type Ratios, ratiosOf } from './ratios.js';
import type { WindowResult } from './run-window.js';
import { smallestCapacity } from './table.js';
import { devices, gridMs, leastLoad, type Window, type WindowKind } from './windows.js';

export interface Findings {
  readonly all: readonly Window[];
  /** In the order of the windows. */
  readonly results: readonly WindowResult[];
  readonly policies: readonly string[];
  readonly ratios: readonly Ratios[];
  /** The policy that always serves the smallest subnet. */
  readonly smallest: string;
  readonly subnets: readonly string[];
  readonly sloMs: number;
  readonly seconds: number;
  readonly maxGap: number;
}

const kinds: readonly WindowKind[] = ['quiet', 'bursty', 'accelerating'];

export function reportOf(findings: Findings): Report {
  const { all, ratios, sloMs, seconds, results, maxGap, smallest } = findings;
  const busy = all.filter(({ load }) => load >= leastLoad).length;
  const capacity = smallestCapacity(all[0]?.instance.latency ?? [], gridMs, devices);
  const atLeast = Math.min(...all.map(({ instance }) => instance.arrivals.length));
  const off = Math.max(...results.map(({ solved, oracle }) => Math.abs(oracle - solved.plan.utility)));
  const solveSeconds = results.reduce((sum, { solved }) => sum + solved.solveMs, 0) / 1_000;
  const parts: Part[] = [
    `${all.length} windows of ${1_000 * seconds} ms, ${devices} emulated V100s, limit ${sloMs} ms, at least ${atLeast} queries each. The ` +
      'utility of a policy is the sum of the accuracies of its answers in time; the optimum is the highest that any schedule ' +
      'reaches with all arrivals known in advance. Policies know none of them. *captured* is (U − U_smallest) / (U_opt − ' +
      `U_smallest), where U_smallest is what \`${smallest}\` reaches in the same window: the mean over windows, and of all windows ` +
      'together (sums above, sums below). ' +
      roomText(findings),
    {
      plot: 'optimum.svg',
      caption: 'Utility over the optimum’s, and what is captured of the room above the smallest (below −1 cut off)',
    },
    { table: ratioTable(ratios) },
    'INFaaS without a threshold is the smallest subnet by design. Proteus plans for seconds: a window ends before its first plan ' +
      'is made, and what serves until then is its default. Fixed subnets above the smallest cannot carry most windows.',
    ...kinds.flatMap((kind): Part[] => [{ heading: headings[kind] }, { table: ratioTable(ofKind(findings, kind)) }]),
    { heading: 'What optimal plans are made of' },
    { table: planTable(findings) },
    'Shares of the queries by the subnet that answers them, and of the time in which queries arrive during which devices are ' +
      'busy; means over the windows. Optimal plans lose next to no query and leave no device idle: queries wait because all ' +
      'devices are busy with batches that are as accurate as the load allows, and what gathers meanwhile is the next batch.',
    { heading: 'How it was solved' },
    `Every latency is rounded to ${gridMs} ms, at every batch size from 1 to 16 (between profiled sizes on the line that joins ` +
      'them, as workers take it), and arrivals to the tick they fall into: on this grid the optimum is exact, and the ' +
      'policies play on the same grid, without noise or delays. A dynamic program finds the best plan that serves queries in ' +
      'their order; HiGHS begins with it and proves, for all plans, that none is better by more than ' +
      `${share(1e-3, 3)} of it (largest gap left: ${maxGap.toExponential(1)}; ${solveSeconds.toFixed(0)} s of solving in all). ` +
      `The oracle, which plays these plans in the simulator, reaches their utility in every window (largest difference ${off.toExponential(1)}). ` +
      'docs/optimum.md has the formulation and its proof.',
    `Load is queries per second over the window by ${capacity.toFixed(0)}, which is what the smallest subnet carries on ${devices} ` +
      `devices that never wait, at its best batch size; ${busy} windows have ${leastLoad} or more. Bursty and accelerating windows ` +
      'are drawn again until their load is in that range; nothing else is chosen. Windows begin and end empty, and the last ' +
      'queries have the devices to themselves: no policy knows that they are the last, the optimum does.',
    { heading: 'Windows' },
    { table: windowTable(findings) },
  ];
  return { parts, plots: { 'optimum.svg': plotOf(findings) } };
}

const headings: Readonly<Record<WindowKind, string>> = {
  quiet: 'Quiet windows: Poisson',
  bursty: 'Bursty windows: an even base and gamma-distributed bursts',
  accelerating: 'Accelerating windows: from one rate to a higher one, CV² 8',
};

function roomText({ all, results, policies, smallest }: Findings): string {
  const least = policies.indexOf(smallest);
  const none = results.filter(
    ({ solved, utilities }) => capturedIn(solved.plan.utility, utilities[least] ?? 0, 0) === undefined,
  ).length;
  return none === 0
    ? 'In every window the optimum lies above it.'
    : `${none} of ${all.length} windows have no room above it and do not count there.`;
}

function ofKind({ all, results, policies, smallest }: Findings, kind: WindowKind): Ratios[] {
  return ratiosOf(
    results.filter((_, i) => all[i]?.kind === kind),
    policies,
    smallest,
  );
}

function ratioTable(ratios: readonly Ratios[]): Table {
  return {
    head: ['policy', 'mean of U / U_opt', 'worst', 'captured', 'captured of all'],
    rows: ratios.map(({ policy, mean, worst, captured, capturedOfAll }) => [
      policy,
      ...[share(mean), share(worst), captured.toFixed(3), capturedOfAll.toFixed(3)],
    ]),
  };
}

function planTable({ all, results, subnets }: Findings): Table {
  return {
    head: ['windows', 'answered %', 'devices busy %', 'mean batch', ...subnets.map((id) => `${id} %`)],
    rows: kinds.map((kind) => {
      const shares = results.flatMap(({ solved }, i) => {
        const window = all[i];
        if (window?.kind !== kind) return [];
        return [sharesOf(window.instance, solved.plan)];
      });
      return [
        kind,
        percent(meanOf(shares.map(({ answered }) => answered))),
        percent(meanOf(shares.map(({ busy }) => busy))),
        meanOf(shares.map(({ meanBatch }) => meanBatch)).toFixed(1),
        ...subnets.map((_, s) => percent(meanOf(shares.map(({ subnets: bySubnet }) => bySubnet[s] ?? 0)), 1)),
      ];
    }),
  };
}

function windowTable({ all, results, policies, smallest }: Findings): Table {
  const shown = [policies[0] ?? smallest, 'slackfit', smallest].filter((name, i, names) => names.indexOf(name) === i);
  return {
    head: ['kind', 'arrivals', 'seed', 'queries', 'load', 'optimum', 'bound', 'gap', ...shown],
    rows: all.map(({ kind, spec, seed, instance, load }, i) => {
      const { plan, bound, gap } = results[i]?.solved ?? {
        plan: { utility: Number.NaN },
        bound: Number.NaN,
        gap: Number.NaN,
      };
      const ratio = (policy: string) => (results[i]?.utilities[policies.indexOf(policy)] ?? Number.NaN) / plan.utility;
      return [
        ...[kind, `\`${spec}\``, `${seed}`, `${instance.arrivals.length}`, load.toFixed(2)],
        ...[plan.utility.toFixed(3), bound.toFixed(3), gap.toFixed(5), ...shown.map((policy) => share(ratio(policy)))],
      ];
    }),
  };
}

/** The smallest subnet, and whatever chooses among subnets, differs from it, and comes near enough to be seen on one axis. */
function plotted({ policies, ratios, smallest }: Findings): string[] {
  const meanRatio = (policy: string) => ratios.find((each) => each.policy === policy)?.mean ?? 0;
  const differs = (policy: string) => meanRatio(policy) !== meanRatio(smallest);
  return policies.filter(
    (policy) => policy === smallest || (!isFixed(policy) && differs(policy) && meanRatio(policy) > 0.9),
  );
}

function plotOf(findings: Findings): string {
  const { all, results, policies, smallest } = findings;
  const least = policies.indexOf(smallest);
  const series = (value: (result: WindowResult, utility: number) => number | undefined) =>
    plotted(findings).map((policy) => ({
      label: policy,
      mark: 'points' as const,
      points: results.flatMap((result, i) => {
        const y = value(result, result.utilities[policies.indexOf(policy)] ?? Number.NaN);
        return y === undefined ? [] : [[all[i]?.load ?? 0, y] as const];
      }),
      ...styleOf(policy),
    }));
  const x = { label: 'load, of what the smallest subnet carries', min: 0, max: 1 };
  const charts: Chart[] = [
    {
      title: 'Utility over the optimum’s',
      x,
      y: { label: 'U / U_opt', max: 1 },
      rules: [{ axis: 'y', at: 1, label: 'optimum' }],
      series: series(({ solved }, utility) => utility / solved.plan.utility),
    },
    {
      title: 'Captured of the room above the smallest',
      x,
      y: { label: '(U − U_smallest) / (U_opt − U_smallest)', min: -1, max: 1 },
      rules: [{ axis: 'y', at: 1, label: 'optimum' }],
      series: series(({ solved, utilities }, utility) => {
        const captured = capturedIn(solved.plan.utility, utilities[least] ?? 0, utility);
        return captured === undefined || captured < -1 ? undefined : captured;
      }),
    },
  ];
  return sideBySide(charts);
}
