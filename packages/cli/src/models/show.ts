/** One model: its pareto front on every device class, as a table and as a plot of latency against accuracy. */

import { type Chart, toSvg } from '@slackline/plot';
import type { LatencyProfile } from '@slackline/shared';
import { percent } from '../view/text.js';
import type { ServedModel } from './catalog.js';
import { accuracyRange } from './list.js';
import { textTable } from './table.js';

/** For a person. */
export function showText({ entry, profiles }: ServedModel): string {
  const tensors = (list: typeof entry.inputs) =>
    list
      .map(({ name, datatype, shape }) => `${name} ${datatype} [${['rows', ...shape.slice(1)].join(', ')}]`)
      .join(', ');
  const facts = textTable(
    [
      ['model', entry.name],
      ['version', entry.digest],
      ['input', tensors(entry.inputs)],
      ['outputs', tensors(entry.outputs)],
      ['limit', `${entry.sloMs} ms where a query states none`],
      ['hosted', `${entry.subnets.length} subnets, ${accuracyRange(entry.subnets)}`],
    ].map(([name = '', value = '']) => [`${name.padEnd(8)}  ${value}`]),
  );
  if (profiles.length === 0) return `${facts}\nIts latency is not known on any device class yet.\n`;
  return `${facts}${profiles.map((profile) => `\n${profileText(profile)}`).join('')}`;
}

function profileText({ deviceClass, executor, concurrency, measuredAt, batches, subnets }: LatencyProfile): string {
  const how = `${executor}, ${concurrency} at once on a host, ${measuredAt}`;
  const rows = subnets.map(({ id, accuracy, p50Ms, p99Ms }) => [
    id,
    percent(accuracy, 2),
    ...batches.map((_, i) => `${digits(p50Ms[i])}/${digits(p99Ms[i])}`),
  ]);
  const head = ['subnet', 'accuracy', ...batches.map((batch) => `batch ${batch}`)];
  return `${deviceClass} (${how}): p50/p99 in ms\n${textTable([head, ...rows])}`;
}

/** Three digits that say something. */
function digits(ms: number | undefined): string {
  if (ms === undefined) return '–';
  return ms >= 100 ? ms.toFixed(0) : ms.toPrecision(3);
}

/** Latency against accuracy: for each device class the medians at the smallest and at the largest batch. */
export function showSvg({ entry, profiles }: ServedModel): string {
  const series = profiles.flatMap(({ deviceClass, batches, subnets }) =>
    [0, batches.length - 1]
      .filter((place, i, places) => places.indexOf(place) === i)
      .map((place) => ({
        label: `${deviceClass}, batch ${batches[place]}`,
        mark: 'steps+points' as const,
        points: subnets.map(({ accuracy, p50Ms }): [number, number] => [p50Ms[place] ?? 0, 100 * accuracy]),
      })),
  );
  const chart: Chart = {
    title: `${entry.name}, version ${entry.digest.slice(0, 8)}`,
    x: { label: 'latency of a batch, median (ms)', scale: 'log' },
    y: { label: 'accuracy (%)' },
    series,
  };
  return toSvg({ ...chart, width: 720, height: 460 });
}
