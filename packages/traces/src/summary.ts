/** A trace in a few numbers: how much comes, and how unevenly. */
import type { Trace } from './trace.js';

export interface TraceSummary {
  queries: number;
  seconds: number;
  /** Queries a second. */
  meanRate: number;
  /** Most queries within a window of a second, as a rate. */
  peakRate: number;
  peakOverMean: number | null;
  /**
   * Variance / mean² of the gaps between arrivals: 0 evenly spaced, 1 poisson, more is burstier. Null for fewer than
   * three.
   */
  gapCv2: number | null;
  /**
   * Variance / mean of the counts in windows of each size that fits at least ten times: 1 poisson at every size. Where
   * it grows with the window, the rate itself changes.
   */
  dispersion: { windowMs: number; index: number }[];
}

export const peakWindowMs = 1_000;
const windowsMs = [10, 100, 1_000, 10_000, 60_000] as const;
const leastWindows = 10;

export function summarize(trace: Trace): TraceSummary {
  const { arrivalsMs, durationMs } = trace;
  const meanRate = (arrivalsMs.length * 1_000) / durationMs;
  const peakRate = peakRateOf(trace, Math.min(peakWindowMs, durationMs));
  return {
    queries: arrivalsMs.length,
    seconds: durationMs / 1_000,
    meanRate,
    peakRate,
    peakOverMean: meanRate > 0 ? peakRate / meanRate : null,
    gapCv2: gapCv2(arrivalsMs),
    dispersion: windowsMs
      .filter((windowMs) => arrivalsMs.length > 0 && windowMs * leastWindows <= durationMs)
      .map((windowMs) => ({ windowMs, index: dispersionOf(trace, windowMs) })),
  };
}

/**
 * Queries per window of that length; the last window is left out when it is not whole. One number for each window,
 * however few have a query.
 */
export function countsPer({ arrivalsMs, durationMs }: Trace, windowMs: number): Float64Array {
  const counts = new Float64Array(wholeWindows(durationMs, windowMs));
  for (const atMs of arrivalsMs) {
    const window = Math.floor(atMs / windowMs);
    if (window < counts.length) counts[window] = (counts[window] ?? 0) + 1;
  }
  return counts;
}

/** The same in queries a second. */
export function ratesOf(trace: Trace, windowMs: number): Float64Array {
  return countsPer(trace, windowMs).map((count) => (count * 1_000) / windowMs);
}

function gapCv2(arrivalsMs: Float64Array): number | null {
  const gaps = arrivalsMs.length - 1;
  if (gaps < 2) return null;
  const mean = ((arrivalsMs[gaps] ?? 0) - (arrivalsMs[0] ?? 0)) / gaps;
  if (mean === 0) return null;
  let squares = 0;
  for (let i = 0; i < gaps; i++) squares += ((arrivalsMs[i + 1] ?? 0) - (arrivalsMs[i] ?? 0) - mean) ** 2;
  return squares / (gaps - 1) / mean ** 2;
}

/** Variance / mean of the counts. */
function dispersionOf(trace: Trace, windowMs: number): number {
  const windows = wholeWindows(trace.durationMs, windowMs);
  let queries = 0;
  for (const count of occupiedOf(trace, windowMs)) queries += count;
  if (queries === 0) return 0;
  const mean = queries / windows;
  let occupied = 0;
  let squares = 0;
  for (const count of occupiedOf(trace, windowMs)) {
    occupied++;
    squares += (count - mean) ** 2;
  }
  return (squares + (windows - occupied) * mean ** 2) / (windows - 1) / mean;
}

function peakRateOf(trace: Trace, windowMs: number): number {
  let most = 0;
  for (const count of occupiedOf(trace, windowMs)) most = Math.max(most, count);
  return (most * 1_000) / windowMs;
}

/** The counts of the whole windows that have a query: a long trace has few of them, and very many without. */
function* occupiedOf({ arrivalsMs, durationMs }: Trace, windowMs: number): Generator<number> {
  const windows = wholeWindows(durationMs, windowMs);
  let window = -1;
  let count = 0;
  for (const atMs of arrivalsMs) {
    const here = Math.floor(atMs / windowMs);
    if (here >= windows) break;
    if (here !== window && count > 0) {
      yield count;
      count = 0;
    }
    window = here;
    count++;
  }
  if (count > 0) yield count;
}

function wholeWindows(durationMs: number, windowMs: number): number {
  return Math.floor(durationMs / windowMs + 1e-9);
}
