/** The results of simulations as a table, as a document, and as a plot over time. */
import { type Chart, type Series, sideBySide } from '@slackline/plot';
import type { SimulationResult, Window } from '@slackline/simulator';
import { textTable } from '../models/table.js';
import { grouped, percent } from '../view/text.js';
import type { Scenario } from './run.js';

const head = ['policy', 'attainment', 'accuracy', 'effective', 'late', 'expired', 'failed', 'p50', 'p99', 'batch'];

/** For a person. */
export function simulateText(scenario: Scenario, results: readonly SimulationResult[]): string {
  const { trace, workers, events } = scenario;
  const seconds = trace.durationMs / 1_000;
  const queries = trace.arrivalsMs.length;
  const load = `${trace.name}: ${grouped(queries)} queries in ${seconds} s, ${grouped(Math.round(queries / seconds))} a second`;
  const devices = workers.map(({ count, deviceClass }) => `${count} × ${deviceClass}`).join(', ');
  const deaths = events.length === 0 ? '' : `, of which ${events.length} die`;
  const rows = results.map((result) => [
    result.policy,
    percent(result.attainment, 3),
    percent(result.meanAccuracy),
    percent(result.effectiveAccuracy),
    ...[result.late, result.expired, result.failed].map(grouped),
    ...[result.latencyMs.p50, result.latencyMs.p99].map((ms) => `${ms.toFixed(1)} ms`),
    result.meanBatch.toFixed(1),
  ]);
  return `Simulated. ${load}; ${devices}${deaths}.\n\n${textTable([head, ...rows])}`;
}

/** For a program. What differs from run to run is left out. */
export function simulateDocument({ trace, models, workers, events }: Scenario, results: readonly SimulationResult[]) {
  return {
    trace: { name: trace.name, queries: trace.arrivalsMs.length, seconds: trace.durationMs / 1_000 },
    models: models.map(({ name, sloMs }) => ({ name, sloMs })),
    workers,
    events,
    results: results.map(({ wallMs: _, ...result }) => result),
  };
}

/** Load, attainment, accuracy and batches over time. */
export function simulateSvg(results: readonly SimulationResult[]): string {
  const overTime = (title: string, y: string, series: readonly Series[]): Chart => ({
    title,
    x: { label: 'time (s)', min: 0 },
    y: { label: y },
    series,
    width: 560,
    height: 360,
  });
  const lines = (value: (window: Window, windowMs: number) => number | null): Series[] =>
    results.map(({ policy, windows, windowMs }) => ({
      label: policy,
      mark: 'line',
      points: points(windows, windowMs, value),
    }));
  const [first] = results;
  // Last, so that a policy has the same colour in every chart.
  const arrivals: Series = {
    label: 'arrivals',
    mark: 'line',
    color: '#57606a',
    points: points(first?.windows ?? [], first?.windowMs ?? 1_000, perSecond('arrivals')),
  };
  return sideBySide([
    overTime('Arrivals, and answers in time', 'queries/s', [...lines(perSecond('ok')), arrivals]),
    overTime(
      'SLO attainment of the queries that arrived',
      '%',
      lines(({ attainment }) => scaled(attainment)),
    ),
    overTime(
      'Mean accuracy of the answers in time',
      'top-1 (%)',
      lines(({ meanAccuracy }) => scaled(meanAccuracy)),
    ),
    overTime(
      'Queries per batch',
      'queries',
      lines(({ meanBatch }) => meanBatch),
    ),
  ]);
}

const perSecond = (column: 'arrivals' | 'ok') => (window: Window, windowMs: number) =>
  (window[column] * 1_000) / windowMs;
const scaled = (share: number | null) => (share === null ? null : share * 100);

function points(
  windows: readonly Window[],
  windowMs: number,
  value: (window: Window, windowMs: number) => number | null,
): [number, number][] {
  return windows.map((window) => [window.atMs / 1_000, value(window, windowMs) ?? Number.NaN]);
}
