/**
 * Replay of the Azure Functions trace of 2019 (Shahrad et al., USENIX ATC'20): invocations per function and minute,
 * squeezed into a shorter time and scaled to another mean rate, as the SuperServe paper does.
 *
 * Scaling keeps the profile exactly: of the first x recorded invocations, minute by minute, round(factor · x) are kept,
 * so that no minute and no sum of minutes is off by more than one query. Where in its minute a query arrives was never
 * recorded: `spread` says what is assumed.
 */
import { basename } from 'node:path';
import { type Recorded, readCounts, readTotals } from './azure-counts.js';
import { seededRandom, streams } from './random.js';
import { checkShape, type Shape } from './shape.js';
import type { ReadOptions } from './source.js';
import { checkLength, type Trace } from './trace.js';

/**
 * `uniform`: anywhere in the minute, independent of each other, as the requests of many users are. `even`: each
 * function spaces its invocations of a minute evenly, from a random phase that it keeps, as timers do.
 */
export const spreads = ['uniform', 'even'] as const;
export type Spread = (typeof spreads)[number];

/** Every recorded invocation becomes one query unless a rate is given; `seed` is of the places within the minutes. */
export interface AzureOptions extends ReadOptions, Shape {
  /** `uniform` unless said otherwise. */
  spread?: Spread | undefined;
}

/**
 * The recorded days, one after the other in the order of `files`. Reads them once, and twice for `even`; holds one
 * number per minute and one per query.
 *
 * Throws `malformed_trace`, `trace_file`, `trace_too_long`, `invalid_trace`.
 */
export async function replayAzure(files: readonly string[], options: AzureOptions = {}): Promise<Trace> {
  checkShape(options);
  const { seed = 1, spread = 'uniform', rate } = options;
  const recorded = await readTotals(files, options);
  const minutes = recorded.perMinute.length;
  const durationMs = 1_000 * (options.seconds ?? 60 * minutes);
  const factor = rate === undefined ? 1 : (rate * durationMs) / 1_000 / recorded.invocations;
  const name = nameOf(files, options);
  checkLength(factor * recorded.invocations, name);
  const scale = {
    kept: (invocations: number) => Math.floor(0.5 + factor * invocations),
    minuteMs: durationMs / minutes,
  };
  const random = seededRandom(seed, streams.places);
  const arrivalsMs =
    spread === 'uniform' ? uniform(recorded, scale, random) : await even(files, recorded, scale, random, options);
  // The last place of the last minute may have been rounded up to the end.
  const last = durationMs * (1 - Number.EPSILON);
  for (let i = arrivalsMs.length - 1; i >= 0 && (arrivalsMs[i] ?? 0) > last; i--) arrivalsMs[i] = last;
  const counts = `${recorded.invocations} invocations of ${recorded.functions} functions in ${minutes} minutes`;
  const note = `${counts} (Azure Functions Trace 2019: Shahrad et al., USENIX ATC'20, CC-BY 4.0)`;
  return { name, note, arrivalsMs, durationMs };
}

interface Scale {
  /** Queries for the first so many invocations. */
  kept: (invocations: number) => number;
  minuteMs: number;
}

function uniform({ perMinute, invocations }: Recorded, { kept, minuteMs }: Scale, random: () => number): Float64Array {
  const arrivalsMs = new Float64Array(kept(invocations));
  let counted = 0;
  let from = 0;
  perMinute.forEach((count, minute) => {
    counted += count;
    const to = kept(counted);
    for (let i = from; i < to; i++) arrivalsMs[i] = (minute + random()) * minuteMs;
    arrivalsMs.subarray(from, to).sort();
    from = to;
  });
  return arrivalsMs;
}

async function even(
  files: readonly string[],
  { perMinute, invocations }: Recorded,
  { kept, minuteMs }: Scale,
  random: () => number,
  options: ReadOptions,
): Promise<Float64Array> {
  const arrivalsMs = new Float64Array(kept(invocations));
  let placed = 0;
  // Invocations before each minute, and then also those of the functions that were read already.
  const before = new Float64Array(perMinute.length);
  for (let minute = 1; minute < perMinute.length; minute++)
    before[minute] = (before[minute - 1] ?? 0) + (perMinute[minute - 1] ?? 0);
  let phase = 0;
  const onFunction = () => {
    phase = random();
  };
  await readCounts(files, { ...options, onFunction }, (minute, count) => {
    const start = before[minute] ?? 0;
    before[minute] = start + count;
    const queries = kept(start + count) - kept(start);
    for (let i = 0; i < queries; i++) arrivalsMs[placed++] = (minute + (i + phase) / queries) * minuteMs;
  });
  return arrivalsMs.sort();
}

function nameOf(files: readonly string[], { seconds, rate, seed = 1, spread = 'uniform' }: AzureOptions): string {
  const options = { seconds, rate, seed, spread };
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const all = [...files.map((file): [string, unknown] => ['file', basename(file)]), ...given];
  return `azure:${all.map(([name, value]) => `${name}=${value}`).join(',')}`;
}
