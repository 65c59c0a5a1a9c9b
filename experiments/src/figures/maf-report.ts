/** Report and plots of the MAF replay. */
import { type Chart, sideBySide, toSvg } from '@slackline/plot';
import type { CellResult } from '../cells/cell.js';
import { capacity } from '../cells/device.js';
import { v100 } from '../cells/devices.js';
import { fixedName, isFixed, styleOf } from '../cells/policies.js';
import { percent, share, signed, whole } from '../report/numbers.js';
import type { Part, Table } from '../report/report.js';
import { goals, type MafRun } from './maf-run.js';

/**
 * @param named the run that the goals are judged on
 * @param recorded what the file holds
 */
export function mafParts(
  runs: readonly MafRun[],
  named: MafRun,
  defaultPolicy: string,
  { recorded, seconds, rate }: { recorded: string; seconds: number; rate: number },
): Part[] {
  const peak = Math.max(...(named.policies[defaultPolicy]?.windows ?? []).map(({ arrivals }) => arrivals));
  return [
    `Counts of invocations by function and minute: ${recorded}, squeezed to ${seconds} s and scaled to ${whole(rate)} queries a ` +
      "second in the mean. A minute's queries are placed uniformly at random within it (docs/traces.md). The paper used 32,700 " +
      `functions of the same trace: its peak second had 8,750 queries, here it has ${whole(peak)}; the fewer the functions, the ` +
      'burstier their sum. This re-tests the claim, it does not repeat the run. Simulated unless said otherwise.',
    { heading: 'All policies' },
    {
      plot: 'maf.svg',
      caption: `Attainment against accuracy on ${named.workers} devices; up and to the right is better`,
    },
    { table: policyTable(named, defaultPolicy) },
    { heading: 'Against the best fixed subnet' },
    comparisonText(named, defaultPolicy, rate),
    { table: devicesTable(runs, defaultPolicy) },
    { heading: 'Dynamics' },
    'The rate that arrives, the accuracy of the answers and the size of the batches, by second: as the rate rises, batches ' +
      'grow and accuracy gives way, and both come back.',
    { plot: 'maf-dynamics.svg', caption: `Rate, accuracy and batch size over time, ${defaultPolicy}` },
  ];
}

function policyTable({ policies }: MafRun, defaultPolicy: string): Table {
  return {
    head: ['policy', 'attainment', 'accuracy %', 'effective %', 'missed', 'mean batch'],
    rows: Object.values(policies).map(({ policy, attainment, accuracy, effectiveAccuracy, queries, ok, meanBatch }) => [
      policy === defaultPolicy ? `**${policy}**` : policy,
      share(attainment, 6),
      percent(accuracy),
      percent(effectiveAccuracy),
      whole(queries - ok),
      meanBatch.toFixed(1),
    ]),
  };
}

function comparisonText(
  { workers, policies, againstFixed, goals: met }: MafRun,
  defaultPolicy: string,
  rate: number,
): string {
  const { equalAttainment, equalAccuracy, onLine } = againstFixed;
  const ours = policies[defaultPolicy];
  const gain =
    equalAttainment === undefined
      ? 'No fixed subnet attains as much.'
      : `The most accurate fixed subnet that attains as much is \`${equalAttainment.against}\`: ${defaultPolicy} is ` +
        `${signed(100 * equalAttainment.gain)} points more accurate (the paper: +${goals.gainPoints}).`;
  const factor =
    equalAccuracy === undefined
      ? 'No fixed subnet is as accurate and answers anything in time.'
      : `Of the fixed subnets that are as accurate, \`${equalAccuracy.against}\` attains most: ${defaultPolicy} attains ` +
        `${equalAccuracy.factor.toFixed(2)} times as much (the paper: ${goals.factor}` +
        `${onLine.factor === undefined ? '' : `; ${onLine.factor.toFixed(2)} times what a mixture of the two neighbouring subnets would attain`}).`;
  const attained = `Attainment is ${share(ours?.attainment ?? 0, 6)} on ${workers} devices (wanted: ${goals.attainment}).`;
  const missed =
    ours === undefined || met.attainment
      ? ''
      : ` ${whole(ours.queries - ours.ok)} queries were missed: ${whole(ours.late)} late, ${whole(ours.expired)} expired. Late ones were in batches that took longer, by noise or by the bus, than the scheduler had kept back.`;
  const less =
    equalAccuracy === undefined || equalAccuracy.factor >= goals.factor
      ? ''
      : ` That factor falls short of the paper’s: ${carriedText(equalAccuracy.against, workers, rate)}, and like every policy it has an ` +
        'expiry here that gives up at once what can no longer be met, so that it attains what its capacity allows.';
  return `${gain} ${factor}${less} ${attained}${missed} ${met.both ? 'Both goals are met.' : '**Not both goals are met.**'}`;
}

/** @param policy a fixed subnet */
function carriedText(policy: string, workers: number, rate: number): string {
  const { sloMs, ...device } = v100();
  const subnet = device.subnets.find(({ id }) => fixedName(id) === policy);
  const carried = subnet === undefined ? 0 : capacity(device, subnet, workers, sloMs);
  return `of a load of ${whole(rate)} queries a second in the mean, ${workers} devices carry ${whole(carried)} on that subnet`;
}

function devicesTable(runs: readonly MafRun[], defaultPolicy: string): Table {
  return {
    head: ['devices', 'attainment', 'accuracy %', 'at equal attainment', 'attainment at equal accuracy', 'goals'],
    rows: runs.map(({ workers, policies, againstFixed: { equalAttainment, equalAccuracy }, goals: met }) => [
      String(workers),
      share(policies[defaultPolicy]?.attainment ?? 0, 6),
      percent(policies[defaultPolicy]?.accuracy ?? 0),
      equalAttainment === undefined ? '–' : `${signed(100 * equalAttainment.gain)} points`,
      equalAccuracy === undefined ? '–' : `${equalAccuracy.factor.toFixed(2)} x`,
      met.both
        ? 'met'
        : [met.comparison ? '' : 'comparison', met.attainment ? '' : 'attainment'].filter(Boolean).join(', ') +
          ' not met',
    ]),
  };
}

/** Attainment against accuracy, the fixed subnets with their names. */
export function scatterPlot({ workers, policies }: MafRun): string {
  const results = Object.values(policies);
  const at = ({ accuracy, attainment }: CellResult) => [100 * accuracy, attainment] as const;
  const fixed = results.filter(({ policy, ok }) => isFixed(policy) && ok > 0);
  const others = results.filter(({ policy }) => !isFixed(policy));
  return toSvg({
    title: `Attainment against accuracy, ${workers} devices`,
    width: 760,
    height: 460,
    x: { label: 'accuracy of the answers in time (%)', min: 70.5, max: 82.5 },
    y: { label: 'SLO attainment', min: 0, max: 1.05 },
    series: [
      {
        label: 'a fixed subnet',
        mark: 'line+points',
        points: fixed.map(at),
        names: fixed.map(({ policy }) => policy.slice('fixed:'.length)),
        ...styleOf('fixed:'),
      },
      ...others.map((result) => ({ label: result.policy, points: [at(result)], ...styleOf(result.policy) })),
    ],
  });
}

/** What is drawn of a window, simulated or live; a live one does not know batches. */
interface Drawn {
  readonly atMs: number;
  readonly arrivals: number;
  readonly meanAccuracy: number | null;
  readonly meanBatch?: number | null;
}

/** Charts with one time axis. */
export function dynamicsPlot(windows: readonly Drawn[]): string {
  const seconds = ((windows[1]?.atMs ?? 1_000) - (windows[0]?.atMs ?? 0)) / 1_000;
  const chart = (
    title: string,
    label: string,
    value: (window: Drawn) => number | null | undefined,
    limit?: number,
  ): Chart => ({
    title,
    width: 760,
    height: 230,
    x: { label: 'seconds', min: 0 },
    y: { label, ...(limit !== undefined && { limit }) },
    series: [
      {
        label: title,
        mark: 'line',
        points: windows.flatMap((window) => {
          const at = value(window);
          return at === null || at === undefined ? [] : [[window.atMs / 1_000, at] as const];
        }),
      },
    ],
  });
  const knowsBatches = windows.some(({ meanBatch }) => meanBatch !== undefined);
  return sideBySide(
    [
      chart('Arrivals', 'queries a second', ({ arrivals }) => arrivals / seconds),
      chart('Accuracy', 'accuracy (%)', ({ meanAccuracy }) => (meanAccuracy === null ? null : 100 * meanAccuracy), 100),
      ...(knowsBatches ? [chart('Batch size', 'queries a batch', ({ meanBatch }) => meanBatch)] : []),
    ],
    1,
  );
}
