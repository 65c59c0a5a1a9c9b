/** The options of the commands: text from the command line, checked and with their defaults. */
import { availableParallelism } from 'node:os';
import { isAbsolute, resolve } from 'node:path';
import { defaultPolicy, isPolicyName, policyNames } from '@slackline/scheduling';
import type { Command } from 'commander';
import { z } from 'zod';
import { OptionError } from './errors.js';
import { shippedModel } from './paths.js';
import { poolOption } from './pool.js';
import { accuracyShares, priorityShares } from './shares.js';

/** How a generated load arrives; names as AIPerf and vLLM use them. */
export const arrivalPatterns = ['constant', 'poisson', 'gamma'] as const;

/** Executors as a worker knows them; docs/gpu.md tells what each needs. */
export const executors = ['cpu', 'auto', 'webgpu', 'cuda', 'emulated'] as const;

// What a check says ends a sentence that begins with the option.
export const takesNumber = (which: string, fits: (value: number) => boolean) => {
  const error = `takes ${which}`;
  return z.coerce.number({ error }).refine(fits, { error });
};
export const numberUpTo = (most: number) =>
  takesNumber(`a number above 0 and at most ${most}`, (value) => value > 0 && value <= most);
export const oneOf = <const T extends string>(names: readonly T[]) =>
  z.enum(names, { error: `takes ${listed(names)}` });
export const path = z
  .string()
  .min(1, { error: 'takes a path' })
  .transform((text) => (isAbsolute(text) ? text : resolve(text)));

const paths = z
  .string()
  .transform((text) => text.split(','))
  .pipe(z.array(path));

/** "a, b or c". */
export function listed(names: readonly string[]): string {
  return names.join(', ').replace(/, (?=[^,]*$)/, ' or ');
}

/** One worker a core, as inference runs on one thread each; beyond four a laptop is no longer usable beside it. */
const defaultWorkers = Math.min(4, Math.max(2, availableParallelism()));

const mostProcesses = 16;
const processes = takesNumber(
  `a whole number from 1 to ${mostProcesses}`,
  (value) => Number.isInteger(value) && value >= 1 && value <= mostProcesses,
);

export const systemOptions = z.object({
  model: path.default(shippedModel),
  workers: poolOption.default(defaultWorkers),
  executor: z
    .preprocess((name) => (name === 'onnxruntime' ? 'cpu' : name), oneOf(executors).optional())
    .transform((name) => name ?? 'cpu'),
  deviceProfile: paths.optional(),
  policy: z
    .string()
    .refine(isPolicyName, { error: `takes ${listed(policyNames)}` })
    .default(defaultPolicy),
  schedulers: processes.optional(),
  ingests: processes.optional(),
  storage: oneOf(['memory', 'file']).optional(),
  restore: z.boolean().default(false),
  store: path.optional(),
  logs: path.optional(),
  json: z.boolean().default(false),
});
export type SystemChoices = z.infer<typeof systemOptions>;

export const defaultSeconds = 30;

/** When queries arrive and what they ask: of every command that sends a load. */
export const loadShape = {
  trace: z.string().min(1, { error: 'takes a trace (slackline trace show --help)' }).optional(),
  seconds: numberUpTo(86_400).optional(),
  rate: numberUpTo(1_000_000).optional(),
  arrivalPattern: oneOf(arrivalPatterns).default('gamma'),
  burstiness: numberUpTo(1_000).default(0.25),
  sloMs: numberUpTo(60_000).optional(),
  minAccuracy: accuracyShares.optional(),
  priority: priorityShares.optional(),
  seed: takesNumber('a whole number', Number.isSafeInteger).default(1),
};

export const demoOptions = systemOptions
  .extend({
    ...loadShape,
    killWorkerAt: takesNumber('a number of seconds, 0 or more', (value) => value >= 0).optional(),
    picture: path.optional(),
  })
  // How long a trace lasts is known when it is read.
  .refine(({ killWorkerAt = 0, seconds = defaultSeconds, trace }) => trace !== undefined || killWorkerAt < seconds, {
    path: ['killWorkerAt'],
    error: 'takes a moment before the end of the load (--seconds)',
  });
export type DemoChoices = z.infer<typeof demoOptions>;

/** Adds what every command that starts a system takes. */
export function addSystemOptions(command: Command): Command {
  return addJsonOption(addServiceOptions(command).option('--restore', 'start a process again that died'));
}

export function addJsonOption(command: Command): Command {
  return command.option(
    '--json',
    'print the result as one line of JSON on standard output; progress goes to standard error',
  );
}

const serviceDefaults = {
  executor: 'cpu',
  deviceProfile: 'the one of this machine',
  schedulers: '1',
  ingests: '1',
};

/** Adds what is started, and how. @param defaults what holds where nothing is said, as its help has it */
export function addServiceOptions(command: Command, defaults: Partial<typeof serviceDefaults> = {}): Command {
  const { executor, deviceProfile, schedulers, ingests } = { ...serviceDefaults, ...defaults };
  return command
    .option('--model <dir>', 'folder of the model to serve (default: the one that ships, models/fashion)')
    .option(
      '--workers <n>',
      `worker processes (default: one a core, 2 to 4; here ${defaultWorkers}), or of each class: a:6,b:2`,
    )
    .option('--executor <name>', `what runs the batches: ${listed(executors)} (default: ${executor})`)
    .option('--device-profile <files>', `latency tables that emulated workers follow (default: ${deviceProfile})`)
    .option('--policy <name>', `scheduling policy: ${listed(policyNames)} (default: ${defaultPolicy})`)
    .option('--schedulers <n>', `one leads, the others stand by (default: ${schedulers})`)
    .option('--ingests <n>', `they share the queries (default: ${ingests})`)
    .option('--storage <where>', 'where streams are kept: file or memory (default: file)')
    .option('--store <dir>', 'keep the streams in this folder (default: a temporary one)')
    .option('--logs <dir>', 'write the log of each process into this folder');
}

/** Adds what the demonstration takes beside the system's options. */
export function addLoadOptions(command: Command): Command {
  return addArrivalOptions(command)
    .option('--kill-worker-at <s>', 'end one worker with SIGKILL after so many seconds of load')
    .option('--picture <file>', 'write the last view as an SVG');
}

const arrivalDefaults = { rate: 'chosen from the latency profile', burstiness: 0.25 };

/** Adds what every command takes that sends a load. @param defaults what holds where nothing is said, as its help has it */
export function addArrivalOptions(command: Command, defaults: Partial<typeof arrivalDefaults> = {}): Command {
  const { rate, burstiness } = { ...arrivalDefaults, ...defaults };
  return command
    .option('--trace <trace>', 'when queries arrive: a generator or a file (slackline trace show --help lists them)')
    .option('--seconds <s>', `how long to send queries (default: ${defaultSeconds}, or the trace’s)`)
    .option('--rate <n>', `queries a second in the mean (default: ${rate}, or the trace’s)`)
    .option(
      '--arrival-pattern <name>',
      `how queries arrive without a trace: ${listed(arrivalPatterns)} (default: gamma)`,
    )
    .option(
      '--burstiness <k>',
      `gamma arrivals: the shape 1 / CV² of the gaps; smaller is burstier (default: ${burstiness})`,
    )
    .option('--slo-ms <ms>', 'time limit of each query (default: the model’s)')
    .option('--min-accuracy <share>', 'accuracy that queries ask for at least: 0.9, or of a part of them: 0.9:0.2')
    .option('--priority <shares>', 'class of the queries: low, or of parts of them: low:0.3,high:0.1')
    .option('--seed <n>', 'of all that is drawn (default: 1)');
}

/** Checks what commander read. Throws `OptionError` that names the first option that is wrong, and what it takes. */
export function readOptions<T>(schema: z.ZodType<T>, given: Readonly<Record<string, unknown>>): T {
  const checked = schema.safeParse(given);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  const name = String(issue?.path[0] ?? '');
  const option = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new OptionError(`--${option} ${issue?.message ?? 'is wrong'}, not ${JSON.stringify(textOf(given[name]))}`);
}

/** What was given several times is one text to whoever wrote it. */
function textOf(given: unknown): unknown {
  return Array.isArray(given) ? given.join(',') : given;
}
