/** Evidence of a run in which everything is as it should be, for tests to spoil. */
import type { InjectedFault } from '../inject/injector.js';
import type { PlannedFault } from '../plan/plan.js';
import type { Evidence, Query } from '../verdict/evidence.js';
import type { WitnessedBatch } from '../witness/witnessed.js';

const everyMs = 10;
const serviceMs = 20;

/** A hundred queries a second for ten seconds, each in a batch of its own on `w-0`, all answered in time by one term. */
export function soundRun(more: Partial<Evidence> = {}): Evidence {
  const queries = Array.from({ length: 1_000 }, (_, i): Query => {
    const dueMs = i * everyMs;
    return { id: `q-${i}`, dueMs, endedMs: dueMs + serviceMs, outcome: 'ok', accuracy: 0.8, replies: 1 };
  });
  const batches = queries.map(({ id, dueMs }): WitnessedBatch => {
    const doneMs = dueMs + serviceMs - 1;
    return { id: `b-${id}`, worker: 'w-0', token: 7, atMs: dueMs + 1, queries: [id], doneMs, runs: 1 };
  });
  return {
    ...{
      seconds: 10,
      sloMs: 100,
      phaseMs: 2_000,
      plan: [],
      faults: [],
      queries,
      repeats: [],
      gaps: [],
      floorAccuracy: 0.7,
    },
    witnessed: {
      queries: new Map(queries.map(({ id, dueMs }) => [id, dueMs])),
      outcomes: new Map(),
      batches,
      terms: [{ token: 7, scheduler: 's-0', atMs: -1_000 }],
      fenced: [],
      workers: [{ worker: 'w-0', fromMs: -500, untilMs: 11_000 }],
      gaps: [],
      unreadable: 0,
      busyShare: 0.01,
    },
    stream: { stored: queries.length, left: 0 },
    ...more,
  };
}

/** The run with some of its queries changed. */
export function withQueries(
  run: Evidence,
  change: (query: Query, index: number) => Partial<Query> | undefined,
): Evidence {
  return { ...run, queries: run.queries.map((query, i) => ({ ...query, ...change(query, i) })) };
}

/** A fault that was done as it was planned. */
export function done(planned: Partial<PlannedFault>, more: Partial<InjectedFault> = {}): InjectedFault {
  const whole: PlannedFault = { atMs: 5_000, kind: 'kill', role: 'worker', victim: { draw: 0 }, ...planned };
  return { planned: whole, victim: 'w-0', led: false, atMs: whole.atMs, wholeAtMs: null, error: null, ...more };
}

/** The run with these faults, planned and done. */
export function withFaults(run: Evidence, ...faults: InjectedFault[]): Evidence {
  return { ...run, faults, plan: faults.map(({ planned }) => planned) };
}
