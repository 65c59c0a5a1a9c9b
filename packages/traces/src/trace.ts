/** The one form of a trace in memory: when queries arrive, and what else is known of each. */
import { TraceError } from './errors.js';

export interface Trace {
  /** What it is, for a person: the text of its spec, or of its files without their folders. */
  name: string;
  /** What else there is to say of where it comes from. */
  note?: string;
  /** When each query arrives, in milliseconds from the trace's start: ascending, from 0, below `durationMs`. */
  arrivalsMs: Float64Array;
  durationMs: number;
  /** Names of the models; only with `modelIndex`. */
  models?: readonly string[];
  /** Per query: its place in `models`, or `noModel`. */
  modelIndex?: Uint16Array;
  /** Per query: its time limit in milliseconds; NaN where the model's own holds. */
  sloMs?: Float64Array;
  /** Per query: the least accuracy, 0..1; 0 where any will do. */
  minAccuracy?: Float64Array;
  /** Per query: 0 low, 1 normal, 2 high. */
  priority?: Uint8Array;
}

/** In `modelIndex`: the query names no model. */
export const noModel = 0xffff;

/** As on the wire; the place is the number in `Trace.priority`. */
export const priorityNames = ['low', 'normal', 'high'] as const;
export const normalPriority = 1;

/** Queries that a trace in memory may have: 800 MB of arrivals. */
export const mostQueries = 100_000_000;

/** Throws `trace_too_long` for more queries than fit into memory. */
export function checkLength(queries: number, name: string): void {
  if (queries <= mostQueries) return;
  const counted = Number.isFinite(queries) ? queries.toExponential(1) : 'endless';
  throw new TraceError(
    'trace_too_long',
    `${name} has ${counted} queries, and a trace has at most ${mostQueries}: ask for a lower rate or fewer seconds`,
  );
}

/** Thirteen months: what seems longer is a file whose times are not what they were taken for. */
export const mostDurationMs = 400 * 86_400_000;

/** Throws `malformed_trace` for a trace that lasts longer than any recording does. */
export function checkDuration(durationMs: number, name: string): void {
  if (durationMs <= mostDurationMs) return;
  const days = Math.round(durationMs / 86_400_000).toLocaleString('en-US');
  throw new TraceError(
    'malformed_trace',
    `${name} lasts ${days} days, and a trace at most 400: its times may be in mixed units (s, ms, us, ns), or not in the one they are read in`,
  );
}

/** Numbers that are appended one by one, in one typed array that doubles when it is full. */
export class GrowingArray {
  #values = new Float64Array(1_024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const larger = new Float64Array(2 * this.#length);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#length++] = value;
  }

  /** What was appended, in an array of its own. */
  toArray(): Float64Array {
    return this.#values.slice(0, this.#length);
  }
}
