/** The options of the commands that talk to a running system, checked and with their defaults. */
import { resolve } from 'node:path';
import { defaultSloMs } from '@slackline/shared';
import type { Command } from 'commander';
import { z } from 'zod';

// What a check says ends a sentence that begins with the option.
const path = z
  .string()
  .min(1, { error: 'takes a path' })
  .transform((text) => resolve(text));
const wholeNumber = (least: number, most: number) => {
  const error = `takes a whole number from ${least} to ${most}`;
  return z.coerce.number({ error }).int({ error }).min(least, { error }).max(most, { error });
};
const milliseconds = (most: number) => {
  const error = `takes a number above 0 and at most ${most}`;
  return z.coerce.number({ error }).positive({ error }).max(most, { error });
};

export const modelsOptions = z.object({ nats: z.string().min(1).optional(), json: z.boolean().default(false) });
export type ModelsChoices = z.infer<typeof modelsOptions>;

export const showOptions = modelsOptions.extend({ svg: path.optional() });
export type ShowChoices = z.infer<typeof showOptions>;

export const profileOptions = modelsOptions.extend({ deviceClass: z.string().min(1).optional() });
export type ProfileChoices = z.infer<typeof profileOptions>;

/** Two files with a comma between them. */
const pair = z
  .string()
  .transform((text) => text.split(',').filter((name) => name !== ''))
  .pipe(z.tuple([path, path], { error: 'takes two files with a comma between them: images.npy,labels.npy' }));

export const submitOptions = modelsOptions.extend({
  onnx: path,
  spec: path,
  calibration: path.optional(),
  validation: pair,
  sloMs: milliseconds(3_600_000).default(defaultSloMs),
  quick: z.boolean().default(false),
  seed: wholeNumber(0, Number.MAX_SAFE_INTEGER).default(1),
  front: wholeNumber(2, 4_096).optional(),
  replace: z.boolean().default(false),
  detach: z.boolean().default(false),
});
export type SubmitChoices = z.infer<typeof submitOptions>;

/** Adds what every command takes that talks to a running system. */
export function addConnectionOptions(command: Command): Command {
  return command
    .option('--nats <url>', 'where the system’s NATS is (default: NATS_URL, or nats://127.0.0.1:4222)')
    .option('--json', 'print the result as one line of JSON on standard output; progress goes to standard error');
}

export function addSubmitOptions(command: Command): Command {
  return command
    .requiredOption('--onnx <file>', 'required: the largest network, as torch.onnx.export writes it')
    .requiredOption('--spec <file>', 'required: its elastic spec, JSON (docs/supernet.md)')
    .option('--calibration <file>', 'training inputs that normalization statistics are computed on, .npy')
    .requiredOption(
      '--validation <files>',
      'required: inputs it was not trained on and the class of each: images.npy,labels.npy',
    )
    .option('--slo-ms <ms>', `limit of queries that state none (default: ${defaultSloMs})`)
    .option('--quick', 'search for a minute instead of minutes')
    .option('--seed <n>', 'of the search; the same seed finds the same (default: 1)')
    .option('--front <n>', 'subnets to keep at most')
    .option('--replace', 'take the place of a model of the same name')
    .option('--detach', 'end when the submission is accepted, without following it');
}
