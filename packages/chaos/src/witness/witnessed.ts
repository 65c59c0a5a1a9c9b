/** What a witness saw on the bus: plain data, so that it can cross threads. */

export interface WitnessedBatch {
  readonly id: string;
  readonly worker: string;
  /** Fencing token of the scheduler that sent it. */
  readonly token: number;
  /** When the command was seen. */
  readonly atMs: number;
  readonly queries: readonly string[];
  /** When its end was first seen; null: never. */
  doneMs: number | null;
  /** How many ends with answers were seen: the worker ran it. */
  runs: number;
}

export interface Term {
  readonly token: number;
  /** Empty: the lease was given up. */
  readonly scheduler: string;
  readonly atMs: number;
}

/** A stretch of time in which a worker was heard. */
export interface Heard {
  readonly worker: string;
  readonly fromMs: number;
  untilMs: number;
}

/** All times by `monotonicMs`, as they were seen. */
export interface Witnessed {
  /** Queries by their ids, as ingest published them to the stream: when first. */
  queries: Map<string, number>;
  /** Outcomes on their way to producers, by query id: when first. Empty where the witness was not to hear them. */
  outcomes: Map<string, number>;
  /** In the order they were seen. */
  batches: WitnessedBatch[];
  terms: Term[];
  /** Workers that were told that they had been given up. */
  fenced: { worker: string; atMs: number }[];
  workers: Heard[];
  /** When the witness itself was cut off from the broker: what happened then it did not see. */
  gaps: { fromMs: number; untilMs: number }[];
  /** Messages that it could not read. */
  unreadable: number;
  /** Share of its thread's time that it was busy, 0..1. */
  busyShare: number;
}

/** The same with all times from another zero. */
export function since(zeroMs: number, seen: Witnessed): Witnessed {
  const moved = (ms: number) => ms - zeroMs;
  return {
    ...seen,
    queries: new Map([...seen.queries].map(([id, atMs]) => [id, moved(atMs)])),
    outcomes: new Map([...seen.outcomes].map(([id, atMs]) => [id, moved(atMs)])),
    batches: seen.batches.map((each) => ({
      ...each,
      atMs: moved(each.atMs),
      doneMs: each.doneMs === null ? null : moved(each.doneMs),
    })),
    terms: seen.terms.map((each) => ({ ...each, atMs: moved(each.atMs) })),
    fenced: seen.fenced.map((each) => ({ ...each, atMs: moved(each.atMs) })),
    workers: seen.workers.map((each) => ({ ...each, fromMs: moved(each.fromMs), untilMs: moved(each.untilMs) })),
    gaps: seen.gaps.map(({ fromMs, untilMs }) => ({ fromMs: moved(fromMs), untilMs: moved(untilMs) })),
  };
}
