/** What happens between deaths, as a table and as a plot over time. */
import { type Chart, type Rule, sideBySide } from '@slackline/plot';
import type { CellResult } from '../cells/cell.js';
import { paperWorkers } from '../cells/devices.js';
import { styleOf } from '../cells/policies.js';
import { percent, share } from '../report/numbers.js';
import type { Table } from '../report/report.js';

/** What is read of a window, simulated or live. */
type Counted = Pick<NonNullable<CellResult['windows']>[number], 'atMs' | 'arrivals' | 'ok' | 'meanAccuracy'>;

/** From one death to the next. */
export interface Phase {
  readonly workers: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly queries: number;
  readonly attainment: number;
  /** 0..1. */
  readonly accuracy: number;
}

/** Sums windows up between deaths. */
export function phasesOf(windows: readonly Counted[], killsAtMs: readonly number[], endMs: number): Phase[] {
  const bounds = [0, ...killsAtMs, endMs];
  return bounds.slice(1).map((toMs, i) => {
    const fromMs = bounds[i] ?? 0;
    const inside = windows.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
    const sum = (of: (window: Counted) => number) => inside.reduce((total, each) => total + of(each), 0);
    const [queries, ok] = [sum(({ arrivals }) => arrivals), sum((window) => window.ok)];
    const accuracy = sum((window) => (window.meanAccuracy ?? 0) * window.ok) / Math.max(1, ok);
    const attainment = queries === 0 ? 1 : ok / queries;
    return { workers: paperWorkers - i, fromMs, toMs, queries, attainment, accuracy };
  });
}

export function phaseTable(phases: readonly Phase[]): Table {
  return {
    head: ['workers', 'seconds', 'attainment', 'accuracy %'],
    rows: phases.map(({ workers, fromMs, toMs, attainment, accuracy }) => [
      String(workers),
      `${fromMs / 1_000} to ${toMs / 1_000}`,
      share(attainment, 5),
      percent(accuracy),
    ]),
  };
}

/** Attainment and accuracy over time, with the deaths. */
export function faultsPlot(
  results: readonly { label: string; windows: readonly Counted[] }[],
  killsAtMs: readonly number[],
): string {
  const rules = killsAtMs.map(
    (atMs, i): Rule => ({ axis: 'x', at: atMs / 1_000, ...(i === 0 && { label: 'a worker is killed' }) }),
  );
  const chart = (title: string, y: Chart['y'], value: (window: Counted) => number | null): Chart => ({
    ...{ title, y, rules },
    ...{ width: 760, height: 300 },
    x: { label: 'seconds', min: 0 },
    series: results.map(({ label, windows }) => ({
      label,
      mark: 'line' as const,
      color: styleOf(label).color,
      points: windows.flatMap((window) => {
        const at = value(window);
        return at === null ? [] : [[window.atMs / 1_000, at] as const];
      }),
    })),
  });
  const attained = ({ ok, arrivals }: Counted) => (arrivals === 0 ? null : ok / arrivals);
  const accuracy = ({ meanAccuracy }: Counted) => (meanAccuracy === null ? null : 100 * meanAccuracy);
  const least = Math.min(...results.flatMap(({ windows }) => windows.map((window) => attained(window) ?? 1)));
  return sideBySide(
    [
      chart('SLO attainment over time', { label: 'attainment', min: Math.min(0.95, least), max: 1.005 }, attained),
      chart('Accuracy over time', { label: 'accuracy (%)' }, accuracy),
    ],
    1,
  );
}
