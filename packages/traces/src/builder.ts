/** A trace from queries that come one by one, in any order of arrival. */
import { TraceError } from './errors.js';
import {
  checkDuration,
  checkLength,
  GrowingArray,
  noModel,
  normalPriority,
  priorityNames,
  type Trace,
} from './trace.js';

export type PriorityName = (typeof priorityNames)[number];

export interface TracedQuery {
  /** Since the trace's start, or since anything else: see `TraceBuilder.build`. */
  atMs: number;
  model?: string | undefined;
  sloMs?: number | undefined;
  minAccuracy?: number | undefined;
  priority?: PriorityName | undefined;
}

/** A column that exists from the first query on that has it. */
class Column {
  #values: GrowingArray | undefined;

  constructor(private readonly fallback: number) {}

  set(index: number, value: number | undefined): void {
    if (value === undefined && this.#values === undefined) return;
    this.#values ??= new GrowingArray();
    while (this.#values.length < index) this.#values.push(this.fallback);
    this.#values.push(value ?? this.fallback);
  }

  toArray(): Float64Array | undefined {
    return this.#values?.toArray();
  }
}

export class TraceBuilder {
  readonly #at = new GrowingArray();
  readonly #models = new Map<string, number>();
  readonly #model = new Column(noModel);
  readonly #slo = new Column(Number.NaN);
  readonly #minAccuracy = new Column(0);
  readonly #priority = new Column(normalPriority);

  constructor(private readonly name: string) {}

  /** Throws `trace_too_long`, and `malformed_trace` for more models than can be counted. */
  add(query: TracedQuery): void {
    const index = this.#at.length;
    checkLength(index + 1, this.name);
    this.#at.push(query.atMs);
    this.#model.set(index, query.model === undefined ? undefined : this.#modelIndex(query.model));
    this.#slo.set(index, query.sloMs);
    this.#minAccuracy.set(index, query.minAccuracy);
    this.#priority.set(index, query.priority === undefined ? undefined : priorityNames.indexOf(query.priority));
  }

  get queries(): number {
    return this.#at.length;
  }

  /**
   * @param startMs when the trace starts, in the time of `atMs`; the first arrival unless said otherwise
   * @param durationMs the span of the arrivals and one mean gap unless said otherwise; it ends behind the last arrival
   *
   * Throws `malformed_trace` for a trace that lasts too long to be one.
   */
  build({ startMs, durationMs }: { startMs?: number | undefined; durationMs?: number | undefined } = {}): Trace {
    const at = this.#at.toArray();
    const order = orderOf(at);
    const firstMs = at[order?.[0] ?? 0] ?? 0;
    const fromMs = startMs ?? firstMs;
    const arrivalsMs = inOrder(at, order).map((atMs) => atMs - fromMs);
    const trace: Trace = {
      name: this.name,
      arrivalsMs,
      durationMs: durationMs ?? durationOf(arrivalsMs),
    };
    checkDuration(trace.durationMs, this.name);
    const [model, sloMs, minAccuracy, priority] = [this.#model, this.#slo, this.#minAccuracy, this.#priority].map(
      (column) => {
        const values = column.toArray();
        return values && inOrder(values, order);
      },
    );
    if (model !== undefined) {
      trace.models = [...this.#models.keys()];
      trace.modelIndex = Uint16Array.from(model);
    }
    if (sloMs !== undefined) trace.sloMs = sloMs;
    if (minAccuracy !== undefined) trace.minAccuracy = minAccuracy;
    if (priority !== undefined) trace.priority = Uint8Array.from(priority);
    return trace;
  }

  #modelIndex(model: string): number {
    const known = this.#models.get(model);
    if (known !== undefined) return known;
    if (this.#models.size === noModel)
      throw new TraceError('malformed_trace', `${this.name} names more than ${noModel} models`);
    this.#models.set(model, this.#models.size);
    return this.#models.size - 1;
  }
}

/** The places in ascending order; undefined when they ascend already. Stable: what comes at once stays in its order. */
function orderOf(at: Float64Array): Uint32Array | undefined {
  let ascending = true;
  for (let i = 1; i < at.length && ascending; i++) ascending = (at[i - 1] ?? 0) <= (at[i] ?? 0);
  if (ascending) return undefined;
  return Uint32Array.from(at.keys()).sort((a, b) => (at[a] ?? 0) - (at[b] ?? 0) || a - b);
}

function inOrder(values: Float64Array, order: Uint32Array | undefined): Float64Array {
  return order === undefined ? values : Float64Array.from(order, (place) => values[place] ?? 0);
}

/** n queries over (n - 1) gaps: the span and one mean gap, so that queries / duration is their rate. */
function durationOf(arrivalsMs: Float64Array): number {
  const n = arrivalsMs.length;
  const last = arrivalsMs.at(-1) ?? 0;
  const gap = n > 1 ? (last - (arrivalsMs[0] ?? 0)) / (n - 1) : 0;
  return last + gap > last ? last + gap : last + aloneMs;
}

/** The end of a trace whose queries all come at once. */
const aloneMs = 1_000;
