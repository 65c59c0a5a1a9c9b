/** What the profiler is told: environment variables. */
import { commonConfig, listFrom, numberFrom, replyPrefixes } from '@slackline/shared';
import { z } from 'zod';

export const profilerConfig = commonConfig.extend({
  /** Model folders to serve, separated by commas. */
  MODELS_DIRS: listFrom.default([]),
  /** Where latency profiles are kept between runs. */
  PROFILE_DIR: z.string().min(1).default('.cache/profiles'),
  /** Latency tables of emulated device classes, JSON files separated by commas. */
  EMULATED_PROFILES: listFrom.default([]),
  /** Workers of a device class that share a host and are timed together. */
  WORKERS_EXPECTED: numberFrom(z.number().int().min(1)).default(1),
  /** How long the first workers of a class wait for the others before they are timed alone. */
  WORKERS_WAIT_MS: numberFrom(z.number().min(0)).default(10_000),
  /** Batch sizes that are timed, ascending. */
  BATCHES: listFrom
    .transform((items) => items.map(Number))
    .pipe(z.array(z.int().min(1)).min(1))
    .default([1, 2, 4, 8, 16]),
  /** Time spent on each (subnet, batch) of a latency profile, in milliseconds. */
  CELL_BUDGET_MS: numberFrom(z.number().positive()).default(200),
  /** How long workers may take to load a submitted model before it is published without those that could not. */
  LOAD_WAIT_MS: numberFrom(z.number().min(0)).default(60_000),
  /** Scheduling priority of the builds of submissions, 0 to 19: they leave the cores to those who serve. */
  BUILD_NICENESS: numberFrom(z.number().int().min(0).max(19)).default(10),
  /** Where requests may be answered: reply subjects must begin with one of these. */
  ALLOWED_REPLY_PREFIXES: replyPrefixes,
});
export type ProfilerConfig = z.infer<typeof profilerConfig>;
