/** Which columns of an Azure Functions file count the invocations of which minute. */
import { TraceError } from './errors.js';

const lastMinute = 1_440;
/**
 * Columns that have a number in their name and count no invocations, as in the data set's files of durations and
 * memory.
 */
const otherColumns = /hash|trigger|percentile|pct|average/i;

/** Names that are minutes even where no other column is one. */
const plainMinute = /^(\d+|\d+_minute|minute_\d+)$/i;

export interface MinuteColumns {
  /** Per minute column: its place in a row. */
  places: readonly number[];
  /** And its minute, from 0 for the first that the file has. */
  minutes: readonly number[];
  /** From the first to the last minute that the file has. */
  count: number;
}

/**
 * Columns whose only number is the minute, 0 to 1440: `1`, `1_minute`, `minute_1`. Their order does not matter, nor
 * what else is there; a day may begin late, end early and have gaps. Throws `malformed_trace` when there are none,
 * two of one minute, or one alone whose name says more than its number.
 */
export function minuteColumns(header: readonly string[], file: string): MinuteColumns {
  const places = new Map<number, number>();
  header.forEach((name, place) => {
    const minute = minuteOf(name);
    if (minute === undefined) return;
    if (places.has(minute)) throw new TraceError('malformed_trace', `${file} has two columns of minute ${minute}`);
    places.set(minute, place);
  });
  if (places.size === 0) {
    const named = 'a column per minute, such as 1 or 1_minute (invocations_per_function_md… files have them)';
    throw new TraceError('malformed_trace', `${file} has no counts of invocations: there is not ${named}`);
  }
  const [alone] = places.size === 1 ? places.values() : [];
  const name = header[alone ?? -1]?.trim();
  if (name !== undefined && !plainMinute.test(name)) {
    const named = `one column with a number, ${name.slice(0, 60)}, which is not named as a minute is (1, 1_minute)`;
    throw new TraceError('malformed_trace', `${file} has no counts of invocations: it has ${named}`);
  }
  const sorted = [...places].sort(([a], [b]) => a - b);
  const first = sorted[0]?.[0] ?? 0;
  const last = sorted.at(-1)?.[0] ?? 0;
  return {
    places: sorted.map(([, place]) => place),
    minutes: sorted.map(([minute]) => minute - first),
    count: last - first + 1,
  };
}

/** The minute that a column counts, 0 to 1440. */
export function minuteOf(name: string): number | undefined {
  const numbers = name.match(/\d+/g) ?? [];
  const minute = Number(numbers[0]);
  return numbers.length === 1 && minute <= lastMinute && !otherColumns.test(name) ? minute : undefined;
}
