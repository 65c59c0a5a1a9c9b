/** One load from its first query to its last answer: arrivals, pacer, producer and tally put together. */
import { connect } from '@slackline/client';
import { type Clock, type ModelEntry, systemClock } from '@slackline/shared';
import { type Arrivals, gapsMs } from './arrivals.js';
import { Pacer } from './pacer.js';
import { Producer } from './producer.js';
import { readSample } from './sample.js';
import { type Figures, Tally } from './tally.js';

/** What a load is; plain data, so that it can be handed to a thread. */
export interface LoadOptions {
  natsUrl: string;
  subjectPrefix: string;
  model: ModelEntry;
  /** Folder with the labelled rows. */
  modelDir: string;
  arrivals: Arrivals;
  seconds: number;
  sloMs: number;
}

/** After the last query, answers are waited for this long: a worker that died has been noticed well before. */
const settleLimitMs = 5_000;
const reportEveryMs = 250;
/** A view shows no more; the last figures have all. */
const reportedWindows = 120;

/** Connects and sends the load. `stop` ends the sending early; answers that are due are still waited for. */
export async function generateLoad(
  options: LoadOptions,
  report: (figures: Figures) => void,
  stop: AbortSignal,
  clock: Clock = systemClock,
): Promise<Figures> {
  const { model, sloMs } = options;
  const sample = await readSample(options.modelDir);
  const client = await connect({ url: options.natsUrl, prefix: options.subjectPrefix, name: 'slackline-load' });
  try {
    const startedAtMs = clock.now();
    const tally = new Tally({ sloMs, startedAtMs });
    const figures = (lastWindows?: number) => ({
      ...tally.figures(clock.now(), lastWindows),
      duplicates: client.counts.duplicates,
    });
    const producer = new Producer({ client, clock, tally, sample, model, sloMs });
    const pacer = new Pacer(clock, {
      startedAtMs,
      nextGapMs: gapsMs(options.arrivals),
      durationMs: options.seconds * 1_000,
      send: (dueAtMs) => producer.send(dueAtMs),
      onLag: (lagMs) => tally.lagged(lagMs),
    });
    stop.addEventListener('abort', () => pacer.stop());
    if (stop.aborted) pacer.stop();
    const reports = setInterval(() => report(figures(reportedWindows)), reportEveryMs);
    try {
      await pacer.ended;
      await client.flush();
      await producer.settled(settleLimitMs);
      return figures();
    } finally {
      clearInterval(reports);
    }
  } finally {
    await client.close();
  }
}
