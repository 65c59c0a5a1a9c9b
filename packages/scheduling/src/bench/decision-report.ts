/** The benchmark's figures as lines, as results/decision.md and as its plot. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sideBySide } from '@slackline/plot';
import { defaultPolicy } from '../policies/registry.js';
import type { HeapTimes } from './heaps.js';

/** What was measured. */
export interface Cell {
  readonly policy: string;
  readonly queued: number;
  readonly workers: number;
  /** Whether queries differ in minimum accuracy and priority, on a front of 64 subnets. */
  readonly mixed: boolean;
}

export interface Measured extends Cell {
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
}

export interface DecisionDocument {
  /** Per cell. */
  readonly decisions: number;
  readonly usual: { readonly queued: number; readonly workers: number };
  readonly quick: boolean;
  readonly machine: string;
  readonly jitter: { readonly p50Us: number; readonly p99Us: number };
  readonly plain: readonly Measured[];
  readonly mixed: readonly Measured[];
  readonly heaps: readonly HeapTimes[];
}

const goalUs = 20;
const count = (value: number) => value.toLocaleString('en-US');
const us = (value: number) => value.toFixed(1);

export function printed({ policy, queued, workers, mixed, p50Us, p99Us, p999Us }: Measured): string {
  const what = `${policy.padEnd(16)}${count(queued).padStart(10)} queued ${count(workers).padStart(7)} workers`;
  const times = [p50Us, p99Us, p999Us].map((value) => us(value).padStart(8)).join('');
  return `${what}${mixed ? ' mixed' : '      '}${times} us (p50, p99, p99.9)`;
}

/** Writes decision.md and decision.svg. */
export function writeReport(folder: string, document: DecisionDocument): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'decision.svg'), plot(document));
  writeFileSync(join(folder, 'decision.md'), `${markdown(document)}\n`);
}

function plot({ plain, usual }: DecisionDocument): string {
  const policies = [...new Set(plain.map(({ policy }) => policy))];
  const chart = (title: string, label: string, x: 'queued' | 'workers', held: 'queued' | 'workers') => ({
    title,
    x: { label, scale: 'log' as const },
    y: { label: 'p99 of a decision (µs)', min: 0 },
    series: policies.map((policy) => ({
      label: policy,
      mark: 'line+points' as const,
      points: plain
        .filter((cell) => cell.policy === policy && cell[held] === usual[held])
        .map((cell) => [cell[x], cell.p99Us] as const)
        .sort((a, b) => a[0] - b[0]),
    })),
  });
  return sideBySide([
    chart(`By queue (${usual.workers} workers)`, 'queries waiting', 'queued', 'workers'),
    chart(`By pool (${count(usual.queued)} queries waiting)`, 'workers', 'workers', 'queued'),
  ]);
}

function markdown({ decisions, usual, quick, machine, jitter, plain, mixed, heaps }: DecisionDocument): string {
  const policies = [...new Set(plain.map(({ policy }) => policy))];
  const ofDefault = plain
    .filter(({ policy, queued }) => policy === defaultPolicy && queued === usual.queued)
    .sort((a, b) => a.workers - b.workers);
  const worst = Math.max(...plain.filter(({ queued }) => queued === usual.queued).map(({ p99Us }) => p99Us));
  const cellOf = (cells: readonly Measured[]) => (policy: string, queued: number, workers: number) => {
    const cell = cells.find((each) => each.policy === policy && each.queued === queued && each.workers === workers);
    return cell === undefined ? '' : [cell.p50Us, cell.p99Us, cell.p999Us].map(us).join(' / ');
  };
  const plainOf = cellOf(plain);
  const mixedOf = cellOf(mixed);
  const sizes = [...new Set(plain.map(({ queued }) => queued))];
  const pools = [...new Set(plain.map(({ workers }) => workers))].sort((a, b) => a - b);
  return [
    '# What a decision costs',
    '',
    `Written by \`npm run bench:decision -- ${quick ? '--quick ' : ''}--report results\`: do not edit. Measured on ${machine}.`,
    '',
    `Goal: 99 in 100 decisions within ${goalUs} µs at ${count(usual.queued)} waiting queries. The default policy, by pool of workers:`,
    `${ofDefault.map(({ workers, p99Us }) => `${us(p99Us)} µs at ${count(workers)}`).join(', ')}. The worst policy and pool: ${us(worst)} µs.`,
    '',
    'A sample is one call of `Dispatcher.run` with one worker free and a backlog: expiry, the view, the policy (guarded),',
    'and the batch taken out of the queue, up to 16 queries. The slack of the most urgent query goes up and down between what',
    'the fastest answer takes and 60 ms; deadlines of new queries are random within a second or more, so that the backlog can',
    'be carried and nothing is shed or expires. Refilling the queue and completing the batch before',
    `it are not in the sample. Each cell is ${count(decisions)} decisions after a warm-up, in one process; pauses of the`,
    'garbage collector and whatever else runs on the machine are in, and show at p99.9. How unsteady the machine itself is: the',
    `same loop of arithmetic, timed as often, took ${us(jitter.p50Us)} µs in the median and ${us(jitter.p99Us)} µs at the 99th percentile.`,
    '',
    '![p99 by queue and by pool](decision.svg)',
    '',
    `## By queries waiting (${usual.workers} workers; p50 / p99 / p99.9 in µs)`,
    '',
    ...grid(
      ['policy', ...sizes.map(count)],
      policies.map((policy) => [policy, ...sizes.map((queued) => plainOf(policy, queued, usual.workers))]),
    ),
    '',
    `## By workers (${count(usual.queued)} queries waiting)`,
    '',
    ...grid(
      ['policy', ...pools.map(count)],
      policies.map((policy) => [policy, ...pools.map((workers) => plainOf(policy, usual.queued, workers))]),
    ),
    '',
    '## Many minima and all priority classes',
    '',
    `${count(usual.queued)} queries, ${usual.workers} workers, a front of 64 subnets; each query asks for one of 64 minima and`,
    'has one of three classes. Proteus decides without a plan here; above it follows one.',
    '',
    ...grid(
      ['policy', 'p50 / p99 / p99.9'],
      policies.map((policy) => [policy, mixedOf(policy, usual.queued, usual.workers)]),
    ),
    '',
    '## The heap',
    '',
    'Median time to take 16 queries out, and to put 16 in: the heap of this repository (keys in one typed array, four children',
    'a node) with its first few sorted in front, as queues use it; the same without; and tinyqueue, whose comparisons follow',
    'pointers. The front moves work from taking, which decisions wait for, to putting in.',
    '',
    ...grid(
      ['queries waiting', ...(heaps[0]?.heaps ?? []).map(({ name }) => `${name}: take / put (µs)`)],
      heaps.map(({ queued, heaps: times }) => [
        count(queued),
        ...times.map(({ takeUs, putUs }) => `${us(takeUs)} / ${us(putUs)}`),
      ]),
    ),
  ].join('\n');
}

function grid(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), `|${head.map((_, i) => (i === 0 ? '---' : '---:')).join('|')}|`, ...rows.map(line)];
}
