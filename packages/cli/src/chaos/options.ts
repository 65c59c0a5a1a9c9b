/** The options of `slackline chaos`. */
import { durationMs, type FaultKind, presetNames, presets, readHypothesis, readSeries } from '@slackline/chaos';
import type { Command } from 'commander';
import { z } from 'zod';
import {
  addArrivalOptions,
  addJsonOption,
  addServiceOptions,
  executors,
  loadShape,
  oneOf,
  path,
  systemOptions,
  takesNumber,
} from '../options.js';
import { poolOption } from '../pool.js';

/** Text that `read` understands, as often as it is given. What it throws says what the option takes. */
const each = <T>(read: (text: string) => T) =>
  z
    .array(z.string())
    .default([])
    .transform((texts, context) => {
      try {
        return texts.map(read);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        context.addIssue({ code: 'custom', message: error.message });
        return z.NEVER;
      }
    });

const time = z.string().transform((text, context) => {
  const ms = durationMs(text);
  if (ms !== undefined) return ms;
  context.addIssue({ code: 'custom', message: 'takes a time above 0, as 12s or 300ms' });
  return z.NEVER;
});

const series = (kind: FaultKind) => each((text) => readSeries(kind, text));
const commonRestore = '1s';
/** CV² 2, as in the paper's experiment. */
export const defaultBurstiness = 0.5;

// What a preset says must be told from what a person said: nothing has a default here that a preset could have.
export const chaosOptions = systemOptions.omit({ restore: true, executor: true, workers: true }).extend({
  ...loadShape,
  burstiness: loadShape.burstiness.unwrap().optional(),
  arrivalPattern: loadShape.arrivalPattern.unwrap().optional(),
  executor: z
    .preprocess((name) => (name === 'onnxruntime' ? 'cpu' : name), oneOf(executors).optional())
    .transform((name) => name ?? 'emulated'),
  workers: poolOption.optional(),
  preset: oneOf(presetNames).optional(),
  kill: series('kill'),
  pause: series('pause'),
  cut: series('cut'),
  restart: series('restart'),
  every: time.optional(),
  for: time.optional(),
  /** Without a value it is true. */
  restore: z.preprocess((given) => (given === true ? commonRestore : given), time.optional()),
  jitter: takesNumber('a share from 0 to 1', (value) => value >= 0 && value <= 1).optional(),
  hypothesis: each(readHypothesis),
  nats: z.string().min(1, { error: 'takes a URL' }).optional(),
  out: path.optional(),
});
export type ChaosChoices = z.infer<typeof chaosOptions>;

const again = (value: string, before: string[] = []) => [...before, value];
const more = ':every=…,from=…,count=…';

export function addChaosOptions(command: Command): Command {
  const listed = presetNames.map((name) => `  ${name.padEnd(9)} ${presets[name].title}`).join('\n');
  const chaos = command
    .option('--preset <name>', `a run with a name: ${presetNames.join(', ')}`)
    .option(`--kill <role[${more},restore=…]>`, 'SIGKILL: worker, scheduler (the leader), ingest or nats', again)
    .option(`--pause <role[${more},for=…]>`, 'SIGSTOP, and SIGCONT after a time', again)
    .option(
      `--cut <role[${more},for=…,how]>`,
      'its connection: drop (default), reset, delay=20ms, half-open=in, half-open=out',
      again,
    )
    .option(`--restart <role[${more}]>`, 'SIGTERM, and started again when it has ended', again)
    .option('--every <time>', 'from one fault to the next (default: 5s)')
    .option('--for <time>', 'how long a pause or a cut lasts (default: 2s)')
    .option(
      '--restore [time]',
      `start what was killed again after so long (default: not at all, but the broker after 1s; ${commonRestore} without a time)`,
    )
    .option('--jitter <share>', 'how much of the interval a fault may come early or late, drawn (default: 0)')
    .option('--hypothesis <text>', 'what the run must show, as attainment>=0.99; may be repeated', again)
    .option('--nats <url>', 'do it to the system that runs there, and start none')
    .option('--out <dir>', 'write report.md, report.json and timeline.svg into this folder');
  const arrivals = {
    burstiness: defaultBurstiness,
    rate: 'SuperServe’s 437.5 a worker, less as far as its device is slowed; the preset’s, where it has one',
  };
  const pair = '2 where one is hit, else 1';
  const services = {
    executor: 'emulated',
    deviceProfile: 'SuperServe’s table of a V100, slowed as far as this machine needs it',
    ...{ schedulers: pair, ingests: pair },
  };
  return addJsonOption(addServiceOptions(addArrivalOptions(chaos, arrivals), services)).addHelpText(
    'after',
    `\nPresets:\n${listed}\n\nWhat is said beside a preset wins over it. The exit code is 1 when the verdict is fail. docs/chaos.md says more.`,
  );
}
