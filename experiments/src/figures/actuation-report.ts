/** Report and plot of the study of actuation delay. */
import { type Chart, sideBySide } from '@slackline/plot';
import type { CellResult } from '../cells/cell.js';
import type { Device } from '../cells/device.js';
import { paperWorkers } from '../cells/devices.js';
import { environmentText } from '../cells/environment.js';
import { styleOf } from '../cells/policies.js';
import { listed, percent, share, signed, whole } from '../report/numbers.js';
import type { Part, Table } from '../report/report.js';

/** All policies at one delay. */
export interface DelayRow {
  readonly delayMs: number;
  readonly policies: Readonly<Record<string, CellResult>>;
}

export const missed = (result: CellResult | undefined) => (result === undefined ? 0 : result.queries - result.ok);

/** Missed over missed without delay; null where none was, which any number is infinitely often. */
export function timesMissed(rows: readonly DelayRow[], row: DelayRow, policy: string): number | null {
  const before = missed(rows[0]?.policies[policy]);
  return before === 0 ? null : missed(row.policies[policy]) / before;
}

interface Study {
  readonly known: readonly DelayRow[];
  readonly unknown: readonly DelayRow[];
  readonly families: readonly { separate: CellResult; supernet: CellResult }[];
  readonly policies: readonly string[];
  /** Of the policies, the one that never changes to another subnet once it has its first. */
  readonly steady: string;
  readonly family: Device;
  readonly load: { base: number; variant: number; cv2: number; seconds: number };
  readonly sloMs: number;
}

export function actuationParts({ known, unknown, families, policies, steady, family, load, sloMs }: Study): Part[] {
  const loads = family.subnets.map(({ id, loadMs = 0 }) => `${id} ${loadMs}`);
  return [
    `A worker that changes to another subnet does nothing else for the given time. *Known*: the scheduler reckons with it, as ` +
      'with the loading of a model; *unknown*: it plans as if a change took no time. ' +
      `${whole(load.base)} evenly spaced queries a second and ${whole(load.variant)} with CV² ${load.cv2}, ${load.seconds} s, ` +
      `${paperWorkers} emulated devices, limit ${sloMs} ms. Simulated.`,
    { plot: 'actuation-delay.svg', caption: 'Missed deadlines and effective accuracy against actuation delay' },
    { heading: 'When the delay is known' },
    { table: delayTable(known, policies) },
    `The paper: up to 75 times as many missed deadlines at 100 ms. Here at 100 ms, known: ${atHundred(known, policies)}; ` +
      `unknown: ${atHundred(unknown, policies)}. \`${steady}\` changes once, when a worker takes its first subnet: what it misses is the ` +
      'price of that beginning, which all others pay as well, and only what they miss beyond it is the price of changing.',
    { heading: 'When it is unknown' },
    { table: delayTable(unknown, policies) },
    { heading: 'A family of separate models against a supernet' },
    `The same six networks as separate models: before a worker serves another one it loads its weights (${listed(loads)} ms), ` +
      'and the scheduler knows that. Beside it the same policy on a supernet of the same latencies, where a change costs nothing.',
    { table: familyTable(families) },
    environmentText,
  ];
}

function delayTable(rows: readonly DelayRow[], policies: readonly string[]): Table {
  const of = (row: DelayRow, policy: string) => {
    const result = row.policies[policy];
    return [whole(missed(result)), share(result?.attainment ?? 0, 5), percent(result?.effectiveAccuracy ?? 0)];
  };
  return {
    head: ['delay ms', ...policies.flatMap((policy) => [`${policy}: missed`, 'attainment', 'effective %'])],
    rows: rows.map((row) => [String(row.delayMs), ...policies.flatMap((policy) => of(row, policy))]),
  };
}

const timesText = (times: number | null) =>
  times === null ? '' : `, ${times < 10 ? times.toFixed(1) : whole(times)} times as many`;

function atHundred(rows: readonly DelayRow[], policies: readonly string[]): string {
  const row = rows.find(({ delayMs }) => delayMs === 100);
  if (row === undefined) return 'not run';
  return listed(
    policies.map((policy) => {
      const [at, before] = [row.policies[policy], rows[0]?.policies[policy]];
      return `${policy} ${whole(missed(at))} instead of ${whole(missed(before))}${timesText(timesMissed(rows, row, policy))}`;
    }),
  );
}

function familyTable(families: Study['families']): Table {
  const pair = (of: (result: CellResult) => string, { separate, supernet }: Study['families'][number]) => [
    of(separate),
    of(supernet),
  ];
  return {
    head: [
      ...['policy', 'attainment, separate', 'supernet', 'accuracy %, separate', 'supernet'],
      ...['effective %, separate', 'supernet', 'points that a supernet adds'],
    ],
    rows: families.map((each) => [
      each.separate.policy,
      ...pair(({ attainment }) => share(attainment, 5), each),
      ...pair(({ accuracy }) => percent(accuracy), each),
      ...pair(({ effectiveAccuracy }) => percent(effectiveAccuracy), each),
      signed(100 * (each.supernet.effectiveAccuracy - each.separate.effectiveAccuracy)),
    ]),
  };
}

/** A logarithmic axis has no zero: no delay stands here. */
const noDelayMs = 0.5;

export function actuationPlot(
  known: readonly DelayRow[],
  unknown: readonly DelayRow[],
  policies: readonly string[],
): string {
  const chart = (
    rows: readonly DelayRow[],
    title: string,
    y: Chart['y'],
    value: (result: CellResult) => number,
  ): Chart => ({
    ...{ title, y, legend: false },
    height: 330,
    x: { label: `actuation delay (ms); none stands at ${noDelayMs}`, scale: 'log' },
    series: policies.map((policy) => ({
      label: policy,
      mark: 'line+points' as const,
      points: rows.flatMap(({ delayMs, policies: at }) => {
        const result = at[policy];
        return result === undefined ? [] : [[delayMs || noDelayMs, value(result)] as const];
      }),
      ...styleOf(policy),
    })),
  });
  const charts = [
    { rows: known, name: 'known' },
    { rows: unknown, name: 'unknown' },
  ].flatMap(({ rows, name }) => [
    chart(
      rows,
      `Missed deadlines, delay ${name}`,
      { label: `share of the queries; none stands at ${leastShare.toExponential()}`, scale: 'log' },
      missedShare,
    ),
    chart(rows, `Effective accuracy, delay ${name}`, { label: 'effective accuracy (%)', min: 0, max: 85 }, effective),
  ]);
  return sideBySide(charts, { columns: 2, commonLegend: true });
}

/** A logarithmic axis has no zero: nothing missed stands here. */
const leastShare = 1e-6;
const missedShare = ({ attainment }: CellResult) => Math.max(leastShare, 1 - attainment);
const effective = ({ effectiveAccuracy }: CellResult) => 100 * effectiveAccuracy;
