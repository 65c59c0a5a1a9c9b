/** What a recorded trace can be made to be: another length, another mean rate. */
import { z } from 'zod';
import { TraceError } from './errors.js';

export interface Shape {
  /** How long it is to last: all times are multiplied by one number. As it is, unless said otherwise. */
  seconds?: number | undefined;
  /** Queries a second in the mean. As it is, unless said otherwise. */
  rate?: number | undefined;
  /** Of what is drawn; 1 unless said otherwise. */
  seed?: number | undefined;
}

// What a check says ends a sentence that begins with the option.
const upTo = (most: number) => {
  const error = `takes a number above 0 and at most ${most}`;
  return z.number({ error }).positive({ error }).max(most, { error });
};
const wholeNumber = z.number({ error: 'takes a whole number' }).refine(Number.isSafeInteger, {
  error: 'takes a whole number',
});

export const shapeFields = {
  seconds: upTo(1e8).optional(),
  rate: upTo(1e7).optional(),
  seed: wholeNumber.optional(),
};
const shapeSchema = z.object(shapeFields);

/** Throws `invalid_trace` for numbers that make no trace. */
export function checkShape(shape: Shape): void {
  const [issue] = shapeSchema.safeParse(shape).error?.issues ?? [];
  if (issue === undefined) return;
  const name = issue.path[0] as keyof Shape;
  throw new TraceError('invalid_trace', `The ${name} of a trace ${issue.message}, not ${String(shape[name])}`);
}
