/** Other streams and bodies: the rates, what is added to a query, and what one costs. */
import type { BusDocument } from '../document.js';
import { found, whyNot } from '../part.js';
import type { Highest } from '../parts/highest.js';
import type { StorageFigures } from '../parts/storage.js';
import { processCells, processHeadings } from './costs.js';
import { bytes, digits, none, share, table, times, whole } from './markdown.js';

/** One row of each table. */
type Row = Omit<StorageFigures, 'stepSeconds'>;

export function storageSection(document: BusDocument): string[] {
  const { storage } = document;
  if (storage === undefined) return [];
  const others = found(storage);
  if (others === undefined) return ['## Storage and payload', `Not run: ${whyNot(storage)}.`];
  const rows = [...inMemory(document), ...others];
  const seconds = [...new Set(others.map(({ stepSeconds }) => digits(stepSeconds, 1)))].join(' or ');
  const { earlier } = document.run;
  const isOfAnother = earlier.slackline !== earlier.storage;
  return [
    ...searches(rows, seconds),
    ...(isOfAnother
      ? ['Small bodies in memory were measured by another run, in another hour: compare ratios, not rates.']
      : []),
    ...overheads(rows),
    ...costs(rows),
  ];
}

/** What the other parts measure, where there is all of it. */
function inMemory({ slackline, ceiling, ratio, overheadMs, cost }: BusDocument): Row[] {
  const [ours, bare, overhead, costs] = [found(slackline), found(ceiling), found(overheadMs), found(cost)];
  if (ours === undefined || bare === undefined) return [];
  return [
    {
      ...{ storage: 'memory', payloadBytes: 784, slackline: ours, ceiling: bare, ratio: ratio?.ofHighest },
      ...(overhead && { overheadMs: overhead, relaysMs: overhead.relaysMs }),
      ...(costs && { cost: costs }),
    },
  ];
}

function searches(cases: readonly Row[], seconds: string): string[] {
  const cells = (part: StorageFigures['slackline']) => {
    const highest = found(part);
    if (highest === undefined) return new Array<string>(4).fill(none);
    const { within36, latencyMs, cpuSecondsPer1000 } = highest;
    return [rate(highest), share(within36), digits(latencyMs.p99, 1), digits(cpuSecondsPer1000, 3)];
  };
  return [
    '## Storage and payload',
    `Small bodies in memory as above; the others by the same search in one round of fewer steps, each of ${seconds} s: short steps are luckier than long ones. ` +
      'Behind ≥ no rate above was tried, and a ratio of such rates is no bound. ' +
      'Bodies above 32 kB stay in the stream, from which the worker fetches them. CPU is that of all processes together, in ' +
      'seconds of a core for 1,000 queries at that rate.',
    table(
      [
        ...['stream', 'payload', 'ratio', 'slackline/s', 'attainment', 'by the producer’s clock', 'p99 ms', 'CPU s'],
        ...['ceiling/s', 'by the producer’s clock', 'p99 ms', 'CPU s'],
      ],
      cases.map(({ storage: kind, payloadBytes, ratio, slackline, ceiling }) => {
        const [ours = none, ...others] = cells(slackline);
        return [kind, bytes(payloadBytes), times(ratio), ours, attainmentOf(slackline), ...others, ...cells(ceiling)];
      }),
    ),
  ];
}

function attainmentOf(part: StorageFigures['slackline']): string {
  const highest = found(part);
  return highest === undefined ? none : share(highest.attainment);
}

/** Where no round found a rate above it that was not held, the edge is not known. */
function rate({ qps, rounds }: Highest): string {
  return `${rounds.some(({ failed }) => failed !== undefined) ? '' : '≥ '}${whole(qps)}`;
}

function overheads(cases: readonly Row[]): string[] {
  if (cases.every(({ overheadMs }) => overheadMs === undefined)) return [];
  return [
    'What everything but the device adds to a query, and what bare relays take, at 100 queries a second: small bodies in memory as above, ' +
      'the others right after the search, on warm processes and under the policy of the search.',
    table(
      ['stream', 'payload', 'overhead p50 ms', 'p99 ms', 'relays p50 ms', 'p99 ms'],
      cases.map(({ storage, payloadBytes, overheadMs, relaysMs }) => [
        ...[storage, bytes(payloadBytes)],
        ...[overheadMs, relaysMs].flatMap((one) => [digits(one?.p50, 2), digits(one?.p99, 2)]),
      ]),
    ),
  ];
}

function costs(cases: readonly Row[]): string[] {
  const rows = cases.flatMap(({ storage, payloadBytes, cost }) =>
    cost === undefined
      ? []
      : cost.processes.map((one) => [storage, bytes(payloadBytes), whole(cost.rate), ...processCells(one)]),
  );
  if (rows.length === 0) return [];
  return [
    'What a query costs each process, at three quarters of the rate that was found.',
    table(['stream', 'payload', 'queries/s', ...processHeadings], rows),
  ];
}
