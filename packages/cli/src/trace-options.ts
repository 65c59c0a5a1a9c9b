/** The options of the commands that make and show traces, checked and with their defaults. */
import { resolve } from 'node:path';
import { z } from 'zod';

// What a check says ends a sentence that begins with the option.
const path = z
  .string()
  .min(1, { error: 'takes a path' })
  .transform((text) => resolve(text));
const numberUpTo = (most: number) => {
  const error = `takes a number above 0 and at most ${most}`;
  return z.coerce.number({ error }).positive({ error }).max(most, { error });
};
const wholeNumber = z.coerce
  .number({ error: 'takes a whole number' })
  .refine(Number.isSafeInteger, { error: 'takes a whole number' });

const shape = {
  seconds: numberUpTo(1e7).optional(),
  rate: numberUpTo(1e7).optional(),
  seed: wholeNumber.optional(),
  json: z.boolean().default(false),
};
export const traceMakeOptions = z.object({ ...shape, out: path });
export const traceShowOptions = z.object({ ...shape, svg: path.optional(), window: numberUpTo(1e7).optional() });
export type TraceMakeChoices = z.infer<typeof traceMakeOptions>;
export type TraceShowChoices = z.infer<typeof traceShowOptions>;
