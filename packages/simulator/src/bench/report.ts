/** The timings as a table for the terminal, as a document, and as results/simulator.md with its plot. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { type Chart, sideBySide } from '@slackline/plot';
import type { Case } from './cases.js';
import type { Timing } from './measure.js';

export interface Document {
  policy: string;
  /** Simulated queries per second of wall time at 8 workers and 6,400 queries a second, on one core. */
  queriesPerSAt8Workers: number;
  timings: readonly Timing[];
  machine: { cpu: string; cores: number; memoryGiB: number; node: string };
  quick: boolean;
}

export function machine(): Document['machine'] {
  const [first, ...others] = cpus();
  const memoryGiB = Math.round(totalmem() / 2 ** 30);
  return { cpu: first?.model.trim() ?? 'unknown', cores: others.length + 1, memoryGiB, node: process.version };
}

/** Simulated queries per second of wall time, at 8 workers. */
const goal = 300_000;
const titles: Record<Case['series'], string> = {
  workers: 'More workers, 800 queries/s for each (at most 1,000,000)',
  load: 'More load, 1,000 workers',
  queue: 'A longer queue, 64 workers',
};
const head = [
  'workers',
  'queries/s',
  'mean queue',
  'batch',
  'attainment',
  'simulated per s',
  'slowest–fastest',
  'per processor s',
  'us per decision',
];
const whole = (value: number) => Math.round(value).toLocaleString('en-US');

function rowOf({
  workers,
  ratePerS,
  meanQueue,
  meanBatch,
  attainment,
  queriesPerS,
  queriesPerProcessorS,
  perDecisionUs,
}: Timing): string[] {
  const { median, least, most } = queriesPerS;
  const times = [
    whole(median),
    `${whole(least)}–${whole(most)}`,
    whole(queriesPerProcessorS),
    perDecisionUs.toFixed(1),
  ];
  return [
    ...[whole(workers), ratePerS === 0 ? 'as many as served' : whole(ratePerS), whole(meanQueue), meanBatch.toFixed(1)],
    attainment.toFixed(4),
    ...times,
  ];
}

/** For the terminal. */
export function text({ timings }: Document): string {
  const rows = [head, ...timings.map(rowOf)];
  const widths = head.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows.map((row) => row.map((cell, i) => cell.padStart(widths[i] ?? 0)).join('  ')).join('\n');
}

/** Writes simulator.md and its plot. */
export function writeReport(folder: string, document: Document): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'simulator.svg'), plot(document.timings));
  writeFileSync(join(folder, 'simulator.md'), `${markdown(document)}\n`);
}

function markdown({ policy, timings, machine, quick, queriesPerSAt8Workers }: Document): string {
  const { cpu, cores, memoryGiB, node } = machine;
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const table = (series: Case['series']) => [
    `## ${titles[series]}`,
    '',
    line(head),
    line(head.map(() => '---:')),
    ...timings.filter((timing) => timing.series === series).map((timing) => line(rowOf(timing))),
    '',
  ];
  return [
    '# The simulator: speed',
    '',
    `Written by \`npm run bench:simulator -- --report results\`: do not edit. Measured on ${cpu}, ${cores} cores, ${memoryGiB} GiB; node ${node}.`,
    `Policy ${policy}, a limit of 36 ms, Poisson arrivals (seed 1), devices as in the profile of a V100${quick ? '; a quick run' : ''}.`,
    '',
    'A simulation runs on one core. *Simulated per s*: queries that were simulated per second of wall time, the median of',
    'the runs; *per processor s*: the same per second of processor time, garbage collection and compilation included; *us per',
    'decision*: the wall time over the decisions of the policy, so all that a simulation does for one.',
    '',
    line(['measure', 'value', 'goal', 'met']),
    line(['---', '---:', '---:', '---']),
    line([
      'simulated queries per second, 8 workers, 6,400 queries/s',
      whole(queriesPerSAt8Workers),
      `>= ${whole(goal)}`,
      queriesPerSAt8Workers >= goal ? 'yes' : 'no',
    ]),
    '',
    '![Simulated queries per second](simulator.svg)',
    '',
    ...table('workers'),
    ...table('load'),
    'In the last table the device has its smallest subnet alone, limits are far away, and as many queries arrive as the',
    'workers carry, so that the queue stays as long as it is at the beginning.',
    '',
    ...table('queue'),
  ]
    .join('\n')
    .trimEnd();
}

function plot(timings: readonly Timing[]): string {
  const chart = (series: Case['series'], x: string, value: (timing: Timing) => number): Chart => {
    const of = timings.filter((timing) => timing.series === series && value(timing) > 0);
    const line = (label: string, y: (timing: Timing) => number, faint = false) => ({
      label,
      faint,
      mark: 'line+points' as const,
      points: of.map((timing) => [value(timing), y(timing)] as const),
    });
    return {
      title: titles[series],
      x: { label: x, scale: 'log' },
      y: { label: 'thousand simulated queries per second', scale: 'log', min: 10, max: 1e4 },
      series: [
        line('median run', ({ queriesPerS }) => queriesPerS.median / 1e3),
        line('slowest', ({ queriesPerS }) => queriesPerS.least / 1e3, true),
        line('fastest', ({ queriesPerS }) => queriesPerS.most / 1e3, true),
      ],
      width: 560,
      height: 360,
    };
  };
  return sideBySide([
    chart('workers', 'workers', ({ workers }) => workers),
    chart('load', 'queries per second of simulated time', ({ ratePerS }) => ratePerS),
    chart('queue', 'queries waiting, mean', ({ meanQueue }) => meanQueue),
  ]);
}
