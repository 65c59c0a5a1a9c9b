/** The results of simulations as a table, as a document, and as a plot over time. */
import { type Chart, type Rule, type Series, sideBySide } from '@slackline/plot';
import type { SimulationResult, Window } from '@slackline/simulator';
import { textTable } from '../models/table.js';
import { shortName } from '../traces/show.js';
import { grouped, percent } from '../view/text.js';
import type { Scenario } from './run.js';

const head = ['policy', 'attainment', 'accuracy', 'effective', 'late', 'expired', 'failed', 'p50', 'p99', 'batch'];

/** For a person. */
export function simulateText(scenario: Scenario, results: readonly SimulationResult[]): string {
  const { trace } = scenario;
  const seconds = trace.durationMs / 1_000;
  const queries = trace.arrivalsMs.length;
  const load = `${trace.name}: ${grouped(queries)} queries in ${seconds} s, ${grouped(Math.round(queries / seconds))} a second`;
  const rows = results.map((result) => [
    result.policy,
    percent(result.attainment, 3),
    percent(result.meanAccuracy),
    percent(result.effectiveAccuracy),
    ...[result.late, result.expired, result.failed].map(grouped),
    ...[result.latencyMs.p50, result.latencyMs.p99].map((ms) => `${ms.toFixed(1)} ms`),
    result.meanBatch.toFixed(1),
  ]);
  return `Simulated. ${load}; ${poolText(scenario)}.\n\n${textTable([head, ...rows])}`;
}

/** `8 × emulated-v100, of which 2 die`. */
function poolText({ workers, events }: Scenario): string {
  const devices = workers.map(({ count, deviceClass }) => `${count} × ${deviceClass}`).join(', ');
  return events.length === 0 ? devices : `${devices}, of which ${events.length} die`;
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

/** Beyond so many, the names of those that die lie over each other. */
const mostNamedDeaths = 8;

/** Load, attainment, accuracy and batches over time, with a rule where a worker dies. */
export function simulateSvg(scenario: Scenario, results: readonly SimulationResult[]): string {
  const { trace, events } = scenario;
  const isNamed = events.length <= mostNamedDeaths;
  const rules = events.map(({ atMs }): Rule => ({ axis: 'x', at: atMs / 1_000 }));
  const namedRules = rules.map((rule, i) => ({ ...rule, label: `worker ${events[i]?.worker} dies` }));
  const overTime = (title: string, y: Chart['y'], series: readonly Series[]): Chart => ({
    title,
    x: { label: 'time (s)', min: 0, max: trace.durationMs / 1_000 },
    y,
    series,
    rules,
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
  const charts = [
    overTime('Arrivals, and answers in time', { label: 'queries/s' }, [...lines(perSecond('ok')), arrivals]),
    overTime(
      'SLO attainment of the queries that arrived',
      { label: '%', limit: 100 },
      lines(({ attainment }) => scaled(attainment)),
    ),
    overTime(
      'Mean accuracy of the answers in time',
      { label: 'top-1 (%)', limit: 100 },
      lines(({ meanAccuracy }) => scaled(meanAccuracy)),
    ),
    overTime(
      'Queries per batch',
      { label: 'queries' },
      lines(({ meanBatch }) => meanBatch),
    ),
  ];
  // Once is enough: names lie over what is drawn.
  const [arrived, ...others] = charts;
  const named = arrived === undefined ? charts : [{ ...arrived, rules: isNamed ? namedRules : rules }, ...others];
  return sideBySide(named, { title: `${shortName(trace, 80)}; ${poolText(scenario)}` });
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
