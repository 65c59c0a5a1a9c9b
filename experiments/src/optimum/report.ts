/** The optimum's report: what was solved, how near policies come, and what optimal plans are made of. */
import { isFixed } from '../cells/policies.js';
import { share } from '../report/numbers.js';
import type { Part, Report } from '../report/report.js';
import { plotOf } from './charts.js';
import { type Findings, unproved } from './findings.js';
import { capturedIn } from './ratios.js';
import type { WindowKind } from './shapes.js';
import { smallestCapacity } from './table.js';
import { kindsOf, ofKind, planTable, ratioTable, windowTable } from './tables.js';
import { devices, gridMs, leastLoad, loadWithRest, type Window } from './windows.js';

const plotCaption =
  'Utility over the optimum’s, and what is captured of the room above the smallest (below −1 cut off)';

export function reportOf(short: Findings, long: Findings): Report {
  const parts: Part[] = [
    ...failures(short),
    ...failures(long),
    introduction(short),
    { plot: 'optimum.svg', caption: plotCaption },
    { table: ratioTable(short.ratios) },
    'INFaaS without a threshold is the smallest subnet by design. Proteus plans for seconds: a window ends before its first plan ' +
      'is made, and what serves until then is its default.',
    { heading: 'What these windows ask, and what they do not' },
    restText(short),
    ...kindsOf(short.all).flatMap((kind): Part[] => [
      { heading: headings[kind] },
      { table: ratioTable(ofKind(short, kind)) },
    ]),
    { heading: 'Long windows' },
    longText(long),
    { plot: 'optimum-long.svg', caption: plotCaption },
    { table: ratioTable(long.ratios) },
    { heading: 'What optimal plans are made of' },
    { table: planTable(short) },
    'Of long windows:',
    { table: planTable(long) },
    'Shares of the queries by the subnet that answers them, and of the time in which queries arrive during which devices are ' +
      'busy; means over the windows. Queries wait because all devices are busy with batches that are as accurate as the load ' +
      'allows, and what gathers meanwhile is the next batch.',
    { heading: 'How it was solved' },
    solvingText(short, long),
    { heading: 'How the windows are chosen' },
    choiceText(short),
    { heading: 'Windows' },
    '*With the rest* is the same load, counted up to the last deadline instead of the last arrival.',
    { table: windowTable(short) },
    'Long:',
    { table: windowTable(long) },
  ];
  return { parts, plots: { 'optimum.svg': plotOf(short), 'optimum-long.svg': plotOf(long) } };
}

const headings: Readonly<Record<WindowKind, string>> = {
  quiet: 'Quiet windows: Poisson',
  bursty: 'Bursty windows: an even base and gamma-distributed bursts',
  accelerating: 'Accelerating windows: from one rate to a higher one, CV² 8',
};

/** A window whose time was over before its proof: nothing here says how far its plan is from the optimum but its gap. */
function failures(findings: Findings): Part[] {
  const names = unproved(findings).map(({ kind, spec, seed }) => `${kind} \`${spec}\`, seed ${seed}`);
  if (names.length === 0) return [];
  return [
    `**${names.length} ${findings.name} windows were not proved within their time: ${names.join('; ')}.** They are counted all the ` +
      'same, against the best plan that was found; their gaps are in the last tables.',
  ];
}

function introduction(findings: Findings): string {
  const { all, length, sloMs, smallest } = findings;
  return (
    `${all.length} ${length}, on ${devices} emulated V100s, limit ${sloMs} ms. The ` +
    'utility of a policy is the sum of the accuracies of its answers in time; the optimum is the highest that any schedule ' +
    'reaches with all arrivals known in advance. Policies know none of them. *captured* is (U − U_smallest) / (U_opt − ' +
    `U_smallest), where U_smallest is what \`${smallest}\` reaches in the same window: the mean over windows, and of all windows ` +
    `together (sums above, sums below). ${roomText(findings)}`
  );
}

function roomText({ all, results, policies, smallest }: Findings): string {
  const least = policies.indexOf(smallest);
  const none = results.filter(
    ({ solved, utilities }) => capturedIn(solved.plan.utility, utilities[least] ?? 0, 0) === undefined,
  ).length;
  return none === 0
    ? 'In every window the optimum lies above it.'
    : `${none} of ${all.length} windows have no room above it and do not count there.`;
}

/** What the load of a short window leaves out. */
function restText({ all, sloMs, subnets, ratios }: Findings): string {
  const busy = all.filter(({ load }) => load >= leastLoad);
  const spans = busy.map(({ instance }) => ((instance.arrivals.at(-1) ?? 0) - (instance.arrivals[0] ?? 0)) * gridMs);
  const rests = busy.map(loadWithRest);
  const [fixed] = ratios.filter(({ policy }) => isFixed(policy)).sort((x, y) => y.mean - x.mean);
  const range = (values: readonly number[], digits: number) =>
    `${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)}`;
  return (
    `The ${busy.length} windows with a load of ${leastLoad} or more last ${range(spans, 0)} ms: less than the limit of ${sloMs} ms, which the ` +
    'last query has as well. So each of them is a burst that ends, and not a load that goes on: counted up to the last deadline ' +
    `their load is ${range(rests, 2)}. The room above \`${subnets[0]}\` is therefore wide, for the optimum and for policies, and a ` +
    `subnet that is chosen in hindsight and always served does well: of those \`${fixed?.policy}\` has the highest mean, ` +
    `${share(fixed?.mean ?? Number.NaN)} (captured ${fixed?.captured.toFixed(3)}). How policies stand a load that lasts is what the long ` +
    'windows below ask.'
  );
}

function longText({ all, length, sloMs }: Findings): string {
  const rests = all.map(loadWithRest);
  const mean = rests.reduce((sum, rest) => sum + rest, 0) / rests.length;
  return (
    `The same shapes for longer: ${all.length} ${length}, of the cells whose mean load is ${leastLoad} or more. Counted up to the last ` +
    `deadline their load is ${mean.toFixed(2)} in the mean. Less is captured here than above, for three reasons. ` +
    'Near capacity the room above the smallest subnet is small, one to three points of accuracy. An overload that lasts for some ' +
    'limits costs more than all that room: whoever spends the slack on accuracy before it loses queries in it, and a query that ' +
    'is lost costs what dozens gain. And the end of a window weighs less: the optimum knows that nothing follows, ' +
    `and has the last ${sloMs} ms for accuracy, but that is a smaller part of the time.`
  );
}

function solvingText(short: Findings, long: Findings): string {
  const results = [...short.results, ...long.results];
  const off = Math.max(...results.map(({ solved, oracle }) => Math.abs(oracle - solved.plan.utility)));
  const maxGap = Math.max(...results.map(({ solved }) => solved.gap));
  const solveSeconds = results.reduce((sum, { solved }) => sum + solved.solveMs, 0) / 1_000;
  const rounds = results.filter(({ solved }) => solved.rounds > 1).length;
  return (
    `Every latency is rounded to ${gridMs} ms, at every batch size from 1 to 16 (between profiled sizes on the line that joins ` +
    'them, as workers take it), and arrivals to the tick they fall into: on this grid the optimum is exact, and the ' +
    'policies play on the same grid, without noise or delays. A dynamic program finds the best plan that serves queries in ' +
    'their order; HiGHS begins with it and proves, for all plans, that none is better by more than ' +
    `${share(short.relativeGap, 3)} of it (largest gap left: ${maxGap.toExponential(1)}; ${solveSeconds.toFixed(0)} s of solving in all; ` +
    `${rounds} windows needed rows of Hall's condition). The oracle, which plays these plans in the simulator, reaches their ` +
    `utility in every window (largest difference ${off.toExponential(1)}). docs/optimum.md has the formulation and its proof.`
  );
}

function choiceText({ all }: Findings): string {
  const capacity = smallestCapacity(all[0]?.instance.latency ?? [], gridMs, devices);
  const busy = all.filter(({ load }: Window) => load >= leastLoad).length;
  return (
    `Rates are shares of ${capacity.toFixed(0)} queries a second, which is what the smallest subnet carries on ${devices} devices that never ` +
    'wait, at its best batch size. The shares are those of the paper’s grids of about 8,000 that its smallest carries on its ' +
    'eight GPUs: bursty, 1,500 evenly and 2,950, 4,900 or 5,550 with CV² 2, 4 or 8; accelerating, from 2,500 to 4,800, 6,800 or 7,800 with ' +
    'CV² 8, within a quarter or half of the window (its own ramps take longer than a window). Quiet windows are ours. ' +
    `A window's load is its queries per second (of a short one: gaps by the time from the first arrival to the last) by that capacity; ${busy} short ` +
    `windows have ${leastLoad} or more. Windows of cells whose mean load is at least ${leastLoad} are drawn again until theirs is between that and 1; all others ` +
    'are as drawn. No result of a policy enters shapes or draws. The short windows were added when what policies reach on windows ' +
    'of 200 ms was known; docs/optimum.md has that history.'
  );
}
