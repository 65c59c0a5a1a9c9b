/** A recorded trace made to last another time, and to have another mean rate. */
import { TraceError } from './errors.js';
import { seededRandom, streams } from './random.js';
import { checkShape, type Shape } from './shape.js';
import { checkLength, type Trace } from './trace.js';

/**
 * First squeezes, then scales. Fewer queries: exactly round(rate · seconds) of them, chosen at random, so that bursts
 * stay bursts (every nth would space them out). More: each as often as it goes, and the rest chosen at random; copies
 * arrive at a random time before the next query, with all that is known of the original.
 *
 * Throws `trace_too_long`, and `invalid_trace` for a rate of a trace that has no query.
 */
export function reshaped(trace: Trace, shape: Shape): Trace {
  checkShape(shape);
  const { seconds, rate, seed = 1 } = shape;
  const timed = seconds === undefined ? trace : squeezed(trace, seconds * 1_000);
  const shaped = rate === undefined ? timed : scaled(timed, rate, seed);
  const how = [
    ...(trace.note === undefined ? [] : [trace.note]),
    ...(seconds === undefined ? [] : [`squeezed to ${seconds} s`]),
    ...(rate === undefined ? [] : [`scaled to ${rate} queries/s (seed ${seed})`]),
  ];
  return how.length === 0 ? shaped : { ...shaped, note: how.join('; ') };
}

function squeezed(trace: Trace, durationMs: number): Trace {
  const factor = durationMs / trace.durationMs;
  const last = durationMs * (1 - Number.EPSILON);
  return { ...trace, durationMs, arrivalsMs: trace.arrivalsMs.map((atMs) => Math.min(atMs * factor, last)) };
}

function scaled(trace: Trace, rate: number, seed: number): Trace {
  const { arrivalsMs, durationMs } = trace;
  const recorded = arrivalsMs.length;
  const wanted = Math.round((rate * durationMs) / 1_000);
  checkLength(wanted, trace.name);
  if (recorded === 0) throw new TraceError('invalid_trace', `${trace.name} has no query to scale to ${rate} a second`);
  const random = seededRandom(seed, streams.choice);
  const each = Math.floor(wanted / recorded);
  let more = wanted - each * recorded;
  const times = new Float64Array(wanted);
  const places = new Uint32Array(wanted);
  let placed = 0;
  const last = durationMs * (1 - Number.EPSILON);
  for (let i = 0; i < recorded; i++) {
    // Selection sampling (Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S): just so many, each as likely.
    const chosen = random() * (recorded - i) < more;
    if (chosen) more--;
    const atMs = arrivalsMs[i] ?? 0;
    const gapMs = (arrivalsMs[i + 1] ?? durationMs) - atMs;
    const first = placed;
    for (let copy = each + (chosen ? 1 : 0); copy > 0; copy--) {
      places[placed] = i;
      times[placed] = placed === first ? atMs : Math.min(last, atMs + random() * gapMs);
      placed++;
    }
    times.subarray(first, placed).sort();
  }
  return { ...columnsAt(trace, places), arrivalsMs: times };
}

/** What is known of the queries at these places. */
function columnsAt(trace: Trace, places: Uint32Array): Trace {
  const { modelIndex, sloMs, minAccuracy, priority, ...rest } = trace;
  const picked: Trace = { ...rest };
  if (modelIndex) picked.modelIndex = Uint16Array.from(places, (place) => modelIndex[place] ?? 0);
  if (sloMs) picked.sloMs = Float64Array.from(places, (place) => sloMs[place] ?? Number.NaN);
  if (minAccuracy) picked.minAccuracy = Float64Array.from(places, (place) => minAccuracy[place] ?? 0);
  if (priority) picked.priority = Uint8Array.from(places, (place) => priority[place] ?? 0);
  return picked;
}
