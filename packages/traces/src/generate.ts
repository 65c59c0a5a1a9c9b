/** Traces from specs: renewal processes of rate 1, mapped through the integral of the rate that is asked for. */
import { randomGamma } from 'd3-random';
import { type InverseIntensity, ramp, steady, wave } from './intensity.js';
import { type Random, seededRandom, streams } from './random.js';
import { checkSpec, type TraceSpec, type TraceSpecInput } from './spec.js';
import { formatTraceSpec } from './spec-text.js';
import { checkLength, GrowingArray, type Trace } from './trace.js';

/** The next arrival in milliseconds from the start, never before the last one; Infinity when there are no more. */
export type Arrivals = () => number;

/**
 * The whole trace. The same spec gives the same trace, on every platform.
 *
 * Throws `invalid_trace`, and `trace_too_long` for what does not fit into memory.
 */
export function generate(given: TraceSpecInput): Trace {
  const spec = checkSpec(given);
  const name = formatTraceSpec(spec);
  checkLength(mostRateOf(spec) * spec.seconds, name);
  const next = arrivals(spec);
  const arrivalsMs = new GrowingArray();
  for (let atMs = next(); atMs < Number.POSITIVE_INFINITY; atMs = next()) arrivalsMs.push(atMs);
  return { name, arrivalsMs: arrivalsMs.toArray(), durationMs: spec.seconds * 1_000 };
}

/** The same arrivals one by one, for a load that goes on for as long as it likes. Throws `invalid_trace`. */
export function arrivals(given: TraceSpecInput): Arrivals {
  const spec = checkSpec(given);
  return until(spec.seconds * 1_000, process(spec));
}

/** The arrivals of a trace one by one. */
export function arrivalsOf({ arrivalsMs }: Pick<Trace, 'arrivalsMs'>): Arrivals {
  let next = 0;
  return () => arrivalsMs[next++] ?? Number.POSITIVE_INFINITY;
}

/** Without an end. */
function process(spec: TraceSpec): Arrivals {
  const random = seededRandom(spec.seed, streams.arrivals);
  switch (spec.kind) {
    case 'constant':
      return mapped(renewals(0, random), steady(spec.rate));
    case 'poisson':
      return mapped(renewals(1, random), steady(spec.rate));
    case 'gamma':
      return mapped(renewals(spec.cv2, random), steady(spec.rate));
    case 'bursty':
      return merged(
        mapped(renewals(0, random), steady(spec.base)),
        mapped(renewals(spec.cv2, random), steady(spec.variant)),
      );
    case 'accelerating':
      return mapped(renewals(spec.cv2, random), ramp(spec));
    case 'diurnal':
      return mapped(renewals(spec.cv2, random), wave(spec));
  }
}

/**
 * Points of a process with gaps of mean 1 and that CV²: gamma gaps, the first from 0; evenly spaced, they begin at 0.
 */
function renewals(cv2: number, random: Random): () => number {
  let at = 0;
  if (cv2 === 0) return () => at++;
  const gap = randomGamma.source(random)(1 / cv2, cv2);
  return () => {
    at += gap();
    return at;
  };
}

/** Never back in time: where the rate is next to nothing, the inverse is only as good as its rounding. */
function mapped(points: () => number, inverse: InverseIntensity): Arrivals {
  let lastMs = 0;
  return () => {
    lastMs = Math.max(lastMs, inverse(points()));
    return lastMs;
  };
}

function merged(first: Arrivals, second: Arrivals): Arrivals {
  let [a, b] = [first(), second()];
  return () => {
    const next = Math.min(a, b);
    if (a <= b) a = first();
    else b = second();
    return next;
  };
}

function until(endMs: number, next: Arrivals): Arrivals {
  let ended = false;
  return () => {
    const atMs = ended ? Number.POSITIVE_INFINITY : next();
    ended ||= atMs >= endMs;
    return ended ? Number.POSITIVE_INFINITY : atMs;
  };
}

/** Queries a second at most, in the mean. */
function mostRateOf(spec: TraceSpec): number {
  switch (spec.kind) {
    case 'bursty':
      return spec.base + spec.variant;
    case 'accelerating':
      return Math.max(spec.from, spec.to);
    case 'diurnal':
      return Math.max(spec.low, spec.high);
    default:
      return spec.rate;
  }
}
