/** One load from its first query to its last answer: trace, pacer, producer and tally put together. */
import { connect } from '@slackline/client';
import { type BusStatus, type Clock, type ErrorAnswer, type ServedAnswer, systemClock } from '@slackline/shared';
import { arrivals, arrivalsOf } from '@slackline/traces';
import type { LoadOptions } from './options.js';
import { Pacer } from './pacer.js';
import { Producer } from './producer.js';
import { querySource } from './queries.js';
import { samplesOf } from './sample.js';
import { type Figures, Tally } from './tally.js';

/** After the last query, answers are waited for this long: a worker that died has been noticed well before. */
const defaultSettleMs = 5_000;
const reportEveryMs = 250;
/** A view shows no more; the last figures have all. */
const reportedWindows = 120;

/**
 * Connects and sends the load. `stop` ends the sending early; answers that are due are still waited for, until `enough`.
 * Throws what connecting throws, `invalid_model` or `invalid_array` for rows that cannot be read, and `unknown_model`.
 */
export async function generateLoad(
  options: LoadOptions,
  report: (figures: Figures) => void,
  stop: AbortSignal,
  clock: Clock = systemClock,
  enough: AbortSignal = new AbortController().signal,
): Promise<Figures> {
  const { models, natsUrl, subjectPrefix } = options;
  const samples = await samplesOf(models);
  const queryOf = querySource(options);
  let onSecond: (answer: ServedAnswer | ErrorAnswer) => void = () => {};
  let onStatus: (status: BusStatus) => void = () => {};
  const client = await connect({
    url: natsUrl,
    prefix: subjectPrefix,
    name: 'slackline-load',
    ...(options.records && { onSecond: (answer) => onSecond(answer) }),
    onStatus: (status) => onStatus(status),
  });
  try {
    const startedAtMs = clock.now();
    let allSent = false;
    const startedAtMonotonicMs = Number(process.hrtime.bigint()) / 1e6;
    const tally = new Tally({
      models: models.map(({ entry }) => entry.name),
      startedAtMs,
      ...(options.records && { records: true }),
    });
    onSecond = ({ queryId = '', outcome }) => tally.repeated(queryId, clock.now(), outcome);
    onStatus = (status) => tally.connection(status === 'reconnected', clock.now());
    const producer = new Producer({ client, clock, tally, samples, models, queryOf });
    const pacer = new Pacer(clock, {
      startedAtMs,
      nextMs: 'arrivalsMs' in options.arrivals ? arrivalsOf(options.arrivals) : arrivals(options.arrivals),
      send: (dueAtMs) => producer.send(dueAtMs),
      onLag: (lagMs) => tally.lagged(lagMs),
    });
    stop.addEventListener('abort', () => pacer.stop());
    if (stop.aborted) pacer.stop();
    const figures = (lastWindows?: number) => ({
      ...tally.figures(clock.now(), lastWindows),
      duplicates: client.counts.duplicates,
      startedAtMonotonicMs,
      allSent,
    });
    const reports = setInterval(() => report(figures(reportedWindows)), reportEveryMs);
    try {
      await pacer.ended;
      await client.flush();
      allSent = true;
      report(figures(reportedWindows));
      await producer.settled(options.settleMs ?? defaultSettleMs, enough);
      const records = tally.records();
      return { ...figures(), ...(records && { records }) };
    } finally {
      clearInterval(reports);
    }
  } finally {
    await client.close();
  }
}
