/** The highest rates, round by round and step by step. */
import type { BusDocument } from '../document.js';
import { found, whyNot } from '../document.js';
import type { Highest } from '../parts/highest.js';
import { digits, none, share, table, times, whole } from './markdown.js';

/** @param plots folder of the plots, relative to the report */
export function highestSection(document: BusDocument, plots: string): string[] {
  const { slackline, ceiling, ratio, run } = document;
  if (slackline === undefined && ceiling === undefined) return [];
  const [ours, bare] = [found(slackline), found(ceiling)];
  const reason = whyNot(slackline) ?? whyNot(ceiling);
  const rows = [rowOf('slackline', ours), rowOf('ceiling', bare)].flatMap((row) => (row === undefined ? [] : [row]));
  return [
    '## The highest rate',
    ...(reason === undefined ? [] : [`Not run: ${reason}.`]),
    ...(ratio === undefined
      ? []
      : [
          `**Slackline carries ${times(ratio.ofMedians)} what relays without any logic do** (by round: ` +
            `${ratio.byRound.map(times).join(', ')}).`,
        ]),
    `A rate is carried when a step passed: 99.9 % of its queries answered in time, limit ${run.sloMs} ms, and none but 1 % sent more than that late. In each round both are ` +
      'started anew, warmed up and searched, one after the other; the rate of a contender is the middle of its rounds. For ' +
      'Slackline in time is what its answers say (a deadline is the stream’s time of storing plus the limit); for the ' +
      'relays it is the producer’s clock, from when the query was due to its answer, and the last column has the highest ' +
      'rate that passes by that clock for both.',
    table(['', 'queries/s', 'attainment', 'p50 ms', 'p99 ms', 'p99.9 ms', 'by round', 'by the producer’s clock'], rows),
    'How often each rate was tried by steps that count, and how often it passed:',
    countsTable(ours, bare),
    laggedText([ours, bare]),
    `![What was not answered in time, over the rate](${plots}/attainment.svg)`,
    `![Latency over rate](${plots}/latency.svg)`,
  ];
}

function rowOf(name: string, highest: Highest | undefined): string[] | undefined {
  if (highest === undefined) return undefined;
  const { qps, attainment, latencyMs, rounds, byProducer } = highest;
  return [
    ...[name, whole(qps), qps > 0 ? share(attainment) : none, digits(latencyMs?.p50, 1), digits(latencyMs?.p99, 1)],
    ...[
      digits(latencyMs?.p999, 1),
      rounds.map((round) => (round.qps > 0 ? whole(round.qps) : none)).join(', '),
      whole(byProducer.qps),
    ],
  ];
}

function countsTable(ours: Highest | undefined, bare: Highest | undefined): string {
  const counts = (highest: Highest | undefined, rate: number) => {
    const count = highest?.rates.find((one) => one.rate === rate);
    return count === undefined ? none : `${count.passed} of ${count.tried}`;
  };
  const rates = [...new Set([ours, bare].flatMap((highest) => highest?.rates.map(({ rate }) => rate) ?? []))];
  const rows = rates.sort((a, b) => a - b).map((rate) => [whole(rate), counts(ours, rate), counts(bare, rate)]);
  return table(['queries/s', 'slackline', 'ceiling'], rows);
}

/** Steps whose load was late. */
function laggedText(all: readonly (Highest | undefined)[]): string {
  const steps = all.flatMap((highest) => highest?.steps ?? []).filter(({ kind }) => kind === 'step');
  const lagged = steps.filter((step) => step.lagged);
  if (lagged.length === 0) return 'In none of these steps did the load itself lag.';
  const passed = lagged.filter((step) => step.passed).length;
  return (
    `In ${lagged.length} of these ${steps.length} steps the load itself lagged (99th percentile above 5 ms), ` +
    `${passed} of them passed: its queries went out late and in crowds, as it shares the cores with what it measures.`
  );
}
