/** Latency below the highest rate, overhead, and what a query costs. */
import type { BusDocument } from '../document.js';
import { sharesText } from '../flame/index.js';
import type { Percentiles } from '../latency.js';
import { found, whyNot } from '../part.js';
import type { ProcessCost } from '../parts/cost.js';
import { bytes, digits, none, share, table, whole } from './markdown.js';

export function latencySection({ cost, slackline }: BusDocument): string[] {
  const latency = found(cost)?.latency ?? found(slackline)?.latency;
  if (latency === undefined) return [];
  const highest = found(slackline)?.qps;
  const rows = latency.map(({ share: part, rate, attainment, accuracy, latencyMs }) => [
    // Another run may have measured the highest rate than the one that these are of.
    ...[
      `${Math.round(100 * (highest === undefined ? part : rate / highest))} %`,
      whole(rate),
      share(attainment),
      digits(accuracy && 100 * accuracy, 2),
    ],
    ...percentileCells(latencyMs),
  ]);
  return [
    '## Latency',
    'At parts of the highest rate, by the producer’s clock. The policy spends the slack that there is on accuracy: this is not ' +
      'how soon a query could be answered, but how soon it is.',
    table(['of the highest', 'queries/s', 'attainment', 'accuracy %', 'p50 ms', 'p99 ms', 'p99.9 ms'], rows),
  ];
}

export function overheadSection({ overheadMs }: BusDocument): string[] {
  if (overheadMs === undefined) return [];
  const figures = found(overheadMs);
  if (figures === undefined) return ['## Overhead', `Not run: ${whyNot(overheadMs)}.`];
  const { rate, queries, roundTripMs, deviceMs, relaysMs, policy, rounds = [] } = figures;
  const inRounds = rounds.map(({ p50, relaysP50 }) => `${digits(p50, 2)} (${digits(relaysP50, 2)})`);
  // A round is too short to tell more.
  const cells = ({ p50, p99 }: Percentiles) => [digits(p50, 2), digits(p99, 2)];
  return [
    '## Overhead',
    `What everything but the device adds to a query: from the producer’s sending to its answer, less the time that the ` +
      `device really held the batch. ${whole(queries)} queries at ${rate} a second, policy \`${policy}\`, so that none waits for another. ` +
      'Below it what bare relays take on the same hops, right after: that much of it is the messaging’s.' +
      (inRounds.length === 0
        ? ''
        : ' Both are started anew in each round, and each number is the middle of the rounds’, of an even number the higher; ' +
          `p50 of each, with the relays’: ${inRounds.join(', ')} ms.`),
    table(
      ['', 'p50 ms', 'p99 ms'],
      [
        ['overhead', ...cells(figures)],
        ['relays, sending to answer', ...(relaysMs === undefined ? [none, none] : cells(relaysMs))],
        ['door to answer', ...cells(roundTripMs)],
        ['on the device', ...cells(deviceMs)],
      ],
    ),
  ];
}

export function costSection({ cost, profiles }: BusDocument, plots: string): string[] {
  if (cost === undefined) return [];
  const figures = found(cost);
  if (figures === undefined) return ['## What a query costs', `Not run: ${whyNot(cost)}.`];
  return [
    '## What a query costs',
    `At ${whole(figures.rate)} queries a second. All processes together use ${digits(figures.cpuSecondsPer1000, 3)} s of a core for ` +
      '1,000 queries (`/proc`, user and system). What is allocated is an estimate: V8’s sampling of its heap, with what was ' +
      'freed since; buffers outside of that heap are not in it. An event loop’s delay is how much later than due a timer of 1 ms came.',
    table(processHeadings, figures.processes.map(processCells)),
    ...profileSections(figures.atFull, profiles, plots),
  ];
}

export const processHeadings: readonly string[] = [
  ...['process', 'µs of a core a query', 's for 1,000', 'allocated a query'],
  ...['loop p50 ms', 'loop p99 ms', 'loop max ms'],
];

export function processCells(cost: ProcessCost): string[] {
  const { process, cpuSecondsPer1000, allocatedBytesPerQuery, eventLoopDelayMs } = cost;
  return [
    ...[process, digits(1_000 * cpuSecondsPer1000, 0), digits(cpuSecondsPer1000, 3)],
    allocatedBytesPerQuery === undefined ? none : bytes(allocatedBytesPerQuery),
    ...[digits(eventLoopDelayMs?.p50Ms, 1), digits(eventLoopDelayMs?.p99Ms, 1), digits(eventLoopDelayMs?.maxMs, 1)],
  ];
}

function profileSections(
  { rate, attainment }: { rate: number; attainment: number },
  profiles: BusDocument['profiles'],
  plots: string,
): string[] {
  const named = Object.entries(profiles ?? {});
  if (named.length === 0) return [];
  return [
    '## Where the time goes',
    `CPU profiles at the highest rate, ${whole(rate)} queries a second (attainment ${share(attainment)} while they were taken: ` +
      'profiling itself costs time). Of the busy time; Node and V8 include garbage collection and the writing to sockets.',
    ...named.flatMap(([name, figures]) => [
      `### ${name}`,
      `![Flame graph of ${name}](${plots}/flame-${name}.svg)`,
      sharesText(figures),
    ]),
  ];
}

function percentileCells({ p50, p99, p999 }: Percentiles, count = 1): string[] {
  return [p50, p99, p999].map((value) => digits(value, count));
}
