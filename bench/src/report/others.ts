/** What users would write instead, and the trace. */
import type { BusDocument } from '../document.js';
import { found, whyNot } from '../part.js';
import { oursOf, type TraceRun } from '../parts/trace.js';
import { digits, none, share, table, whole } from './markdown.js';

export function peersSection({ peers }: BusDocument): string[] {
  if (peers === undefined) return [];
  const figures = found(peers);
  if (figures === undefined) return ['## What a user would write instead', `Not run: ${whyNot(peers)}.`];
  const tried = figures.flatMap(({ name, steps }) => steps.map((step) => ({ name, ...step })));
  const rows = tried
    .sort((a, b) => (a.cv2 ?? 0) - (b.cv2 ?? 0) || a.rate - b.rate)
    .map(({ rate, cv2, name, attainment, within36, accuracy, checked = 0, right = 0, latencyMs }) => [
      ...[
        cv2 === undefined ? whole(rate) : `${whole(rate)}, bursts`,
        name,
        share(attainment),
        share(within36),
        digits(accuracy && 100 * accuracy, 2),
      ],
      ...[checked === 0 ? none : digits((100 * right) / checked, 2)],
      ...[digits(latencyMs.p50, 1), digits(latencyMs.p99, 1)],
    ]);
  const seconds = digits(Math.min(...tried.map((step) => step.seconds)), 1);
  return [
    '## What a user would write instead',
    'With the model that ships and real inference, on the same cores, at the same rates: an HTTP server (fastify) with ' +
      'onnxruntime-node and one subnet, a process for each core (in batches: of what came while the last one ran); and workers ' +
      'that pull a JetStream work queue themselves (one subnet, batches in order of arrival). ' +
      'In time is the producer’s clock for them, and the deadline for Slackline, whose share by the producer’s clock stands beside. ' +
      `Accuracy is that of the answers in time: as profiled, and as measured on the rows that were sent, none of which the profile was made from. Steps of ${seconds} s or more. ` +
      'In bursts: a third of the rate evenly spaced, two thirds in gaps with a squared coefficient of variation of 8.',
    'Where one subnet bears the load at all times, a server of that one alone is simpler and answers sooner: Slackline pays ' +
      'for its way through the broker. What it is for is where no one subnet does: where the load outgrows the accurate ones, at times or for good.',
    table(
      [
        ...['queries/s', '', 'attainment', 'by the producer’s clock', 'profiled accuracy %', 'measured %'],
        ...['p50 ms', 'p99 ms'],
      ],
      rows,
    ),
  ];
}

export function traceSection({ trace }: BusDocument): string[] {
  if (trace === undefined) return [];
  const figures = found(trace);
  if (figures === undefined) return ['## A day in two minutes', `Not run: ${whyNot(trace)}.`];
  const { recorded, seconds, rate, peak, ours, again, fixed, bestFixed, notRun, whyNotRun } = figures;
  const both = oursOf(figures);
  const against =
    bestFixed === undefined
      ? fixed.length === 0
        ? ''
        : 'No fixed subnet that was run reaches that attainment.'
      : `The most accurate fixed subnet that attains as much (or 0.999) is \`${bestFixed.policy}\`: Slackline is ` +
        `${digits(100 * (both.accuracy - bestFixed.accuracy), 2)} points more accurate.`;
  const row = ({ policy, attainment, within36, accuracy, latencyMs, refused, sendLagMs }: TraceRun) => [
    ...[policy, share(attainment, 5), share(within36, 5), digits(100 * accuracy, 2)],
    ...[digits(latencyMs.p50, 1), digits(latencyMs.p99, 1), whole(refused), digits(sendLagMs.p99, 1)],
  ];
  return [
    '## A day in two minutes',
    `${recorded}, squeezed to ${digits(seconds, 0)} s and scaled to ${whole(rate)} queries a second in the mean: ${whole(peak)} in the ` +
      `fullest second. Attainment ${share(both.attainment, 5)}, accuracy ${digits(100 * both.accuracy, 2)} %` +
      `${again ? ', of two runs together, the first one and the last' : ''}. ${against}`,
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
      [ours, ...fixed, ...(again ? [again] : [])].map(row),
    ),
    ...(notRun.length === 0 ? [] : [`Not run: ${notRun.map((name) => `\`${name}\``).join(', ')}, as ${whyNotRun}.`]),
  ];
}
