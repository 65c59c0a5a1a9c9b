/** A trace as a person reads it, as a program does, and as a picture. */
import { type Chart, toSvg } from '@slackline/plot';
import { noModel, priorityNames, ratesOf, summarize, type Trace } from '@slackline/traces';
import { textTable } from '../models/table.js';
import { grouped, sparkline } from '../view/text.js';

const mostPoints = 400;
const sparks = 60;
/** Window lengths that are easy to read off. */
const steps = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 600, 3_600, 21_600];

/** For a person: a few lines and the rate over time. */
export function showText(trace: Trace): string {
  const { queries, seconds, meanRate, peakRate, peakOverMean, gapCv2, dispersion } = summarize(trace);
  const curve = ratesOf(trace, trace.durationMs / sparks);
  const most = curve.reduce((a, b) => Math.max(a, b), 0);
  const peak = peakOverMean === null ? '' : `, ${short(peakRate)}/s in the fullest second (${short(peakOverMean)}x)`;
  const counts = dispersion.map(({ windowMs, index }) => `${short(index)} in ${window(windowMs)}`);
  const rows = [
    ['queries', `${grouped(queries)} in ${short(seconds)} s`],
    ['rate', `${short(meanRate)}/s in the mean${peak}`],
    ['gaps', gapCv2 === null ? 'too few' : `CV² ${short(gapCv2)} (0 evenly spaced, 1 poisson, more is burstier)`],
    ['counts', counts.length === 0 ? 'too short to say' : `variance / mean ${counts.join(', ')}`],
    ...columnRows(trace),
    ['over time', `${sparkline([...curve], 0, Math.max(most, 1))} up to ${short(most)}/s`],
  ];
  const lines = rows.map(([name = '', text]) => `  ${name.padEnd(11)}${text}\n`);
  const note = trace.note === undefined ? '' : `${trace.note}\n`;
  return `${trace.name}\n${note}${lines.join('')}${modelTable(trace)}`;
}

/** For a program. @param windowMs of the rates over time; chosen unless said otherwise */
export function showDocument(trace: Trace, windowMs = windowOf(trace)) {
  return {
    trace: trace.name,
    ...(trace.note !== undefined && { note: trace.note }),
    ...summarize(trace),
    ...(trace.models && { models: modelCounts(trace) }),
    rates: { windowMs, perSecond: [...ratesOf(trace, windowMs)] },
  };
}

/** The rate over time, with its mean. */
export function showSvg(trace: Trace, windowMs = windowOf(trace)): string {
  const { meanRate, seconds } = summarize(trace);
  const rates = [...ratesOf(trace, windowMs)];
  const points = rates.map((rate, i): [number, number] => [(i * windowMs) / 1_000, rate]);
  // The last step lasts as long as the others.
  const last = rates.at(-1);
  if (last !== undefined) points.push([(rates.length * windowMs) / 1_000, last]);
  const chart: Chart = {
    title: shortName(trace, 80),
    width: 900,
    height: 360,
    x: { label: 'seconds', min: 0, max: seconds },
    y: {
      label: `queries/s, in windows of ${window(windowMs)}`,
      min: 0,
      max: 1.05 * rates.reduce((a, b) => Math.max(a, b), 1),
    },
    series: [
      { label: 'rate', mark: 'steps', points },
      {
        label: `mean ${short(meanRate)}/s`,
        mark: 'line',
        points: [
          [0, meanRate],
          [seconds, meanRate],
        ],
      },
    ],
  };
  return toSvg(chart);
}

/** What has a place in a title: at most so many characters. */
export function shortName({ name }: Trace, most: number): string {
  return name.length <= most ? name : `${name.slice(0, most - 1)}…`;
}

function columnRows({ sloMs, minAccuracy, priority }: Trace): string[][] {
  const range = (name: string, values: Float64Array | undefined, unit: string) => {
    const known = values?.filter((value) => !Number.isNaN(value)) ?? new Float64Array();
    if (known.length === 0) return [];
    const [least, most] = [known.reduce((a, b) => Math.min(a, b)), known.reduce((a, b) => Math.max(a, b))];
    return [[name, least === most ? `${least}${unit}` : `${least} to ${most}${unit}`]];
  };
  const classes = priorityNames.map((name, place) => {
    const count = priority?.reduce((sum, value) => sum + (value === place ? 1 : 0), 0) ?? 0;
    return `${grouped(count)} ${name}`;
  });
  return [
    ...range('limit', sloMs, ' ms'),
    ...range('accuracy', minAccuracy, ' at least'),
    ...(priority === undefined ? [] : [['priority', classes.join(', ')]]),
  ];
}

function modelTable(trace: Trace): string {
  if (trace.models === undefined) return '';
  const rows = modelCounts(trace).map(({ model, queries }) => [`  ${model}`, grouped(queries)]);
  return `\n${textTable([['  model', 'queries'], ...rows])}`;
}

function modelCounts({ models = [], modelIndex = new Uint16Array() }: Trace): { model: string; queries: number }[] {
  const counts = models.map(() => 0);
  let none = 0;
  for (const index of modelIndex) {
    if (index === noModel) none++;
    else counts[index] = (counts[index] ?? 0) + 1;
  }
  const named = models.map((model, i) => ({ model, queries: counts[i] ?? 0 }));
  return none === 0 ? named : [...named, { model: '(any)', queries: none }];
}

function windowOf({ durationMs }: Trace): number {
  const seconds = durationMs / 1_000;
  return 1_000 * (steps.find((step) => seconds / step <= mostPoints) ?? seconds / mostPoints);
}

const window = (ms: number) => (ms < 1_000 ? `${short(ms)} ms` : `${short(ms / 1_000)} s`);

/** Three digits or more, without zeros at the end: `6,400`, `1.5`, `0.0123`. */
function short(value: number): string {
  return value.toLocaleString('en-US', value >= 100 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 });
}
