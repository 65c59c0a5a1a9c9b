/** Options that hold for all queries or for shares of them: `0.9`, `0.9:0.2`, `low:0.3,high:0.1`. */
import type { Share } from '@slackline/load';
import { priorities } from '@slackline/shared';
import { z } from 'zod';

const text = z.string();
const share = z.coerce.number().gt(0).max(1);
const accuracy = z.coerce.number().min(0).max(1);
const priority = z.enum(priorities);

/** Of the queries that are left over, none asks for an accuracy. */
export const accuracyShares = sharesOf(
  accuracy,
  0,
  'takes an accuracy from 0 to 1, or parts of the queries as in 0.9:0.2',
);
/** The queries that are left over are `normal`. */
export const priorityShares = sharesOf(
  priority,
  'normal',
  `takes ${priorities.join(', ')}, or parts of the queries as in low:0.3,high:0.1`,
);

/** @param rest what the queries get that are in no share */
function sharesOf<T>(schema: z.ZodType<T>, rest: T, error: string) {
  return text.transform((given, context): Share<T>[] => {
    const shares = given.split(',').map((part) => readShare(part, schema));
    const left = 1 - shares.reduce((sum, each) => sum + (each?.share ?? Number.NaN), 0);
    // Shares as people write them do not add up to 1 to the last digit.
    if (left > -1e-9 && shares.every((each) => each !== undefined)) {
      return left < 1e-9 ? shares : [...shares, { value: rest, share: left }];
    }
    context.addIssue({ code: 'custom', message: error });
    return z.NEVER;
  });
}

function readShare<T>(part: string, schema: z.ZodType<T>): Share<T> | undefined {
  const [name = '', size = '1', ...more] = part.split(':');
  const value = schema.safeParse(name.trim() === '' ? undefined : name);
  const sized = share.safeParse(size);
  if (!value.success || !sized.success || more.length > 0) return undefined;
  return { value: value.data, share: sized.data };
}
