/** The options of `soak`. */
import { durationMs } from '@slackline/chaos';
import type { Command } from 'commander';
import { z } from 'zod';
import { numberUpTo, path, takesNumber } from '../options.js';

const whole = (least: number, most: number) =>
  takesNumber(
    `a whole number from ${least} to ${most}`,
    (value) => Number.isInteger(value) && value >= least && value <= most,
  );

export const soakOptions = z.object({
  minutes: numberUpTo(10_000).default(10),
  seed: takesNumber('a whole number', Number.isSafeInteger).default(1),
  rate: numberUpTo(100_000).default(100),
  producers: whole(1, 100).default(3),
  workers: whole(2, 64).default(4),
  schedulers: whole(2, 16).default(3),
  ingests: whole(2, 16).default(2),
  every: z
    .string()
    .transform((text) => durationMs(text) ?? Number.NaN)
    .refine((ms) => ms >= 500, { error: 'takes a time of half a second or more, as 5s' })
    .default(5_000),
  out: path.optional(),
  logs: path.optional(),
  json: z.boolean().default(false),
});
export type SoakChoices = z.infer<typeof soakOptions>;

export function addSoakOptions(command: Command): Command {
  return command
    .option('--minutes <n>', 'load and quiet windows together (default: 10)')
    .option('--seed <n>', 'of the faults and of the load (default: 1)')
    .option('--rate <n>', 'queries a second in the mean (default: 100)')
    .option('--producers <n>', 'producers at a time; they come and go (default: 3)')
    .option('--workers <n>', 'emulated workers (default: 4)')
    .option('--schedulers <n>', 'of which one leads (default: 3)')
    .option('--ingests <n>', 'that share the queries (default: 2)')
    .option('--every <time>', 'mean time from one fault to the next (default: 5s)')
    .option('--out <dir>', 'write soak.md and soak.svg into this folder')
    .option('--logs <dir>', 'write the log of each process into this folder')
    .option('--json', 'print the result as one line of JSON on standard output; progress goes to standard error');
}
