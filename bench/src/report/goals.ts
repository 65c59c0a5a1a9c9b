/** What was aimed at on two cores, and what came of it. */
import { type BusDocument, found } from '../document.js';
import { digits, none, share, table, times, whole } from './markdown.js';

interface Goal {
  readonly name: string;
  readonly wanted: string;
  /** Undefined where it was not measured. */
  readonly measured: string | undefined;
  readonly isMet: boolean;
}

export function goalsSection(document: BusDocument): string[] {
  const goals = goalsOf(document).filter(({ measured }) => measured !== undefined);
  if (goals.length === 0) return [];
  const rows = goals.map(({ name, wanted, measured = none, isMet }) => [name, wanted, measured, isMet ? 'yes' : 'no']);
  return ['## Goals', 'For a machine of two cores.', table(['', 'wanted', 'measured', 'met'], rows)];
}

function goalsOf({ slackline, ratio, overheadMs, storage, trace }: BusDocument): Goal[] {
  const [ours, overhead, cases, day] = [found(slackline), found(overheadMs), found(storage), found(trace)] as const;
  const large = cases?.find(({ storage: kind, payloadBytes }) => kind === 'memory' && payloadBytes >= 150_000);
  const gain = day?.bestFixed && day.ours.accuracy - day.bestFixed.accuracy;
  return [
    {
      ...{ name: 'of what relays without logic carry', wanted: '≥ 0.50 x', measured: ratio && times(ratio.ofMedians) },
      isMet: (ratio?.ofMedians ?? 0) >= 0.5,
    },
    {
      ...{ name: 'queries/s at attainment 0.999', wanted: '≥ 8,750', measured: ours && whole(ours.qps) },
      isMet: (ours?.qps ?? 0) >= 8_750,
    },
    {
      ...{
        name: 'overhead p50 at 100 queries/s',
        wanted: '≤ 1.5 ms',
        measured: overhead && `${digits(overhead.p50, 2)} ms`,
      },
      isMet: (overhead?.p50 ?? Number.POSITIVE_INFINITY) <= 1.5,
    },
    {
      name: 'queries/s of 150 kB, streams in memory',
      wanted: '≥ 300',
      measured: large && whole(large.slackline.qps),
      isMet: (large?.slackline.qps ?? 0) >= 300,
    },
    {
      ...{ name: 'attainment on the trace', wanted: '≥ 0.999', measured: day && share(day.ours.attainment, 5) },
      isMet: (day?.ours.attainment ?? 0) >= 0.999,
    },
    {
      name: 'accuracy on the trace above the best fixed subnet’s',
      wanted: '> 0 points',
      measured: gain === undefined ? undefined : `${digits(100 * gain, 2)} points`,
      isMet: (gain ?? 0) > 0,
    },
  ];
}
