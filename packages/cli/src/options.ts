/** The options of the commands: text from the command line, checked and with their defaults. */
import { availableParallelism } from 'node:os';
import { isAbsolute, resolve } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { OptionError } from './errors.js';
import { arrivalPatterns } from './load/arrivals.js';
import { shippedModel } from './paths.js';

/** Executors as a worker knows them; docs/gpu.md tells what each needs. */
const executors = ['cpu', 'auto', 'webgpu', 'cuda', 'emulated'] as const;

// What a check says ends a sentence that begins with the option.
const takesNumber = (which: string, fits: (value: number) => boolean) => {
  const error = `takes ${which}`;
  return z.coerce.number({ error }).refine(fits, { error });
};
const numberUpTo = (most: number) =>
  takesNumber(`a number above 0 and at most ${most}`, (value) => value > 0 && value <= most);
const wholeNumber = (least: number, most: number) =>
  takesNumber(
    `a whole number from ${least} to ${most}`,
    (value) => Number.isInteger(value) && value >= least && value <= most,
  );
const oneOf = <const T extends string>(names: readonly T[]) => z.enum(names, { error: `takes ${listed(names)}` });
const path = z
  .string()
  .min(1, { error: 'takes a path' })
  .transform((text) => (isAbsolute(text) ? text : resolve(text)));

/** "a, b or c". */
function listed(names: readonly string[]): string {
  return names.join(', ').replace(/, (?=[^,]*$)/, ' or ');
}

/** One worker a core, as inference runs on one thread each; beyond four a laptop is no longer usable beside it. */
const defaultWorkers = Math.min(4, Math.max(2, availableParallelism()));

export const systemOptions = z.object({
  model: path.default(shippedModel),
  workers: wholeNumber(1, 64).default(defaultWorkers),
  executor: z
    .preprocess((name) => (name === 'onnxruntime' ? 'cpu' : name), oneOf(executors).optional())
    .transform((name) => name ?? 'cpu'),
  deviceProfile: path.optional(),
  policy: z
    .string()
    .regex(/^(slackfit|maxbatch|maxacc|fixed:.+)$/, {
      error: 'takes slackfit, maxbatch, maxacc or fixed:<subnet>',
    })
    .default('slackfit'),
  restore: z.boolean().default(false),
  store: path.optional(),
  logs: path.optional(),
  json: z.boolean().default(false),
});
export type SystemChoices = z.infer<typeof systemOptions>;

export const demoOptions = systemOptions
  .extend({
    seconds: numberUpTo(86_400).default(30),
    rate: numberUpTo(1_000_000).optional(),
    arrivalPattern: oneOf(arrivalPatterns).default('gamma'),
    burstiness: numberUpTo(1_000).default(0.25),
    sloMs: numberUpTo(60_000).optional(),
    seed: takesNumber('a whole number', Number.isSafeInteger).default(1),
    killWorkerAt: takesNumber('a number of seconds, 0 or more', (value) => value >= 0).optional(),
    picture: path.optional(),
  })
  .refine(({ killWorkerAt, seconds }) => killWorkerAt === undefined || killWorkerAt < seconds, {
    path: ['killWorkerAt'],
    error: 'takes a moment before the end of the load (--seconds)',
  });
export type DemoChoices = z.infer<typeof demoOptions>;

/** Adds what every command that starts a system takes. */
export function addSystemOptions(command: Command): Command {
  return command
    .option('--model <dir>', 'folder of the model to serve (default: the one that ships, models/fashion)')
    .option('--workers <n>', `worker processes (default: one a core, 2 to 4; here ${defaultWorkers})`)
    .option('--executor <name>', `what runs the batches: ${listed(executors)} (default: cpu)`)
    .option('--device-profile <file>', 'latency table that emulated workers follow (default: the one of this machine)')
    .option('--policy <name>', 'scheduling policy: slackfit, maxbatch, maxacc or fixed:<subnet>')
    .option('--restore', 'start a worker again that died')
    .option('--store <dir>', 'keep the streams in this folder (default: a temporary one)')
    .option('--logs <dir>', 'write the log of each process into this folder')
    .option('--json', 'print the result as one line of JSON on standard output; progress goes to standard error');
}

export function addLoadOptions(command: Command): Command {
  return command
    .option('--seconds <s>', 'how long to send queries (default: 30)')
    .option('--rate <n>', 'queries a second in the mean (default: chosen from the latency profile)')
    .option('--arrival-pattern <name>', `how queries arrive: ${listed(arrivalPatterns)} (default: gamma)`)
    .option('--burstiness <k>', 'gamma arrivals: the shape 1 / CV² of the gaps; smaller is burstier (default: 0.25)')
    .option('--slo-ms <ms>', 'time limit of each query (default: the model’s)')
    .option('--seed <n>', 'of the arrivals (default: 1)')
    .option('--kill-worker-at <s>', 'end one worker with SIGKILL after so many seconds of load')
    .option('--picture <file>', 'write the last view as an SVG');
}

/** Checks what commander read. Throws `OptionError` that names the first option that is wrong, and what it takes. */
export function readOptions<T>(schema: z.ZodType<T>, given: Readonly<Record<string, unknown>>): T {
  const checked = schema.safeParse(given);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  const name = String(issue?.path[0] ?? '');
  const option = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new OptionError(`--${option} ${issue?.message ?? 'is wrong'}, not ${JSON.stringify(given[name])}`);
}
