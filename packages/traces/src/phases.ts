/** Loads of several phases, one after the other in one trace, as before, under and after an overload. */
import { generate } from './generate.js';
import { priorityNames, type Trace } from './trace.js';

/** Queries a second of each priority class, Poisson. */
export interface Rates {
  readonly low: number;
  readonly normal: number;
  readonly high: number;
}

export interface Phase {
  readonly name: string;
  readonly seconds: number;
  readonly rates: Rates;
}

/** When a phase begins and ends, from the trace's start. */
export interface Span extends Phase {
  readonly fromMs: number;
  readonly toMs: number;
}

export function spansOf(phases: readonly Phase[]): Span[] {
  let fromMs = 0;
  return phases.map((phase) => {
    const span = { ...phase, fromMs, toMs: fromMs + 1_000 * phase.seconds };
    fromMs = span.toMs;
    return span;
  });
}

/** The same phases and seed give the same trace. */
export function traceOfPhases(phases: readonly Phase[], seed: number): Trace {
  const queries = spansOf(phases).flatMap(({ fromMs, seconds, rates }, phase) =>
    priorityNames.flatMap((name, priority) => {
      const rate = rates[name];
      if (rate === 0) return [];
      const { arrivalsMs } = generate({ kind: 'poisson', rate, seconds, seed: seed + 3 * phase + priority });
      return Array.from(arrivalsMs, (ms) => ({ atMs: fromMs + ms, priority }));
    }),
  );
  queries.sort((a, b) => a.atMs - b.atMs);
  return {
    name: phases.map(({ name }) => name).join(', '),
    arrivalsMs: Float64Array.from(queries, ({ atMs }) => atMs),
    priority: Uint8Array.from(queries, ({ priority }) => priority),
    durationMs: 1_000 * phases.reduce((sum, { seconds }) => sum + seconds, 0),
  };
}
