/** Timing and summing up. */

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2;
}

/** Median and largest of values that are medians themselves. */
export interface Summary {
  readonly median: number;
  readonly max: number;
}

export function summary(values: readonly number[]): Summary {
  return { median: median(values), max: Math.max(...values) };
}

/** Milliseconds that it takes. */
export async function timed(run: () => unknown): Promise<number> {
  const begun = performance.now();
  await run();
  return performance.now() - begun;
}

/** `count` of `all`, evenly spaced, first and last among them. */
export function spread<T>(all: readonly T[], count: number): T[] {
  const last = all.length - 1;
  const picked = Array.from({ length: count }, (_, i) => all[Math.round((i * last) / Math.max(1, count - 1))]);
  return [...new Set(picked)].filter((one): one is T => one !== undefined);
}

/** Input bytes that follow from nothing but their position. */
export function pixels(count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => (i * 2_654_435_761) >>> 24);
}

/** Numbers rounded to four significant digits, at any depth: what is printed. */
export function rounded<T>(value: T): T {
  const text = JSON.stringify(value, (_, v: unknown) => {
    return typeof v === 'number' && !Number.isInteger(v) ? Number(v.toPrecision(4)) : v;
  });
  return JSON.parse(text) as T;
}
