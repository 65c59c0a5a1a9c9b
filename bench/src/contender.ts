/** What is measured: something that takes queries at a rate and answers them. Slackline, bare relays, what else users write. */
import type { Percentiles } from './latency.js';

/** The limit of every query here, in milliseconds: the paper's. */
export const sloMs = 36;

export interface ContenderSettings {
  /** Of the stream, where there is one. */
  readonly storage: 'memory' | 'file';
  /** Of each query's body. Contenders with a real model send its rows and ignore it. */
  readonly payloadBytes: number;
  /** Ends whatever is under way: `start` and `step` then reject with its reason, and leave no process. */
  readonly signal: AbortSignal;
}

/** A rate, held for some seconds, open loop. */
export interface StepAsked {
  /** Queries a second in the mean. */
  readonly rate: number;
  readonly seconds: number;
  /**
   * Bursts as the paper has them: two thirds of the rate in gaps of this squared coefficient of variation, one third evenly
   * spaced. Not there: all of it is evenly spaced.
   */
  readonly cv2?: number;
  /** Whether the figures tell what of each query's time was whose, where that is kept for asking: of few queries. */
  readonly isTraced?: boolean;
}

export interface StepFigures extends StepAsked {
  readonly sent: number;
  /** Answers that came at all: at most some seconds after the last query. */
  readonly back: number;
  /** Answers within `sloMs` by the producer's own clock, from when the query was due, over the queries sent. */
  readonly within36: number;
  /** Answers in time over the queries sent, as the contender itself defines it: the same as `within36` unless it has deadlines. */
  readonly attainment: number;
  /** Mean profiled accuracy of the answers in time; undefined where there is no model. */
  readonly accuracy?: number;
  /** From when a query was due to its answer, by the producer's clock. */
  readonly latencyMs: Percentiles;
  /** From when it was really sent; undefined where that is not told. */
  readonly roundTripMs?: Percentiles;
  /** For how long the device really held the batch, and all that was not that; undefined where that is not told. */
  readonly deviceMs?: Percentiles;
  readonly overheadMs?: Percentiles;
  /** How late queries were sent. */
  readonly sendLagMs: { readonly p99: number; readonly p999: number; readonly max: number };
  /** Answers to queries that had one already. */
  readonly duplicates: number;
  /** Queries that nothing came back for: no answer, no refusal, no word of their failing. */
  readonly unended: number;
  /** Answers in time that were compared with a label, and those of them that are right; undefined where nothing is computed. */
  readonly checked?: number;
  readonly right?: number;
}

export interface Contender {
  /** As tables call it. */
  readonly name: string;
  /** Starts its processes; resolves when it answers queries. What was started is ended before this rejects. */
  start(settings: ContenderSettings): Promise<RunningContender>;
}

export interface RunningContender {
  /** Sends queries at a rate and waits for what becomes of them. */
  step(asked: StepAsked): Promise<StepFigures>;
  /** Ids of its processes by what they do (`ingest`, `scheduler`, `worker`, `nats`, `load`); several of a kind are numbered. */
  pids(): Readonly<Record<string, number>>;
  /** Ends its processes. May be called more than once. */
  stop(): Promise<void>;
}
