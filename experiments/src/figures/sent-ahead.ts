/** What it gives to send a worker its next batch before it is free (docs/architecture.md, "The next batch"). */
import { type Chart, sideBySide } from '@slackline/plot';
import type { Cell, CellResult } from '../cells/cell.js';
import { paperWorkers, v100 } from '../cells/devices.js';
import { environmentText, type SurroundingsName, sharedText } from '../cells/environment.js';
import { fixedName, styleOf } from '../cells/policies.js';
import type { Figure } from '../figure.js';
import { percent, share, signed, whole } from '../report/numbers.js';

const rates = [6_000, 8_000, 10_000, 12_000, 14_000];
const cv2 = 4;
const seconds = 60;
const places = ['dedicated', 'shared'] as const satisfies SurroundingsName[];

interface Pair {
  readonly place: SurroundingsName;
  readonly rate: number;
  readonly policy: string;
  /** Every worker is sent a batch only when it has ended the one before. */
  readonly after: CellResult;
  readonly ahead: CellResult;
}

export const sentAhead: Figure = {
  name: 'sent-ahead',
  title: 'The next batch, sent before its worker is free',
  summary:
    'attainment and accuracy with devices that go from batch to batch, and with devices that idle for the bus between two',
  async run(context) {
    const { sloMs, ...device } = v100();
    const policies = [...new Set([context.defaultPolicy, 'slackfit', fixedName(device.subnets[0]?.id ?? '')])];
    const common = { device, workers: paperWorkers, sloMs, seed: context.seed };
    const cases = places.flatMap((place) =>
      (context.quick ? rates.slice(0, 2) : rates).flatMap((rate) =>
        policies.map((policy) => ({ place, rate, policy })),
      ),
    );
    const cells = cases.flatMap(({ place, rate, policy }) => {
      const trace = { kind: 'gamma', rate, cv2, seconds: context.quick ? 1 : seconds, seed: context.seed } as const;
      return [false, true].map((sendsAhead): Cell => ({ ...common, trace, policy, surroundings: place, sendsAhead }));
    });
    const results = await context.pool.map('cell', cells, (done) => context.progress(`${done} of ${cells.length}`));
    const pairs = cases.flatMap((each, i): Pair[] => {
      const [after, ahead] = results.slice(2 * i, 2 * i + 2);
      return after && ahead ? [{ ...each, after, ahead }] : [];
    });
    return {
      figures: { cv2, workers: paperWorkers, sloMs, pairs },
      report: {
        plots: { 'sent-ahead.svg': plot(pairs, context.defaultPolicy) },
        parts: [
          'Between the end of a batch and the next command a device idles for two ways over the bus, unless the command is ' +
            `sent before the batch has ended. Gamma-distributed gaps of CV² ${cv2}, ${paperWorkers} emulated devices, limit ` +
            `${sloMs} ms. Simulated. *After*: a worker is sent its next batch when it is free. *Ahead*: as the service does.`,
          { plot: 'sent-ahead.svg', caption: 'Missed deadlines and accuracy against the rate' },
          ...places.flatMap((place) => [
            { heading: place === 'dedicated' ? 'A core for each process' : 'All on one machine of two cores' },
            { table: table(pairs.filter((pair) => pair.place === place)) },
          ]),
          environmentText,
          `The second table has the surroundings of a live run. ${sharedText}`,
        ],
      },
    };
  },
};

function table(pairs: readonly Pair[]) {
  return {
    head: [
      ...['queries/s', 'policy', 'attainment, after', 'ahead', 'missed, after', 'ahead'],
      ...['accuracy %, after', 'ahead', 'points that it adds'],
    ],
    rows: pairs.map(({ rate, policy, after, ahead }) => [
      ...[whole(rate), policy, share(after.attainment, 5), share(ahead.attainment, 5)],
      ...[whole(after.queries - after.ok), whole(ahead.queries - ahead.ok)],
      ...[percent(after.accuracy), percent(ahead.accuracy), signed(100 * (ahead.accuracy - after.accuracy))],
    ]),
  };
}

/** A logarithmic axis has no zero: nothing missed stands here. */
const leastShare = 1e-6;

function plot(pairs: readonly Pair[], policy: string): string {
  const chart = (
    place: SurroundingsName,
    title: string,
    y: Chart['y'],
    value: (result: CellResult) => number,
  ): Chart => ({
    ...{ title: `${title}, ${place}`, y, height: 300 },
    x: { label: 'queries a second' },
    series: (['after', 'ahead'] as const).map((when) => ({
      label: when,
      mark: 'line+points' as const,
      points: pairs
        .filter((pair) => pair.place === place && pair.policy === policy)
        .map((pair) => [pair.rate, value(pair[when])] as const),
      ...styleOf(when === 'ahead' ? policy : 'fixed:'),
    })),
  });
  const missedAxis = { label: `share missed; none stands at ${leastShare.toExponential()}`, scale: 'log' } as const;
  const charts = places.flatMap((place) => [
    chart(place, 'Missed deadlines', missedAxis, ({ attainment }) => Math.max(leastShare, 1 - attainment)),
    chart(place, 'Accuracy', { label: 'accuracy of the answers in time (%)' }, ({ accuracy }) => 100 * accuracy),
  ]);
  return sideBySide(charts, { columns: 2, commonLegend: true });
}
