/** The plots of the main search: every step that was run, over its rate. */
import { type Series, toSvg } from '@slackline/plot';
import type { BusDocument } from '../document.js';
import type { Searched } from '../parts/highest.js';
import type { Step } from '../stage.js';

const colors = { slackline: '#0072b2', ceiling: '#6e7781' };

/** SVG by file name; none where nothing was searched. */
export function plotsOf(document: BusDocument): Record<string, string> {
  const parts = (['slackline', 'ceiling'] as const).flatMap((name) => {
    const part = document[name];
    return part !== undefined && 'steps' in part ? [{ name, searched: part }] : [];
  });
  if (parts.length === 0) return {};
  const rate = { label: 'queries a second', min: 0 };
  return {
    'attainment.svg': toSvg({
      title: `Not answered within ${document.run.sloMs} ms, over the rate`,
      x: rate,
      y: { label: `% of the queries (${leastMissed} stands for less, too)`, scale: 'log', min: leastMissed, max: 100 },
      series: parts.flatMap(({ name, searched }) => missed(name, searched)),
      rules: [{ axis: 'y', at: 0.1, label: 'attainment 99.9 %' }],
    }),
    'latency.svg': toSvg({
      title: 'Latency over the rate, by the producer’s clock',
      x: rate,
      y: { label: 'milliseconds', scale: 'log' },
      series: parts.flatMap(({ name, searched }) => latencies(name, searched)),
      rules: [{ axis: 'y', at: document.run.sloMs, label: `${document.run.sloMs} ms` }],
    }),
  };
}

/** In percent: what a logarithmic axis begins with. */
const leastMissed = 0.01;

/** Steps that count, and the short ones paler. */
function missed(name: keyof typeof colors, { steps }: Searched): Series[] {
  const points = (kind: Step['kind']) =>
    steps
      .filter((step) => step.kind === kind)
      .map(({ rate, attainment }) => [rate, Math.max(leastMissed, 100 * (1 - attainment))] as const);
  const color = colors[name];
  return [
    { label: name, color, points: points('step') },
    { label: `${name}, short probes`, color, faint: true, points: points('probe') },
  ];
}

/** The median of what was measured at each rate. */
function latencies(name: keyof typeof colors, { steps }: Searched): Series[] {
  const counting = steps.filter(({ kind }) => kind !== 'warm-up');
  const rates = [...new Set(counting.map(({ rate }) => rate))].sort((a, b) => a - b);
  const line = (which: 'p50' | 'p99') =>
    rates.map((rate) => {
      const values = counting.filter((step) => step.rate === rate).map(({ latencyMs }) => latencyMs[which]);
      return [rate, values.sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? Number.NaN] as const;
    });
  const color = colors[name];
  return [
    { label: `${name}, p50`, color, mark: 'line+points', points: line('p50') },
    { label: `${name}, p99`, color, mark: 'line+points', shape: 'triangle', points: line('p99') },
  ];
}
