/** The options of the commands: text from the command line, checked and with their defaults. */
import { availableParallelism } from 'node:os';
import { isAbsolute, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { CommandError } from './errors.js';
import { arrivalPatterns } from './load/arrivals.js';
import { shippedModel } from './paths.js';

const positive = z.coerce.number().positive();
const path = z
  .string()
  .min(1)
  .transform((text) => (isAbsolute(text) ? text : resolve(text)));

/** One worker a core, as inference runs on one thread each; beyond four a laptop is no longer usable beside it. */
const defaultWorkers = Math.min(4, Math.max(2, availableParallelism()));

export const systemOptions = z.object({
  model: path.default(shippedModel),
  workers: z.coerce.number().int().min(1).max(64).default(defaultWorkers),
  executor: z.enum(['onnxruntime', 'emulated']).default('onnxruntime'),
  deviceProfile: path.optional(),
  policy: z.string().min(1).default('slackfit'),
  restore: z.boolean().default(false),
  store: path.optional(),
  logs: path.optional(),
  json: z.boolean().default(false),
});
export type SystemChoices = z.infer<typeof systemOptions>;

export const demoOptions = systemOptions
  .extend({
    seconds: positive.max(86_400).default(30),
    rate: positive.max(1_000_000).optional(),
    arrivalPattern: z.enum(arrivalPatterns).default('gamma'),
    burstiness: positive.max(1_000).default(0.25),
    sloMs: positive.max(60_000).optional(),
    seed: z.coerce.number().int().default(1),
    killWorkerAt: z.coerce.number().min(0).optional(),
    picture: path.optional(),
  })
  .refine(({ killWorkerAt, seconds }) => killWorkerAt === undefined || killWorkerAt < seconds, {
    path: ['killWorkerAt'],
    message: 'must lie before the end of the load (--seconds)',
  });
export type DemoChoices = z.infer<typeof demoOptions>;

/** Adds what every command that starts a system takes. */
export function addSystemOptions(command: Command): Command {
  return command
    .option('--model <dir>', 'folder of the model to serve (default: the one that ships, models/fashion)')
    .option('--workers <n>', `worker processes (default: one a core, 2 to 4; here ${defaultWorkers})`)
    .addOption(new Option('--executor <name>', 'what runs the batches').choices(['onnxruntime', 'emulated']))
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
    .addOption(new Option('--arrival-pattern <name>', 'how queries arrive').choices([...arrivalPatterns]))
    .option('--burstiness <k>', 'gamma arrivals: the shape 1 / CV² of the gaps; smaller is burstier (default: 0.25)')
    .option('--slo-ms <ms>', 'time limit of each query (default: the model’s)')
    .option('--seed <n>', 'of the arrivals (default: 1)')
    .option('--kill-worker-at <s>', 'end one worker with SIGKILL after so many seconds of load')
    .option('--picture <file>', 'write the last view as an SVG');
}

/** Checks what commander read. Throws `CommandError` naming the first option that is wrong. */
export function readOptions<T>(schema: z.ZodType<T>, given: unknown): T {
  const checked = schema.safeParse(given);
  if (checked.success) return checked.data;
  const issue = checked.error.issues[0];
  const option = String(issue?.path[0] ?? '').replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new CommandError(`The option --${option} is wrong: ${issue?.message ?? 'see --help'}.`);
}
