/** The throughput range of the front: how many queries a second each subnet sustains (SuperServe, NSDI'25, section 3.1). */
import { type Chart, sideBySide } from '@slackline/plot';
import { capacity, type Device, type DeviceSubnet } from '../cells/device.js';
import { paperWorkers, shippedDevice, v100 } from '../cells/devices.js';
import { environmentText } from '../cells/environment.js';
import { fixedName } from '../cells/policies.js';
import type { Figure, FigureContext } from '../figure.js';
import { percent, whole } from '../report/numbers.js';
import type { Part } from '../report/report.js';

const wanted = 0.999;
const cv2 = 1;

interface Row {
  readonly subnet: string;
  readonly accuracy: number;
  /** Queries a second that are sustained, and what the best batch alone would give. */
  readonly sustained: number;
  readonly bound: number;
  readonly meanBatch: number;
}

interface Range {
  readonly device: string;
  readonly workers: number;
  readonly sloMs: number;
  readonly subnets: readonly Row[];
  /** Highest over lowest sustained rate. */
  readonly range: number;
}

export const throughput: Figure = {
  name: 'throughput',
  title: 'The throughput range of the front',
  summary: 'the rate that each subnet of the front sustains, on emulated GPUs and on this machine’s profile',
  async run(context) {
    const { sloMs, ...device } = v100();
    const emulated = await rangeOf(context, device, paperWorkers, sloMs);
    const measured = shippedDevice();
    const shipped = measured && (await rangeOf(context, measured, 2, sloMs));
    const ranges = shipped === undefined ? [emulated] : [emulated, shipped];
    return {
      figures: { wanted, emulated, shipped: shipped ?? null, paper: { qps: [2_000, 8_000], accuracy: [0.738, 0.802] } },
      report: {
        plots: { 'throughput.svg': sideBySide(ranges.map(chartOf)) },
        parts: [
          `The highest rate of Poisson arrivals at which one subnet alone answers ${wanted} of the queries within ${sloMs} ms, ` +
            'found by simulation. *Bound*: what its best batch within the limit gives when the devices never wait.',
          { plot: 'throughput.svg', caption: 'Sustained rate of each subnet against its accuracy' },
          ...partsOf(emulated, `${paperWorkers} emulated V100s`),
          `The paper's front on 8 RTX 2080 Ti reaches from about 8,000 to about 2,000 queries a second between 74 % and 80 %: a ` +
            `range of 4. Here it is ${emulated.range.toFixed(1)}, because the smallest network of this table is further from the ` +
            'largest; the six are separate ResNets, not subnets of one supernet, as no latency table of the paper is public.',
          ...(shipped === undefined
            ? ['The model that ships has not been profiled on this machine: `npm start` does that.']
            : partsOf(shipped, `the model that ships, ${shipped.workers} workers on the processor of this machine`)),
          environmentText,
        ],
      },
    };
  },
};

async function rangeOf(context: FigureContext, device: Device, workers: number, sloMs: number): Promise<Range> {
  const bound = (subnet: DeviceSubnet) => capacity(device, subnet, workers, sloMs);
  const queries = context.quick ? 300 : 100_000;
  const tasks = device.subnets.map((subnet) => ({
    cell: { device, workers, sloMs, policy: fixedName(subnet.id), seed: context.seed },
    ...{ cv2, queries, wanted, above: 1.1 * bound(subnet) },
  }));
  const found = await context.pool.map('sustained', tasks, (done) =>
    context.progress(`${device.deviceClass}: ${done} of ${tasks.length} subnets`),
  );
  const subnets = device.subnets.map((subnet, i): Row => {
    const { rate = 0, meanBatch = 0 } = found[i] ?? {};
    return { subnet: subnet.id, accuracy: subnet.accuracy, sustained: rate, bound: bound(subnet), meanBatch };
  });
  const rates = subnets.map(({ sustained }) => sustained);
  return { device: device.deviceClass, workers, sloMs, subnets, range: Math.max(...rates) / Math.min(...rates) };
}

function partsOf({ subnets, range }: Range, title: string): Part[] {
  return [
    { heading: `On ${title}` },
    {
      table: {
        head: ['subnet', 'accuracy %', 'sustained qps', 'bound qps', 'mean batch'],
        rows: subnets.map(({ subnet, accuracy, sustained, bound, meanBatch }) => [
          subnet,
          percent(accuracy),
          whole(sustained),
          whole(bound),
          meanBatch.toFixed(1),
        ]),
      },
    },
    `Highest over lowest sustained rate: ${range.toFixed(1)}.`,
  ];
}

function chartOf({ device, workers, subnets }: Range): Chart {
  return {
    title: `${workers} x ${device}`,
    x: { label: 'accuracy (%)' },
    y: { label: 'queries a second', min: 0 },
    series: [
      {
        label: `sustained at ${wanted}`,
        mark: 'line+points',
        points: subnets.map(({ accuracy, sustained }) => [100 * accuracy, sustained] as const),
      },
      {
        label: 'bound by the best batch',
        mark: 'points',
        shape: 'cross',
        color: '#6e7781',
        points: subnets.map(({ accuracy, bound }) => [100 * accuracy, bound] as const),
      },
    ],
  };
}
