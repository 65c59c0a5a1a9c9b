/** Other streams and bodies, what users would write instead, and the trace. */
import { type BusDocument, found, whyNot } from '../document.js';
import type { Highest } from '../parts/highest.js';
import type { TraceRun } from '../parts/trace.js';
import { bytes, digits, share, table, times, whole } from './markdown.js';

export function storageSection({ storage }: BusDocument): string[] {
  if (storage === undefined) return [];
  const cases = found(storage);
  if (cases === undefined) return ['## Storage and payload', `Not run: ${whyNot(storage)}.`];
  const cells = ({ qps, attainment, latencyMs }: Highest) => [
    ...[whole(qps), share(attainment), digits(latencyMs?.p99, 1)],
  ];
  return [
    '## Storage and payload',
    'The same search, one round of fewer and shorter steps. Bodies above 32 kB stay in the stream, from which the worker fetches them.',
    table(
      ['stream', 'payload', 'ratio', 'slackline/s', 'attainment', 'p99 ms', 'ceiling/s', 'within', 'p99 ms'],
      cases.map(({ storage: kind, payloadBytes, ratio, slackline, ceiling }) => [
        ...[kind, bytes(payloadBytes), times(ratio), ...cells(slackline), ...cells(ceiling)],
      ]),
    ),
  ];
}

export function peersSection({ peers }: BusDocument): string[] {
  if (peers === undefined) return [];
  const figures = found(peers);
  if (figures === undefined) return ['## What a user would write instead', `Not run: ${whyNot(peers)}.`];
  const rows = figures.flatMap(({ name, steps }) =>
    steps.map(({ rate, attainment, accuracy, latencyMs }) => [
      ...[whole(rate), name, share(attainment), digits(accuracy && 100 * accuracy, 2)],
      ...[digits(latencyMs.p50, 1), digits(latencyMs.p99, 1)],
    ]),
  );
  const byRate = rows.sort((a, b) => Number(a[0]?.replaceAll(',', '')) - Number(b[0]?.replaceAll(',', '')));
  return [
    '## What a user would write instead',
    'With the model that ships and real inference, on the same cores, at the same rates: an HTTP server (fastify) with ' +
      'onnxruntime-node and one subnet, a process for each core (in batches: of what came while the last one ran); and workers ' +
      'that pull a JetStream work queue themselves (one subnet, batches in order of arrival). In time is the producer’s clock for them, and the deadline for Slackline. ' +
      'Accuracy is the profiled one of the answers in time.',
    table(['queries/s', '', 'attainment', 'accuracy %', 'p50 ms', 'p99 ms'], byRate),
  ];
}

export function traceSection({ trace }: BusDocument): string[] {
  if (trace === undefined) return [];
  const figures = found(trace);
  if (figures === undefined) return ['## A day in two minutes', `Not run: ${whyNot(trace)}.`];
  const { recorded, seconds, rate, peak, ours, fixed, bestFixed, notRun, whyNotRun } = figures;
  const against =
    bestFixed === undefined
      ? 'No fixed subnet reaches that attainment.'
      : `The most accurate fixed subnet that attains as much (or 0.999) is \`${bestFixed.policy}\`: Slackline is ` +
        `${digits(100 * (ours.accuracy - bestFixed.accuracy), 2)} points more accurate.`;
  const row = ({ policy, attainment, within36, accuracy, latencyMs, refused, sendLagMs }: TraceRun) => [
    ...[policy, share(attainment, 5), share(within36, 5), digits(100 * accuracy, 2)],
    ...[digits(latencyMs.p50, 1), digits(latencyMs.p99, 1), whole(refused), digits(sendLagMs.p99, 1)],
  ];
  return [
    '## A day in two minutes',
    `${recorded}, squeezed to ${digits(seconds, 0)} s and scaled to ${whole(rate)} queries a second in the mean: ${whole(peak)} in the ` +
      `fullest second. Attainment ${share(ours.attainment, 5)}, accuracy ${digits(100 * ours.accuracy, 2)} %. ${against}`,
    table(
      [
        'policy',
        'attainment',
        'by the producer’s clock',
        'accuracy %',
        'p50 ms',
        'p99 ms',
        'refused',
        'load lag p99 ms',
      ],
      [ours, ...fixed].map(row),
    ),
    ...(notRun.length === 0 ? [] : [`Not run: ${notRun.map((name) => `\`${name}\``).join(', ')}, as ${whyNotRun}.`]),
  ];
}
