/** The options of `simulate`, checked and with their defaults. */
import { resolve } from 'node:path';
import { defaultPolicy } from '@slackline/scheduling';
import { type Command, Option } from 'commander';
import { z } from 'zod';

// What a check says ends a sentence that begins with the option.
const takesNumber = (which: string, fits: (value: number) => boolean) => {
  const error = `takes ${which}`;
  return z.coerce.number({ error }).refine(fits, { error });
};
const milliseconds = takesNumber('a number of milliseconds, 0 or more', (value) => value >= 0 && value <= 60_000);
/** Given several times, or with commas between them. */
const list = (values: string[]) => values.flatMap((text) => text.split(',')).filter((text) => text !== '');

const takesWorkers = 'takes a number of workers from 1 to 999999, or <device class>:<number>';
/** `8`, or `emulated-v100:8`. */
const workers = z.string().transform((text, context) => {
  const [, deviceClass, count] = /^(?:([^:]+):)?(\d{1,6})$/.exec(text.trim()) ?? [];
  if (Number(count ?? 0) >= 1) return { deviceClass, count: Number(count) };
  context.addIssue({ code: 'custom', message: takesWorkers });
  return z.NEVER;
});

/** `3@12`: worker 3 after 12 s; `every:12`: one more worker every 12 s. */
const kill = z.string().transform((text, context) => {
  const [, worker, atS] = /^(\d{1,6})@(\d+(?:\.\d+)?)$/.exec(text.trim()) ?? [];
  if (worker !== undefined) return { worker: Number(worker), atMs: Number(atS) * 1_000 };
  const everyS = Number(/^every:(\d+(?:\.\d+)?)$/.exec(text.trim())?.[1] ?? 0);
  if (everyS > 0) return { everyMs: everyS * 1_000 };
  context.addIssue({ code: 'custom', message: 'takes <worker>@<second>, or every:<seconds>' });
  return z.NEVER;
});

export const simulateOptions = z.object({
  trace: z.string().min(1).default('gamma:rate=6400,cv2=4,seconds=30'),
  policy: z
    .array(z.string())
    .transform(list)
    .pipe(z.array(z.string()).min(1, { error: 'takes names of policies' }))
    .optional(),
  workers: z
    .array(z.string())
    .transform(list)
    .pipe(z.array(workers).min(1, { error: takesWorkers }))
    .default([{ deviceClass: undefined, count: 8 }]),
  profile: z.array(z.string().min(1)).optional(),
  sloMs: takesNumber('a number above 0 and at most 60000', (value) => value > 0 && value <= 60_000).optional(),
  kill: z.array(z.string()).transform(list).pipe(z.array(kill)).default([]),
  busDelayMs: milliseconds.default(0),
  actuationDelayMs: milliseconds.default(0),
  seed: takesNumber('a whole number', Number.isSafeInteger).default(1),
  svg: z
    .string()
    .min(1)
    .transform((path) => resolve(path))
    .optional(),
  json: z.boolean().default(false),
});
export type SimulateChoices = z.infer<typeof simulateOptions>;

export function addSimulateOptions(command: Command): Command {
  return command
    .option(
      '--trace <text>',
      'when queries arrive: a generator such as gamma:rate=400,cv2=4, or a file (docs/traces.md)',
    )
    .addOption(
      repeated(
        '--policy <names>',
        `policies to compare, e.g. slackfit,maxacc,fixed:largest (default: ${defaultPolicy},slackfit)`,
      ),
    )
    .addOption(repeated('--workers <n>', 'workers, e.g. 8 or emulated-v100:8 (default: 8)'))
    .addOption(
      repeated('--profile <file>', 'latency profile, or `measured`: this machine’s (default: six ResNets on a V100)'),
    )
    .option('--slo-ms <ms>', 'time limit of each query (default: the trace’s, then the profile’s)')
    .addOption(repeated('--kill <when>', 'end workers: 0@5 is worker 0 after 5 s, every:12 one more every 12 s'))
    .option('--bus-delay-ms <ms>', 'one way between scheduler and worker (default: 0)')
    .option('--actuation-delay-ms <ms>', 'what a change of subnet costs unknown to the scheduler (default: 0)')
    .option('--seed <n>', 'of the trace, where it names none, and of the noise (default: 1)')
    .option('--svg <file>', 'write a plot of load, attainment, accuracy and batches over time')
    .option('--json', 'print the results as one line of JSON on standard output');
}

/** An option that may be given several times. */
function repeated(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text, before: string[] = []) => [...before, text]);
}
