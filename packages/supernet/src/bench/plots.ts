/** The plots of the report, by file name. */
import { type Chart, sideBySide, toSvg } from '@slackline/plot';
import type { Document } from './document.js';
import { BATCHES } from './ratios.js';

const MIB = 2 ** 20;

export function plots({ detail, memory }: Document): Record<string, string> {
  return {
    'subnetact-ratios.svg': sideBySide([ratios(detail.cells, 'steady'), ratios(detail.cells, 'alternating')], 2),
    'subnetact-throughput.svg': toSvg(throughput(detail.throughputs)),
    'subnetact-memory.svg': toSvg(growth(memory)),
  };
}

function ratios(cells: Document['detail']['cells'], what: 'steady' | 'alternating'): Chart {
  const most = Math.max(1.2, ...cells.map((cell) => Math.max(cell.steady, cell.alternating)));
  return {
    title: `Actuated over extracted, ${what}`,
    x: { label: 'extracted subnet (ms per batch)', scale: 'log' },
    y: { label: 'ratio', min: 0.8, max: Math.ceil(most * 10) / 10 },
    series: BATCHES.map((batch) => ({
      label: `batch ${batch}`,
      points: cells.filter((cell) => cell.batch === batch).map((cell) => [cell.extractedMs, cell[what]] as const),
    })),
  };
}

function throughput(all: Document['detail']['throughputs']): Chart {
  const points = all
    .map(({ accuracy, queriesPerSecond }) => [100 * accuracy, queriesPerSecond] as const)
    .toSorted(([a], [b]) => a - b);
  return {
    title: 'Throughput of the served subnets, one core',
    x: { label: 'accuracy (%)' },
    y: { label: 'queries per second', scale: 'log' },
    series: [{ label: 'subnet at its best batch size', mark: 'line+points', points }],
  };
}

/** Resident memory over the number of models loaded: extracted ones add up, a supernet holds all. */
function growth({ supernetBytes, sixExtractedBytes, chosen, subnets }: Document['memory']): Chart {
  const count = chosen.length;
  return {
    title: 'Memory, ResNet-50-sized',
    x: { label: 'extracted subnets loaded', min: 0, max: count },
    y: { label: 'resident growth (MiB)', min: 0 },
    series: [
      {
        label: 'extracted, side by side (mean of all)',
        mark: 'line+points',
        points: Array.from({ length: count }, (_, i) => [i + 1, ((i + 1) * sixExtractedBytes) / count / MIB] as const),
      },
      {
        label: `one supernet with ${subnets} subnets`,
        mark: 'line',
        points: [
          [0, supernetBytes / MIB],
          [count, supernetBytes / MIB],
        ],
      },
    ],
  };
}
