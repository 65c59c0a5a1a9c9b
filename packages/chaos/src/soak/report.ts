/** A soak as a page: the verdict with its evidence, the rounds, what each process took, and the faults, over time. */
import { type Chart, type Series, type Shade, sideBySide } from '@slackline/plot';
import { counted } from '../count.js';
import { faultName } from '../plan/series.js';
import type { ProcessLife } from '../watch/watch.js';
import { endsOf } from './levels.js';
import { mebibytes, slopesOf } from './memory.js';
import type { SoakRun } from './run.js';
import { missingOf, type SoakVerdict } from './verdict.js';

/** Where it ran, in words. */
export interface SoakSurroundings {
  machine: string;
  command: string;
  /** File name of the plot, beside the page. */
  plot: string;
}

const chartSize = { width: 900, height: 300 };
const quietColor = '#2f9e6e';

/** Markdown. */
export function soakReport(run: SoakRun, { verdict, checks }: SoakVerdict, where: SoakSurroundings): string {
  const { minutes, seed, workers, schedulers, ingests, rate, producers } = run.options;
  const faults = run.faults.filter(({ error }) => error === null);
  const parts = [
    '# Soak',
    `Written by \`${where.command}\`: do not edit. Seed ${seed}; ${where.machine}; nats-server ${run.natsVersion}.`,
    `${counted(minutes, 'minute')}: ${counted(workers, 'emulated worker')}, ${counted(schedulers, 'scheduler')}, ${counted(ingests, 'ingest')}, streams in files; ` +
      `${rate} queries a second from ${counted(producers, 'producer')} at a time, ${run.producersCame} in all; ${counted(faults.length, 'fault')}.`,
    `**Verdict: ${verdict}.**`,
    `![Memory and file descriptors of each process, with faults in grey and quiet windows in green](${where.plot})`,
    '## What must hold',
    table(
      ['', 'check', 'evidence'],
      checks.map(({ name, state, evidence }) => [state, name, evidence.map(escaped).join('<br>')]),
    ),
    '## Rounds',
    rounds(run),
    'The first row is the warm-up, which has no faults. `missing`: accepted, and without an outcome that a producer saw; only ' +
      'a broker that is killed may take an answer along that it had not passed on. `second`: outcomes that were published ' +
      'again, which the client drops.',
    '## Faults',
    faultTable(run),
    '## Processes',
    processTable(run),
    'In MiB: the heap is what is left on it and beside it after a collection of all garbage, resident memory is a median, both ' +
      'in a quiet window, the first and the last one. What they grow by in a minute is the slope of a least-squares line ' +
      'through all windows but the first, for lives that saw four of them or more.',
  ];
  return `${parts.join('\n\n')}\n`;
}

function rounds(run: SoakRun): string {
  const head = [
    'round',
    'sent',
    'accepted',
    'ok',
    'late',
    'expired',
    'failed',
    'missing',
    'stored',
    'refused',
    'second',
  ];
  const rows = run.rounds.map((round, index) => {
    const { books, accepted } = round;
    const { ok, late, expired, failed } = books.outcomes;
    const refused = Object.values(books.refused).reduce((sum, count) => sum + count, 0);
    const counts = [books.sent, accepted, ok, late, expired, failed, missingOf(round), books.stored, refused];
    return [String(index), ...counts.map(String), String(books.secondAnswers)];
  });
  return table(head, rows, true);
}

/** How often each kind was done, and how long it took until the process was whole again. */
function faultTable({ faults }: SoakRun): string {
  const kinds = [...new Set(faults.map(({ planned }) => faultName(planned)))].sort();
  const rows = kinds.map((kind) => {
    const these = faults.filter(({ planned, error }) => faultName(planned) === kind && error === null);
    const led = these.filter((fault) => fault.led).length;
    const whole = these.flatMap(({ atMs, wholeAtMs }) => (wholeAtMs === null ? [] : [wholeAtMs - atMs]));
    const most = whole.length === 0 ? '–' : (Math.max(...whole) / 1_000).toFixed(1);
    return [kind, String(these.length), kind.includes('scheduler') ? String(led) : '–', most];
  });
  return table(['fault', 'times', 'of these the leader', 'longest, seconds'], rows);
}

function processTable(run: SoakRun): string {
  const ends = endsOf(run.quiets);
  if (ends === undefined) return 'The soak was ended before its second quiet window.';
  const slopes = slopesOf(run.quiets);
  const rows = ends.after.processes.map((now) => {
    const then = ends.before.processes.find(({ name }) => name === now.name);
    const lives = run.lives.filter(({ name }) => name === now.name);
    const most = Math.max(...lives.flatMap(({ samples }) => samples.map(({ rssBytes }) => rssBytes ?? 0)));
    const slope = slopes.find(({ pid }) => pid === now.pid);
    return [
      ...[now.name, String(lives.length), memory(then?.heapBytes), memory(now.heapBytes), memory(slope?.heapBytes, 2)],
      ...[memory(then?.rssBytes), memory(now.rssBytes), memory(most), memory(slope?.rssBytes, 2)],
      ...[String(then?.fds ?? '–'), String(now.fds ?? '–')],
    ];
  });
  const head = [
    ...['process', 'lives', 'heap before', 'after', 'a minute'],
    ...['resident before', 'after', 'most', 'a minute', 'files before', 'after'],
  ];
  return table(head, rows);
}

const memory = (bytes: number | undefined, digits = 0) => (bytes === undefined ? '–' : mebibytes(bytes, digits));

/** Memory and file descriptors of every process over time. */
export function soakPlot(run: SoakRun): string {
  const shades: Shade[] = [
    ...run.faults.flatMap(({ atMs, wholeAtMs, error }) =>
      error === null ? [{ from: atMs / 1_000, to: (wholeAtMs ?? atMs) / 1_000 }] : [],
    ),
    ...run.quiets.map(({ fromMs, toMs }) => ({ from: fromMs / 1_000, to: toMs / 1_000, color: quietColor })),
  ];
  const x = { label: 'seconds', min: 0, max: run.elapsedMs / 1_000 };
  const memory = seriesOf(run.lives, ({ rssBytes }) => (rssBytes === undefined ? undefined : rssBytes / 1024 / 1024));
  const files = seriesOf(run.lives, ({ fds }) => fds);
  const charts: Chart[] = [
    { ...chartSize, title: 'Resident memory', x, y: { label: 'MiB', min: 0 }, series: memory, shades, legend: false },
    {
      ...chartSize,
      title: 'Open file descriptors',
      x,
      y: { label: 'files', min: 0 },
      series: files,
      shades,
      legend: false,
    },
  ];
  return sideBySide(charts, { columns: 1, title: 'A system under mixed load and random faults', commonLegend: true });
}

/** One line for each life, in the colour of its role. */
function seriesOf(
  lives: readonly ProcessLife[],
  figure: (sample: ProcessLife['samples'][number]) => number | undefined,
): Series[] {
  const roles = [...new Set(lives.map(({ name }) => roleOf(name)))];
  return lives.map((life) => ({
    label: roleOf(life.name),
    mark: 'line' as const,
    color: colors[roles.indexOf(roleOf(life.name)) % colors.length] ?? '#000000',
    faint: true,
    points: life.samples.flatMap((sample) => {
      const value = figure(sample);
      return value === undefined ? [] : [[sample.atMs / 1_000, value] as const];
    }),
  }));
}

/** Okabe and Ito's. */
const colors = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00'];
const roleOf = (name: string) => name.replace(/-\d+$/, '');

function table(head: readonly string[], rows: readonly (readonly string[])[], numbers = false): string {
  const rule = head.map((_, column) => (numbers || isNumber(rows, column) ? '---:' : '---'));
  return [head, rule, ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

const isNumber = (rows: readonly (readonly string[])[], column: number) =>
  rows.every((row) => /^[−–\d.-]+$/.test(row[column] ?? ''));
const escaped = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
