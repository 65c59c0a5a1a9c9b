/** What was aimed at on two cores, and what came of it: always all of it, measured or not. */
import type { BusDocument } from '../document.js';
import { found } from '../part.js';
import type { OverheadFigures } from '../parts/overhead.js';
import { noTime, oursOf, peakOverMean, type TraceFigures } from '../parts/trace.js';
import { digits, share, table, times, whole } from './markdown.js';

interface Goal {
  readonly name: string;
  readonly wanted: string;
  /** Undefined where it was not measured. */
  readonly measured: string | undefined;
  readonly isMet: boolean;
}

/** What is wanted of the two-core machine. */
const goal = { ratio: 0.5, qps: 8_750, overheadMs: 1.5, largeQps: 300, attainment: 0.999 } as const;

export function goalsSection(document: BusDocument): string[] {
  const rows = [...searched(document), ...onTrace(document)].map(({ name, wanted, measured, isMet }) => [
    ...[name, wanted, measured ?? 'not measured', measured === undefined ? 'not measured' : isMet ? 'yes' : 'no'],
  ]);
  return ['## Goals', 'For a machine of two cores.', table(['', 'wanted', 'measured', 'met'], rows)];
}

function searched({ slackline, ratio, overheadMs, storage }: BusDocument): Goal[] {
  const [ours, overhead, cases] = [found(slackline), found(overheadMs), found(storage)] as const;
  const large = cases?.find(({ storage: kind, payloadBytes }) => kind === 'memory' && payloadBytes >= 150_000);
  const largeFound = found(large?.slackline);
  return [
    {
      name: 'of what relays without logic carry',
      wanted: `≥ ${times(goal.ratio)}`,
      measured: ratio && times(ratio.ofHighest),
      isMet: (ratio?.ofHighest ?? 0) >= goal.ratio,
    },
    {
      name: `queries/s at attainment ${goal.attainment}`,
      wanted: `≥ ${whole(goal.qps)}`,
      measured: ours && whole(ours.qps),
      isMet: (ours?.qps ?? 0) >= goal.qps,
    },
    {
      name: 'overhead p50 at 100 queries/s',
      wanted: `≤ ${goal.overheadMs} ms`,
      measured: overhead && `${digits(overhead.p50, 2)} ms${besideRelays(overhead)}`,
      isMet: (overhead?.p50 ?? Number.POSITIVE_INFINITY) <= goal.overheadMs,
    },
    {
      name: 'queries/s of 150 kB, streams in memory',
      wanted: `≥ ${goal.largeQps}`,
      measured: largeFound && whole(largeFound.qps),
      isMet: (largeFound?.qps ?? 0) >= goal.largeQps,
    },
  ];
}

/** The attainment counts at the mean that is asked for: what is easier meets nothing. */
function onTrace({ slackline, trace }: BusDocument): Goal[] {
  const [highest, day] = [found(slackline)?.qps, found(trace)];
  const mean = highest === undefined ? undefined : Math.round(highest / peakOverMean);
  const ours = day && oursOf(day);
  const gain = day?.bestFixed && ours && ours.accuracy - day.bestFixed.accuracy;
  const wantedMean = mean === undefined ? `the highest rate over ${peakOverMean}, not measured` : `${whole(mean)}/s`;
  const without = day && day.fixed.length > 0 ? 'no fixed subnet attains as much' : undefined;
  return [
    {
      name: 'attainment on the trace',
      wanted: `≥ ${goal.attainment} at a mean of ${wantedMean}`,
      measured: day && ours && `${share(ours.attainment, 5)} at ${whole(day.rate)}/s`,
      isMet: day !== undefined && day.rate >= (mean ?? Number.POSITIVE_INFINITY) && reached(ours?.attainment),
    },
    {
      name: 'accuracy on the trace above the best fixed subnet’s',
      wanted: '> 0 points',
      measured: gain === undefined ? without : `${digits(100 * gain, 2)} points${ofHowMany(day)}`,
      isMet: gain === undefined ? reached(ours?.attainment) : gain > 0,
    },
  ];
}

function ofHowMany(day: TraceFigures | undefined): string {
  if (day === undefined || day.notRun.length === 0 || day.whyNotRun !== noTime) return '';
  return ` (of ${new Set(day.fixed.map(({ policy }) => policy)).size} that there was time for)`;
}

function reached(attainment: number | undefined): boolean {
  return (attainment ?? 0) >= goal.attainment;
}

/** What the same hops take without any logic says how much of it could be ours. */
function besideRelays({ relaysMs }: OverheadFigures): string {
  return relaysMs === undefined ? '' : `; bare relays ${digits(relaysMs.p50, 2)} ms`;
}
