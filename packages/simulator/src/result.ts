/** What a simulation says: plain data that JSON keeps as it is. */

/** Every accepted query has exactly one of these: accepted = ok + late + expired + failed. */
export interface OutcomeCounts {
  accepted: number;
  /** Answered in time. */
  ok: number;
  /** Answered after the deadline. */
  late: number;
  /** Given up: the deadline had become unreachable, or others would have missed theirs. */
  expired: number;
  /** Lost with as many workers as a query may lose. */
  failed: number;
}

export interface Scores extends OutcomeCounts {
  /** ok / accepted; 1 of nothing. */
  attainment: number;
  /** Mean profiled accuracy of the queries that are ok; 0 of nothing. */
  meanAccuracy: number;
  /** Sum of their accuracies over all accepted queries; 0 of nothing. */
  effectiveAccuracy: number;
}

export interface SubnetShare {
  model: string;
  id: string;
  /** In 0..1. */
  accuracy: number;
  /** Queries answered on it, in time or late. */
  answers: number;
  /** Of all answered queries, of all models. */
  share: number;
}

/** A slice of time. Queries count where they arrived, batches where they were sent. */
export interface Window {
  /** Its beginning. */
  atMs: number;
  arrivals: number;
  ok: number;
  /** late + expired + failed. */
  missed: number;
  attainment: number | null;
  meanAccuracy: number | null;
  /** Queries per batch. */
  meanBatch: number | null;
  /** Waiting, at its end. */
  queued: number;
  /** That could run batches, at its end. */
  workersAlive: number;
}

export interface BatchRecord {
  sentMs: number;
  /** When its worker began, ended, and when the scheduler knew; null where it never came back. */
  startedMs: number | null;
  finishedMs: number | null;
  doneMs: number | null;
  worker: number;
  model: string;
  subnet: string;
  size: number;
}

export const outcomeNames = ['ok', 'late', 'expired', 'failed'] as const;
export type OutcomeName = (typeof outcomeNames)[number];

/** The lives of all queries, by their number in the trace. */
export interface QueryRecords {
  /** Index into `outcomeNames`. */
  outcome: Uint8Array;
  /** When the outcome was known. */
  endedMs: Float64Array;
  /** Accuracy of the subnet that answered; 0 without an answer. */
  accuracy: Float64Array;
}

export interface SimulationResult extends Scores {
  policy: string;
  seed: number;
  /** Subnets that answered nothing included. */
  subnets: SubnetShare[];
  models: (Scores & { model: string })[];
  /** By class: low, normal, high. */
  priorities: Scores[];
  batches: number;
  meanBatch: number;
  /** How many batches had so many queries: `batchSizes[n]`. */
  batchSizes: number[];
  /** From arrival to answer, of all answered queries; 0 of nothing. */
  latencyMs: { mean: number; p50: number; p99: number; p999: number; max: number };
  windowMs: number;
  windows: Window[];
  /** Workers that the scheduler gave up. */
  workersLost: number;
  /** Times that the policy was asked, plans adopted, events handled, and the simulated time until the last outcome. */
  decisions: number;
  plans: number;
  events: number;
  simulatedMs: number;
  /** Wall time of the simulation: the one thing here that differs from run to run. */
  wallMs: number;
  /** Where `record` asked for them. */
  batchRecords?: BatchRecord[];
  queryRecords?: QueryRecords;
}
