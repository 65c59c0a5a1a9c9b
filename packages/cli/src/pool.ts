/** The workers of a system: so many, or so many of each device class. */
import { namePattern } from '@slackline/shared';
import { z } from 'zod';

/** Workers of one device class, which only emulated ones can choose. */
export interface WorkersOfClass {
  deviceClass: string;
  count: number;
}
export type Pool = number | readonly WorkersOfClass[];

const mostWorkers = 64;
const error = `takes a whole number from 1 to ${mostWorkers}, or device classes as in emulated-v100:6,emulated-quarter-v100:2`;

/** `6`, or `emulated-v100:6,emulated-quarter-v100:2`. */
export const poolOption = z.union([z.string(), z.number()]).transform((given, context): Pool => {
  const text = String(given);
  const pool = text.includes(':') ? text.split(',').map(classOf) : Number(text);
  const counts = typeof pool === 'number' ? [pool] : pool.map((each) => each?.count ?? Number.NaN);
  const isWhole = counts.every((count) => Number.isInteger(count) && count >= 1);
  if (isWhole && counts.reduce((sum, count) => sum + count, 0) <= mostWorkers) {
    return typeof pool === 'number' ? pool : pool.filter((each) => each !== undefined);
  }
  context.addIssue({ code: 'custom', message: error });
  return z.NEVER;
});

/** How many workers it has in all. */
export function sizeOf(pool: Pool): number {
  return typeof pool === 'number' ? pool : pool.reduce((sum, { count }) => sum + count, 0);
}

/** How many are of one of these classes. @param classOfAll the class of a pool that names none */
export function sizeOfClasses(pool: Pool, classes: ReadonlySet<string>, classOfAll: string): number {
  if (typeof pool === 'number') return classes.has(classOfAll) ? pool : 0;
  return sizeOf(pool.filter(({ deviceClass }) => classes.has(deviceClass)));
}

function classOf(text: string): WorkersOfClass | undefined {
  const [deviceClass = '', count = '', ...more] = text.split(':');
  return namePattern.test(deviceClass) && more.length === 0 && /^\d+$/.test(count)
    ? { deviceClass, count: Number(count) }
    : undefined;
}
