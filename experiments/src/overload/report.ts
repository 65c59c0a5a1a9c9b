/** The overload as tables and plots. */
import { type Chart, sideBySide, toSvg } from '@slackline/plot';
import { percent, share, whole } from '../report/numbers.js';
import type { Part, Report, Table } from '../report/report.js';
import { type PhaseResult, toldWithinMs } from './measure.js';
import type { MemoryResult, OverloadResult, OverloadRun, OverloadSettings } from './run.js';

/** What is promised. */
export const goals = { goodputShare: 0.9, recoveryMs: 2_000 } as const;

export interface Judged {
  readonly times: number;
  /** Of the peak. */
  readonly goodputShare: number;
  readonly goodputHolds: boolean;
  readonly toldHolds: boolean;
  readonly recoveryHolds: boolean;
  /** Whether each class attained at least as much as the next lower one. */
  readonly classesHold: boolean;
  /** Whether every query was told what became of it, and none failed. */
  readonly outcomesHold: boolean;
}

export function judged(
  { peak }: Pick<OverloadRun, 'peak'>,
  { times, overload, recoveryMs }: Pick<OverloadResult, 'times' | 'overload' | 'recoveryMs'>,
): Judged {
  const goodputShare = overload.goodput / peak.goodput;
  const { low, normal, high } = overload.attainment;
  return {
    ...{ times, goodputShare },
    goodputHolds: goodputShare >= goals.goodputShare,
    toldHolds: overload.toldTooLate === 0,
    recoveryHolds: recoveryMs <= goals.recoveryMs,
    classesHold: high >= normal && normal >= low,
    outcomesHold: overload.outcomes.unanswered + overload.outcomes.failed === 0,
  };
}

export function reportOf(run: OverloadRun, settings: OverloadSettings): Report {
  const { bound, peak, overloads } = run;
  const { workers, sloMs, seconds, calmSeconds, sweepSeconds, device } = settings;
  const smallest = device.subnets[0]?.id ?? '';
  return {
    plots: {
      'overload.svg': goodputPlot(run),
      'overload-time.svg': timePlot(overloads),
      'overload-memory.svg': memoryPlot(run.memory),
    },
    parts: [
      `A real system on one machine: nats-server with JetStream, ingest, scheduler, profiler and ${workers} workers, each a process. The workers ` +
        `are emulated: each holds a batch for as long as its device would. In its best batches and without a pause the smallest subnet ` +
        `(${smallest}) carries ${bound.toFixed(0)} queries a second on them; the limit is ${sloMs} ms. Arrivals are Poisson, from one producer, ` +
        'open loop. Of what is offered each of the classes `high` and `normal` has 30 % of what can be carried (of what is offered, below ' +
        'that), and `low` the rest.',
      { heading: 'The peak' },
      `What is offered grows from half of what can be carried to a little more, ${sweepSeconds} s each. *Goodput* is the answers in time a second, ` +
        `of the queries that were due in the phase. The peak is the highest of them: **${peak.goodput.toFixed(1)} queries a second**, at ` +
        `${peak.times} times what can be carried.`,
      { table: sweepTable(run) },
      { heading: 'Overloads' },
      `Each lasts ${seconds} s, between ${calmSeconds} s at half of what can be carried. *Told*: how long after its deadline the producer knew that ` +
        `a query was refused or had expired, by its own clock, from when it really sent the query (negative: before the deadline); the promise is ` +
        `${toldWithinMs} ms at most. *Itself again*: from the end of the overload until the last query was due that was not answered in time. ` +
        '*Send lag*: how late the producer was; where it is large, the producer was what limited.',
      { table: overloadTable(run) },
      { plot: 'overload.svg', caption: 'Goodput against what is offered' },
      { table: outcomeTable(overloads) },
      'Attainment by class, under the overload:',
      { table: classTable(overloads) },
      { plot: 'overload-time.svg', caption: 'Before, under and after each overload' },
      { heading: 'Memory' },
      'Resident memory of every process over the whole run, and the heap in use where the process tells it, in MB. Bounded means that it does ' +
        'not go on growing under an overload: the last column is the highest value of the last third less the highest of the second. ' +
        'A nats-server that is started here collects its garbage seldom (GOGC=1600, within a quarter of the machine’s memory): what it takes ' +
        'is up to 17 times what it holds, and bounded by that.',
      { table: memoryTable(run.memory) },
      { plot: 'overload-memory.svg', caption: 'Resident memory of every process' },
      verdict(run),
    ],
  };
}

function verdict(run: OverloadRun): Part {
  const all = run.overloads.map((each) => judged(run, each));
  const failed = all.flatMap((each) => {
    const names = [
      ...(each.goodputHolds ? [] : ['goodput']),
      ...(each.toldHolds ? [] : ['told in time']),
      ...(each.recoveryHolds ? [] : ['itself again']),
      ...(each.classesHold ? [] : ['classes']),
      ...(each.outcomesHold ? [] : ['an outcome for each']),
    ];
    return names.length === 0 ? [] : [`${names.join(', ')} at ${each.times}x`];
  });
  return failed.length === 0
    ? 'Everything that is promised held; memory is in the table above.'
    : `**Did not hold: ${failed.join('; ')}.**`;
}

function sweepTable({ sweep, peak }: OverloadRun): Table {
  return {
    head: ['offered, times', 'offered qps', 'goodput qps', 'in time', 'accuracy %', 'expired', 'refused'],
    rows: sweep.map((point) => [
      point.times.toFixed(2),
      rate(point),
      point === peak ? `**${point.goodput.toFixed(1)}**` : point.goodput.toFixed(1),
      share(point.outcomes.ok / Math.max(1, point.queries)),
      percent(point.accuracy),
      whole(point.outcomes.expired),
      whole(point.outcomes.refused),
    ]),
  };
}

function overloadTable(run: OverloadRun): Table {
  return {
    head: [
      'times',
      'offered qps',
      'goodput qps',
      'of the peak %',
      'told p50 ms',
      'p99',
      'max',
      'too late',
      'itself again ms',
      'send lag p99 ms',
    ],
    rows: run.overloads.map((result) => {
      const { overload, times, recoveryMs, sendLagMs } = result;
      const { told, toldTooLate } = overload;
      return [
        `${times}x`,
        rate(overload),
        overload.goodput.toFixed(1),
        percent(judged(run, result).goodputShare, 1),
        ...[told.p50, told.p99, told.max].map((ms) => ms.toFixed(0)),
        `${toldTooLate} of ${whole(told.count)}`,
        recoveryMs.toFixed(0),
        sendLagMs.p99.toFixed(1),
      ];
    }),
  };
}

function outcomeTable(overloads: readonly OverloadResult[]): Table {
  return {
    head: [
      'times',
      'queries',
      'ok',
      'late',
      'expired',
      'failed',
      'refused',
      'unanswered',
      'refused within ms (p50)',
      '(p99)',
    ],
    rows: overloads.map(({ times, overload: { queries, outcomes, refusalMs } }) => [
      `${times}x`,
      whole(queries),
      ...(['ok', 'late', 'expired', 'failed', 'refused', 'unanswered'] as const).map((name) => whole(outcomes[name])),
      refusalMs.p50.toFixed(1),
      refusalMs.p99.toFixed(1),
    ]),
  };
}

function classTable(overloads: readonly OverloadResult[]): Table {
  return {
    head: ['times', 'low', 'normal', 'high'],
    rows: overloads.map(({ times, overload: { attainment } }) => [
      `${times}x`,
      ...[attainment.low, attainment.normal, attainment.high].map((each) => share(each, 3)),
    ]),
  };
}

const megabytes = (bytes: number) => bytes / 1e6;
const mb = (bytes: number | undefined) => (bytes === undefined ? '–' : megabytes(bytes).toFixed(0));

function memoryTable(memory: readonly MemoryResult[]): Table {
  const rows = memory.flatMap(({ name, rss, heap }) => [
    memoryRow(name, rss),
    ...(heap.length === 0 ? [] : [memoryRow(`${name}, heap`, heap)]),
  ]);
  return { head: ['process', 'at first', 'most', 'at the end', 'growth at the end'], rows };
}

function memoryRow(name: string, points: MemoryResult['rss']): string[] {
  const values = points.map(([, bytes]) => bytes);
  const most = (from: number, to: number) =>
    Math.max(0, ...values.slice(Math.floor(from * values.length), Math.max(1, Math.ceil(to * values.length))));
  return [name, mb(values[0]), mb(most(0, 1)), mb(values.at(-1)), mb(most(2 / 3, 1) - most(1 / 3, 2 / 3))];
}

const rate = ({ queries, seconds }: PhaseResult) => whole(queries / seconds);

function goodputPlot({ bound, sweep, overloads, peak }: OverloadRun): string {
  const points = [
    ...sweep.map(({ times, goodput }) => [times, goodput] as const),
    ...overloads.map(({ times, overload }) => [times, overload.goodput] as const),
  ];
  return toSvg({
    title: 'Goodput against what is offered',
    x: { label: 'offered, times what the smallest subnet carries', scale: 'log' },
    y: { label: 'answers in time a second', min: 0, max: 1.1 * bound },
    series: [{ label: 'goodput', mark: 'line+points', points }],
    rules: [
      { axis: 'y', at: goals.goodputShare * peak.goodput, label: '90 % of the peak' },
      { axis: 'x', at: 1 },
    ],
  });
}

function timePlot(overloads: readonly OverloadResult[]): string {
  const chart = ({ times, moments, before, overload }: OverloadResult): Chart => ({
    title: `${times} times`,
    ...{ width: 760, height: 260 },
    x: { label: 'seconds', min: 0 },
    y: { label: 'queries a second', min: 0, max: 2 * Math.max(...moments.map(({ goodput }) => goodput)) },
    shades: [{ from: before.seconds, to: before.seconds + overload.seconds, label: 'overload' }],
    series: (['goodput', 'expired'] as const).map((name) => ({
      label: name,
      mark: 'line' as const,
      points: moments.map((moment) => [moment.atMs / 1_000, moment[name]] as const),
    })),
  });
  const accuracy = ({ times, moments, before, overload }: OverloadResult): Chart => ({
    title: `${times} times: accuracy`,
    ...{ width: 760, height: 200 },
    x: { label: 'seconds', min: 0 },
    y: { label: 'accuracy (%)' },
    shades: [{ from: before.seconds, to: before.seconds + overload.seconds }],
    series: [
      {
        label: 'of the answers in time',
        mark: 'line',
        points: moments.flatMap((moment) =>
          moment.accuracy === undefined ? [] : [[moment.atMs / 1_000, 100 * moment.accuracy] as const],
        ),
      },
    ],
  });
  return sideBySide(
    overloads.flatMap((result) => [chart(result), accuracy(result)]),
    1,
  );
}

function memoryPlot(memory: readonly MemoryResult[]): string {
  return toSvg({
    title: 'Resident memory',
    ...{ width: 760, height: 360 },
    x: { label: 'seconds', min: 0 },
    y: { label: 'MB', min: 0 },
    series: memory.map(({ name, rss }) => ({
      label: name,
      mark: 'line' as const,
      points: rss.map(([seconds, bytes]) => [seconds, megabytes(bytes)] as const),
    })),
  });
}
