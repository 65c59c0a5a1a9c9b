/** The highest rates, round by round and step by step. */
import type { BusDocument } from '../document.js';
import { found, whyNot } from '../part.js';
import type { Highest, Round, Searched } from '../parts/highest.js';
import { digits, none, share, table, times, whole } from './markdown.js';

/** @param plots folder of the plots, relative to the report */
export function highestSection(document: BusDocument, plots: string): string[] {
  const { slackline, ceiling, ratio, run } = document;
  if (slackline === undefined && ceiling === undefined) return [];
  const searched = [
    { name: 'slackline', part: slackline },
    { name: 'ceiling', part: ceiling },
  ].flatMap(({ name, part }) => (part === undefined ? [] : [{ name, part, steps: searchedOf(part) }]));
  const [ours, bare] = [searchedOf(slackline), searchedOf(ceiling)];
  return [
    '## The highest rate',
    ...searched.flatMap(({ name, part }) => {
      const reason = whyNot(part);
      return reason === undefined ? [] : [`No rate of ${name}: ${reason}.`];
    }),
    ...(ratio === undefined
      ? []
      : [
          `**Slackline carries ${times(ratio.ofHighest)} what relays without any logic do** (by round: ` +
            `${ratio.byRound.map(times).join(', ')}).`,
        ]),
    `A step passes when 99.9 % of its queries are answered in time, limit ${run.sloMs} ms, no more than 0.1 % were sent later than that after they were ` +
      'due, and every query had one end. In each round both are started anew, warmed up and searched, one after the other; a rate is held ' +
      'when all of its steps together attain 99.9 %, not when the luckiest of them does. The rate of a contender is the highest that is held over all ' +
      'rounds, up to the middle of what they found, a round without any counting as lowest; its attainment is that of all steps at it. For Slackline ' +
      'in time is what its answers say (a deadline is the stream’s time of storing ' +
      'plus the limit); for the relays it is the producer’s clock, from when the query was due to its answer. By that clock ' +
      'the table has for both the attainment at that rate, and the highest rate of any step that passes by it.',
    table(
      [
        ...['', 'queries/s', 'steps passed', 'attainment', 'by the producer’s clock', 'accuracy %'],
        ...['p50 ms', 'p99 ms', 'p99.9 ms'],
        'highest by the producer’s clock',
      ],
      searched.map(({ name, part }) => rowOf(name, found(part))),
    ),
    'Where each round found the edge: the highest rate that was held, and the lowest above it that was not (≥: none above was tried).',
    roundsTable(searched.map(({ name, steps }) => ({ name, rounds: steps?.rounds ?? [] }))),
    'How often each rate was tried by steps that count, and how often it passed:',
    countsTable(ours, bare),
    laggedText([ours, bare]),
    `![What was not answered in time, over the rate](${plots}/attainment.svg)`,
    `![Latency over rate](${plots}/latency.svg)`,
  ];
}

/** What was tried, whether or not a rate was found. */
function searchedOf(part: BusDocument['ceiling']): Searched | undefined {
  return part !== undefined && 'steps' in part ? part : undefined;
}

function rowOf(name: string, highest: Highest | undefined): string[] {
  if (highest === undefined) return [name, ...new Array<string>(9).fill(none)];
  const { qps, attainment, within36, accuracy, passed, tried, latencyMs, byProducer } = highest;
  return [
    ...[name, whole(qps), `${passed} of ${tried}`, share(attainment), share(within36)],
    digits(accuracy && 100 * accuracy, 2),
    ...[digits(latencyMs.p50, 1), digits(latencyMs.p99, 1), digits(latencyMs.p999, 1)],
    byProducer.qps === undefined ? none : whole(byProducer.qps),
  ];
}

function roundsTable(contenders: readonly { name: string; rounds: readonly Round[] }[]): string {
  const count = Math.max(0, ...contenders.map(({ rounds }) => rounds.length));
  const head = Array.from({ length: count }, (_, round) => `round ${round + 1}`);
  const rows = contenders.map(({ name, rounds }) => [name, ...head.map((_, round) => bracket(rounds[round]))]);
  return table(['', ...head], rows);
}

/** "8,750, not 9,190"; "≥ 8,750"; "none, not 5,000". */
function bracket(round: Round | undefined): string {
  if (round === undefined || round.tried === 0) return none;
  const { qps, failed } = round;
  if (qps === undefined) return failed === undefined ? 'none' : `none, not ${whole(failed)}`;
  return failed === undefined ? `≥ ${whole(qps)}` : `${whole(qps)}, not ${whole(failed)}`;
}

function countsTable(ours: Searched | undefined, bare: Searched | undefined): string {
  const counts = (searched: Searched | undefined, rate: number) => {
    const count = searched?.rates.find((one) => one.rate === rate);
    return count === undefined ? none : `${count.passed} of ${count.tried}`;
  };
  const rates = [...new Set([ours, bare].flatMap((searched) => searched?.rates.map(({ rate }) => rate) ?? []))];
  const rows = rates.sort((a, b) => a - b).map((rate) => [whole(rate), counts(ours, rate), counts(bare, rate)]);
  return table(['queries/s', 'slackline', 'ceiling'], rows);
}

/** Steps whose load was late. */
function laggedText(all: readonly (Searched | undefined)[]): string {
  const steps = all.flatMap((searched) => searched?.steps ?? []).filter(({ kind }) => kind === 'step');
  const lagged = steps.filter((step) => step.lagged);
  if (lagged.length === 0) return 'In none of these steps did the load itself lag.';
  const passed = lagged.filter((step) => step.passed).length;
  return (
    `In ${lagged.length} of these ${steps.length} steps the load itself lagged (99th percentile above 5 ms), ` +
    `${passed} of them passed: its queries went out late and in crowds, as it shares the cores with what it measures.`
  );
}
