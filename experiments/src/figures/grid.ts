/** Figures over a grid of loads: every policy on every load, tables, a plot per load, and the criterion for the default. */
import { type Chart, type Series, sideBySide } from '@slackline/plot';
import type { TraceSpecInput } from '@slackline/traces';
import type { CellResult } from '../cells/cell.js';
import { paperWorkers, v100 } from '../cells/devices.js';
import { comparedPolicies, fixedName, isFixed, styleOf } from '../cells/policies.js';
import { type AgainstFixed, againstFixed } from '../compare/against-fixed.js';
import { type Criterion, criterion } from '../compare/criterion.js';
import type { FigureContext } from '../figure.js';
import { listed, percent, share, signed } from '../report/numbers.js';
import type { Part } from '../report/report.js';

/** One load of a grid. */
export interface GridLoad {
  /** Short: it heads a column. */
  readonly name: string;
  /** Longer: it heads a plot. */
  readonly title: string;
  readonly trace: TraceSpecInput;
}

export interface GridCell {
  readonly name: string;
  readonly title: string;
  readonly queries: number;
  readonly policies: Readonly<Record<string, CellResult>>;
  /** The default policy against the fixed subnets. */
  readonly againstFixed: AgainstFixed;
}

export interface GridResult {
  readonly device: string;
  readonly workers: number;
  readonly sloMs: number;
  readonly policies: readonly string[];
  readonly cells: readonly GridCell[];
  readonly criterion: Criterion;
}

/** Runs every policy on every load. */
export async function runGrid(context: FigureContext, loads: readonly GridLoad[]): Promise<GridResult> {
  const { sloMs, ...device } = v100();
  const policies = comparedPolicies(context.defaultPolicy, device);
  const common = { device, workers: paperWorkers, sloMs, seed: context.seed };
  const cells = loads.flatMap(({ trace }) => policies.map((policy) => ({ ...common, trace, policy })));
  const results = await context.pool.map('cell', cells, (done) =>
    context.progress(`${done} of ${cells.length} simulations`),
  );
  const smallest = fixedName(device.subnets[0]?.id ?? '');
  const gridCells = loads.map(({ name, title }, load): GridCell => {
    const of = results.slice(load * policies.length, (load + 1) * policies.length);
    const byPolicy = Object.fromEntries(of.map((result) => [result.policy, result]));
    return {
      ...{ name, title },
      queries: of[0]?.queries ?? 0,
      policies: byPolicy,
      againstFixed: againstFixed(
        resultOf(byPolicy, context.defaultPolicy),
        of.filter(({ policy }) => isFixed(policy)),
      ),
    };
  });
  return {
    device: device.deviceClass,
    workers: paperWorkers,
    sloMs,
    policies,
    cells: gridCells,
    criterion: criterion(
      context.defaultPolicy,
      gridCells.map(({ name, policies: byPolicy }) => ({
        name,
        ours: resultOf(byPolicy, context.defaultPolicy),
        slackfit: resultOf(byPolicy, 'slackfit'),
        smallest: resultOf(byPolicy, smallest),
      })),
    ),
  };
}

export function resultOf(results: Readonly<Record<string, CellResult>>, policy: string): CellResult {
  const result = results[policy];
  if (result === undefined) throw new RangeError(`${policy} was not run`);
  return result;
}

/** Tables of all policies on all loads, and what the criterion says. */
export function gridParts(grid: GridResult, defaultPolicy: string): Part[] {
  const table = (value: (result: CellResult) => string): Part => ({
    table: {
      head: ['policy', ...grid.cells.map(({ name }) => name)],
      rows: grid.policies.map((policy) => [
        policy === defaultPolicy ? `**${policy}**` : policy,
        ...grid.cells.map(({ policies }) => value(resultOf(policies, policy))),
      ]),
    },
  });
  return [
    { heading: 'Effective accuracy' },
    'Sum of the profiled accuracies of the answers in time over all queries, in per cent: one number for accuracy and attainment.',
    table(({ effectiveAccuracy }) => percent(effectiveAccuracy)),
    { heading: 'SLO attainment' },
    'Answers in time over queries.',
    table(({ attainment }) => share(attainment, 5)),
    { heading: 'Accuracy' },
    'Mean profiled accuracy of the answers in time, in per cent.',
    table(({ accuracy }) => percent(accuracy)),
    { heading: `${defaultPolicy} against the best fixed subnet` },
    'More accurate than the most accurate fixed subnet that attains as much; attains more than the fixed subnet that attains ' +
      'most of those as accurate. *On the line*: the same against a mixture of the two neighbouring subnets.',
    { table: againstTable(grid) },
    { heading: `${defaultPolicy} against SlackFit` },
    criterionText(grid.criterion),
  ];
}

function againstTable({ cells }: GridResult) {
  const text = <T>(value: T | undefined, write: (value: T) => string) => (value === undefined ? '–' : write(value));
  const points = (gain: number) => `${signed(100 * gain)} points`;
  const times = (factor: number) => `${factor.toFixed(2)} x`;
  return {
    head: ['load', 'accuracy at equal attainment', 'on the line', 'attainment at equal accuracy', 'on the line'],
    rows: cells.map(({ name, againstFixed: { equalAttainment, equalAccuracy, onLine } }) => [
      name,
      text(equalAttainment, ({ gain, against }) => `${points(gain)} (${against})`),
      text(onLine.gain, points),
      text(equalAccuracy, ({ factor, against }) => `${times(factor)} (${against})`),
      text(onLine.factor, times),
    ]),
  };
}

/** The paper's attainment beside ours. @param paper what it reports of SlackFit on this grid, to stand behind "SlackFit attains" */
export function besidePaper(grid: GridResult, defaultPolicy: string, paper: string): string {
  const ours = [...new Set([defaultPolicy, 'slackfit'])].map((policy) => {
    const attained = grid.cells.map(({ policies }) => resultOf(policies, policy).attainment);
    return `${policy} from ${share(Math.min(...attained), 5)} to ${share(Math.max(...attained), 5)}`;
  });
  return `The paper: SlackFit attains ${paper}. Here: ${listed(ours)}.`;
}

/** What the criterion says, in sentences. */
export function criterionText(result: Criterion): string {
  const { policy, cells, accuracyHolds, leastGain, meanGain, cellsWithMore, attainmentHolds, mostLost } = result;
  if (policy === 'slackfit') return 'The default policy is SlackFit itself: there is nothing to compare.';
  const bearable =
    result.leastBearableAttainment === null
      ? 'The smallest subnet bears none of these loads.'
      : `Of the ${result.bearable.length} loads that the smallest subnet bears, the least attainment is ` +
        `${share(result.leastBearableAttainment, 5)} (wanted: 0.999).`;
  return (
    `Effective accuracy is ${accuracyHolds ? '' : '**not** '}at least SlackFit's on all of the ${cells} loads (from ` +
    `${signed(100 * leastGain, 3)} points, in the mean ${signed(100 * meanGain, 3)}), and more on ${cellsWithMore}. ` +
    `Attainment is ${attainmentHolds ? 'nowhere' : '**somewhere**'} lower by more than 0.0005 (at most by ` +
    `${Math.max(0, mostLost).toFixed(5)}). ${bearable} The criterion for a default policy ` +
    `${result.holds ? 'holds here' : '**does not hold here**'}.`
  );
}

/** Attainment against accuracy, a plot for each load. */
export function gridPlot(grid: GridResult, columns: number): string {
  const charts = grid.cells.map(
    ({ title, policies }): Chart => ({
      title,
      width: 400,
      height: 300,
      legend: false,
      x: { label: 'accuracy of the answers in time (%)', min: 70.5, max: 81 },
      y: { label: 'SLO attainment', min: 0, max: 1.05 },
      series: seriesOf(grid.policies.map((policy) => resultOf(policies, policy))),
    }),
  );
  return sideBySide(charts, { columns, commonLegend: true });
}

/** Each policy as a point, the fixed subnets as a line. */
function seriesOf(results: readonly CellResult[]): Series[] {
  const at = ({ accuracy, attainment }: CellResult) => [100 * accuracy, attainment] as const;
  const fixed = results.filter(({ policy, ok }) => isFixed(policy) && ok > 0).map(at);
  const others = results.filter(({ policy }) => !isFixed(policy));
  return [
    { label: 'a fixed subnet', mark: 'line+points', points: fixed, ...styleOf('fixed:') },
    ...others.map((result) => ({ label: result.policy, points: [at(result)], ...styleOf(result.policy) })),
  ];
}
