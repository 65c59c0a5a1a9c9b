/** A build's report for people: Markdown with tables, and a picture of what was measured. */
import { type Chart, sideBySide } from '@slackline/plot';
import type { BuildOutcome } from './build-subnets.js';
import type { BuildReport, SeedComparison } from './report.js';

/** The report of `model`. `picture` is the file that the picture will be in; `machine` names where it was made. */
export function reportText(model: string, outcome: BuildOutcome, picture: string, machine: string): string {
  const { report } = outcome;
  const { measured, survivors, work } = report;
  return `${[
    `# The search of ${model}`,
    `![What was measured, and how well it was predicted](${picture})`,
    `${measured.length} of ${report.configurations} configurations were measured on a part of the data, ` +
      `${survivors.length} of these on all of it; ${outcome.subnets.length} are kept. Seed ${report.seed}. ` +
      `${work.forwardRows} rows went through the network: ${work.cpuSeconds} s of processor time, ` +
      `${work.wallSeconds} s on ${work.threads} threads, on ${machine}.`,
    `The front covers ${report.hypervolume.toFixed(4)} of the rectangle between the smallest and the largest subnet ` +
      `(held-out accuracy up to 1, over the logarithm of ${costName(report)}).`,
    '## What is kept',
    keptTable(outcome),
    '## How good the predictors are',
    predictorTable(report),
    ...(report.comparison === undefined ? [] : ['## Against uniform sampling', comparisonText(report)]),
  ].join('\n\n')}\n`;
}

/** The picture of a report, as SVG. */
export function reportPicture(model: string, { subnets, report }: BuildOutcome): string {
  const charts = [frontChart(model, subnets, report), accuracyChart(report), latencyChart(report), seedChart(report)];
  return sideBySide(charts.filter((chart) => chart !== undefined));
}

function keptTable({ subnets }: BuildOutcome): string {
  const rows = subnets.map(({ id, macs, latencyMs, heldOutAccuracy, accuracy }) => [
    `\`${id}\``,
    latencyMs === undefined ? '' : latencyMs.toFixed(3),
    (macs / 1e6).toFixed(2),
    percent(heldOutAccuracy),
    percent(accuracy),
  ]);
  return table(
    ['subnet', 'predicted ms for a row', 'M multiply-accumulates', 'held-out accuracy', 'test accuracy'],
    rows,
  );
}

function predictorTable({ latency, accuracy, measured }: BuildReport): string {
  const rows: string[][] = [];
  if (latency !== undefined) {
    const { error } = latency;
    rows.push(['latency, in ten folds', `${error.samples}`, `${percent(error.mape)} of it`, error.tau.toFixed(3)]);
  }
  if (accuracy.crossValidated !== undefined) {
    const { samples, mae, tau } = accuracy.crossValidated;
    rows.push(['accuracy, in ten folds', `${samples}`, `${(100 * mae).toFixed(2)} points`, tau.toFixed(3)]);
  }
  if (accuracy.picked !== undefined) {
    const { samples, mae, tau } = accuracy.picked;
    rows.push([
      'accuracy, of picks before they were measured',
      `${samples}`,
      `${(100 * mae).toFixed(2)} points`,
      tau.toFixed(3),
    ]);
  }
  const drawn = measured.filter(({ predicted }) => predicted === undefined).length;
  const note = `The first ${drawn} were drawn uniformly. A fold is predicted by a fit to the other nine. Tau is Kendall's: 1 in perfect order.`;
  return `${table(['predictor', 'subnets', 'mean absolute error', 'tau'], rows)}\n\n${note}`;
}

function comparisonText({ comparison = [], measured }: BuildReport): string {
  const rows = comparison.map(({ seed, search, uniform }) => {
    return [seed, search.heldOut, uniform.heldOut, search.test, uniform.test].map((value, i) => {
      return i === 0 ? `${value}` : value.toFixed(4);
    });
  });
  const better = comparison.filter(({ search, uniform }) => search.heldOut >= uniform.heldOut).length;
  const onTest = comparison.filter(({ search, uniform }) => search.test >= uniform.test).length;
  const headings = ['seed', 'search, held-out', 'uniform, held-out', 'search, test', 'uniform, test'];
  return [
    `${measured.length} measurements each, the same number of survivors measured in full. Share of the rectangle that the ` +
      `front covers, by the accuracies it was chosen by and by those on the test inputs, which chose nothing:`,
    table(headings, rows),
    `The search is not worse for ${better} of ${comparison.length} seeds on the held-out inputs, and for ${onTest} on the test inputs.`,
  ].join('\n\n');
}

function frontChart(model: string, subnets: BuildOutcome['subnets'], report: BuildReport): Chart {
  const points = (rated: readonly { cost: number; accuracy: number }[]) => {
    return rated.map(({ cost, accuracy }): [number, number] => [cost, 100 * accuracy]);
  };
  const drawn = report.measured.filter(({ predicted }) => predicted === undefined);
  const picked = report.measured.filter(({ predicted }) => predicted !== undefined);
  const kept = subnets.map(({ macs, latencyMs, heldOutAccuracy }): [number, number] => [
    latencyMs ?? macs,
    100 * heldOutAccuracy,
  ]);
  const uniform = report.comparison?.[0]?.uniformFront;
  return {
    title: `Subnets of ${model}`,
    x: { label: costName(report), scale: 'log' },
    y: { label: 'held-out accuracy (%)' },
    series: [
      { label: 'drawn uniformly', faint: true, color: '#8b93a1', points: points(drawn) },
      { label: 'picked by the search', faint: true, color: '#d55e00', points: points(picked) },
      ...(uniform === undefined
        ? []
        : [{ label: 'front of uniform sampling', mark: 'steps' as const, color: '#009e73', points: points(uniform) }]),
      { label: 'kept', mark: 'steps+points', color: '#0072b2', points: kept },
    ],
  };
}

function accuracyChart({ measured }: BuildReport): Chart {
  const picked = measured.flatMap(({ predicted, accuracy }): [number, number][] => {
    return predicted === undefined ? [] : [[100 * predicted, 100 * accuracy]];
  });
  return {
    title: 'Accuracy of picks, before and after measuring',
    x: { label: 'predicted (%)' },
    y: { label: 'measured (%)' },
    series: [
      { label: 'subnets', points: picked },
      { label: 'equal', mark: 'line', color: '#8b93a1', points: diagonal(picked.flat()) },
    ],
  };
}

function latencyChart({ latency }: BuildReport): Chart | undefined {
  if (latency === undefined) return undefined;
  const timed = latency.timed.map(({ predictedMs, measuredMs }): [number, number] => [predictedMs, measuredMs]);
  return {
    title: `Latency of ${latency.rows} rows, in ten folds`,
    x: { label: 'predicted (ms)', scale: 'log' },
    y: { label: 'measured (ms)', scale: 'log' },
    series: [
      { label: 'subnets', points: timed },
      { label: 'equal', mark: 'line', color: '#8b93a1', points: diagonal(timed.flat()) },
    ],
  };
}

function seedChart({ comparison }: BuildReport): Chart | undefined {
  if (comparison === undefined) return undefined;
  const of = (value: (one: SeedComparison) => number) => {
    return comparison.map((one): [number, number] => [one.seed, value(one)]);
  };
  return {
    title: 'Hypervolume by seed',
    x: { label: 'seed' },
    y: { label: 'share of the rectangle' },
    series: [
      { label: 'search, held-out', points: of(({ search }) => search.heldOut) },
      { label: 'uniform, held-out', points: of(({ uniform }) => uniform.heldOut) },
      { label: 'search, test', color: '#56b4e9', points: of(({ search }) => search.test) },
      { label: 'uniform, test', color: '#e69f00', points: of(({ uniform }) => uniform.test) },
    ],
  };
}

function diagonal(values: readonly number[]): [number, number][] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return [
    [low, low],
    [high, high],
  ];
}

function costName({ cost }: BuildReport): string {
  return cost === 'latency' ? 'predicted latency of a row (ms)' : 'multiply-accumulates of a row';
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  return [headings, headings.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
