/** The live view as text: a pure function of what the producer and the scheduler report. */

import { type Figures, windowMs } from '@slackline/load';
import { answersOf } from '../document.js';
import { bar, bold, dim, grouped, type Line, percent, plain, type Style, sparkline } from './text.js';

/** What does not change during a run. */
export interface RunTitle {
  model: string;
  workers: number;
  executor: string;
  sloMs: number;
  /** Queries a second in the mean, and how they arrive. */
  rate: number;
  arrivals: string;
  seconds: number;
}

/** The scheduler's side, once a second. */
export interface SystemFigures {
  queued: number;
  inFlight: number;
  workers: number;
  workersLost: number;
  meanBatch: number;
}

const shownWindows = 60;
const shownSubnets = 6;
const barWidth = 36;

/** The whole view. */
export function runFrame(title: RunTitle, figures: Figures, system: SystemFigures | undefined): Line[] {
  const recent = figures.windows.slice(-shownWindows);
  const rates = recent.map((window) => (window.sent * 1_000) / windowMs);
  const attainments = recent.map((window) => ratio(window.ok, window.sent));
  const accuracies = recent.map((window) => ratio(window.accuracySum, window.ok));
  const least = Math.min(1, ...figures.subnets.map((subnet) => subnet.accuracy));
  const most = Math.max(0, ...figures.subnets.map((subnet) => subnet.accuracy));
  const { attainment, profiled, measured } = sums(figures);
  return [
    headline(title, figures),
    [],
    row('rate', `${grouped(Math.round(mean(rates.slice(-4))))}/s`, sparkline(rates, 0, Math.max(1, ...rates))),
    row('attainment', percent(attainment), sparkline(attainments, 0.5, 1), goodness(attainment)),
    row('accuracy', percent(profiled), sparkline(accuracies, least, most)),
    [label('  measured'), plain(percent(measured).padEnd(12)), dim('against the labels')],
    [
      label('latency'),
      plain(`p50 ${figures.latencyMs.p50.toFixed(1)} ms   p99 ${figures.latencyMs.p99.toFixed(1)} ms`),
    ],
    systemLine(title, system),
    outcomeLine(figures),
    [],
    ...subnetLines(figures),
  ];
}

/** The same in one line, for a log. */
export function runLine(title: RunTitle, figures: Figures, system: SystemFigures | undefined): string {
  const { attainment, profiled, measured } = sums(figures);
  const whole = figures.windows.slice(-3, -1).map((window) => (window.sent * 1_000) / windowMs);
  const sent = figures.windows.at(-1)?.sent ?? 0;
  const rate = whole.length > 0 ? mean(whole) : (sent * 1_000) / Math.max(1, figures.elapsedMs);
  const mix = [...figures.subnets]
    .sort((a, b) => b.answers - a.answers)
    .slice(0, 3)
    .map((subnet) => `${subnet.id} ${grouped(subnet.answers)}`);
  return [
    `${(figures.elapsedMs / 1_000).toFixed(0)}/${title.seconds} s`,
    `${grouped(Math.round(rate))}/s`,
    `attainment ${percent(attainment)}`,
    `accuracy ${percent(profiled)} (measured ${percent(measured)})`,
    `queue ${system?.queued ?? 0}`,
    `workers ${system?.workers ?? title.workers}`,
    mix.join(', '),
  ].join(' | ');
}

function sums(figures: Figures) {
  const { ok } = figures.outcomes;
  return {
    attainment: ratio(ok, answersOf(figures.outcomes) + figures.refused.overloaded),
    profiled: ratio(figures.accuracySum, ok),
    measured: ratio(figures.right, figures.checked),
  };
}

function headline(title: RunTitle, figures: Figures): Line {
  const elapsed = Math.min(title.seconds, figures.elapsedMs / 1_000);
  return [
    bold('Slackline '),
    plain(`${title.model} on ${title.workers} workers (${title.executor}), SLO ${title.sloMs} ms, `),
    plain(`${grouped(title.rate)}/s ${title.arrivals}`),
    dim(`   ${elapsed.toFixed(1)} of ${title.seconds} s`),
  ];
}

const label = (text: string) => dim(`  ${text.padEnd(13)}`);

function row(name: string, value: string, curve: string, style: Style = 'plain'): Line {
  return [label(name), { text: value.padEnd(12), style }, { text: curve, style: 'bar' }];
}

function goodness(attainment: number | null): Style {
  if (attainment === null) return 'plain';
  if (attainment >= 0.99) return 'good';
  return attainment >= 0.9 ? 'warn' : 'bad';
}

function systemLine(title: RunTitle, system: SystemFigures | undefined): Line {
  if (system === undefined) return [label('queue'), dim('–')];
  const line = [
    label('queue'),
    plain(`${grouped(system.queued)} waiting, ${grouped(system.inFlight)} in flight, `),
    plain(`mean batch ${system.meanBatch.toFixed(1)}, ${system.workers} of ${title.workers} workers`),
  ];
  return system.workersLost === 0 ? line : [...line, { text: `, ${system.workersLost} lost`, style: 'bad' }];
}

function outcomeLine(figures: Figures): Line {
  const { ok, late, expired, failed } = figures.outcomes;
  const counts = `${grouped(ok)} ok, ${grouped(late)} late, ${grouped(expired)} expired, ${grouped(failed)} failed`;
  return [
    label('outcomes'),
    plain(`${counts}, ${grouped(figures.refused.overloaded + figures.refused.other)} refused`),
  ];
}

/** The subnets that answer most, most accurate first. */
function subnetLines(figures: Figures): Line[] {
  const all = figures.subnets.reduce((sum, subnet) => sum + subnet.answers, 0);
  const shown = [...figures.subnets].sort((a, b) => b.answers - a.answers).slice(0, shownSubnets);
  shown.sort((a, b) => b.accuracy - a.accuracy);
  const width = Math.max(0, ...shown.map((subnet) => subnet.id.length));
  return shown.map((subnet) => [
    dim(`  ${subnet.id.padEnd(width)}  `),
    plain(`${percent(subnet.accuracy)}  ${percent(subnet.answers / all, 0).padStart(5)}  `),
    { text: bar(subnet.answers / all, barWidth), style: 'bar' },
  ]);
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : Math.min(1, part / whole);
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
