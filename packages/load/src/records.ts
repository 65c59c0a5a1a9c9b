/** What became of every query of a load, in columns: some twenty bytes each, and quick to cross a thread. */
import { type Outcome, priorities } from '@slackline/shared';
import type { LoadQuery } from './queries.js';

/** What `Records.outcome` counts through. */
export const recordedOutcomes = ['unanswered', 'ok', 'late', 'expired', 'failed', 'refused'] as const;
export type RecordedOutcome = (typeof recordedOutcomes)[number];

/** Entry i of each column is the i-th query that was sent. */
export interface Records {
  /** When it was due, in milliseconds from the load's start; ascending. */
  dueMs: Float64Array;
  /** When it was really sent; and when anything came back for it, a refusal too (NaN: nothing did). From the load's start. */
  sentMs: Float64Array;
  endedMs: Float64Array;
  /** Index in the load's models. */
  model: Uint16Array;
  /** 0 low, 1 normal, 2 high. */
  priority: Uint8Array;
  minAccuracy: Float64Array;
  /** Index in `recordedOutcomes`. */
  outcome: Uint8Array;
  /** Index in `subnets`; -1 without an answer. */
  subnet: Int16Array;
  /** From when it was due to its answer by the producer's clock; NaN without an answer. */
  latencyMs: Float32Array;
  /** As the answer says: from being stored to being sent to a worker, the run itself, and with how many queries; NaN and 0. */
  queueMs: Float32Array;
  inferenceMs: Float32Array;
  batchSize: Uint16Array;
  /** How often our client told its end: once for each that ended. */
  replies: Uint8Array;
  subnets: { model: string; id: string; accuracy: number }[];
  /** The query ids, as they are on the bus. */
  ids: string[];
  /** Answers to queries that had one already, in the order they came: our client dropped them. */
  repeats: Repeat[];
  /** When the producer had no connection, from the load's start; an end that is NaN: until the load's. */
  gaps: { fromMs: number; untilMs: number }[];
}

/** A second answer. */
export interface Repeat {
  /** Of the query; empty where the answer named none. */
  id: string;
  outcome: Outcome | 'refused';
  /** When it came, from the load's start. */
  atMs: number;
}

/** What an answer says of how it was made. */
export interface Served {
  /** Id and accuracy (0..1) of the subnet. */
  subnet: string;
  accuracy: number;
  queueMs: number;
  inferenceMs: number;
  batchSize: number;
}

type Columns = Omit<Records, 'subnets' | 'ids' | 'repeats' | 'gaps'>;

const columns = (length: number): Columns => ({
  dueMs: new Float64Array(length),
  sentMs: new Float64Array(length),
  endedMs: new Float64Array(length).fill(Number.NaN),
  model: new Uint16Array(length),
  priority: new Uint8Array(length),
  minAccuracy: new Float64Array(length),
  outcome: new Uint8Array(length),
  subnet: new Int16Array(length).fill(-1),
  latencyMs: new Float32Array(length).fill(Number.NaN),
  queueMs: new Float32Array(length).fill(Number.NaN),
  inferenceMs: new Float32Array(length).fill(Number.NaN),
  batchSize: new Uint16Array(length),
  replies: new Uint8Array(length),
});

export class Recorder {
  #columns = columns(4_096);
  #length = 0;
  readonly #places = new Map<string, number>();
  readonly #subnets: Records['subnets'] = [];
  readonly #ids: string[] = [];
  readonly #repeats: Repeat[] = [];
  readonly #gaps: Records['gaps'] = [];

  sent(dueMs: number, sentMs: number, { model, priority, minAccuracy }: LoadQuery): void {
    if (this.#length === this.#columns.dueMs.length) this.#grow();
    const at = this.#length++;
    this.#columns.dueMs[at] = dueMs;
    this.#columns.sentMs[at] = sentMs;
    this.#columns.model[at] = model;
    this.#columns.priority[at] = priorities.indexOf(priority);
    this.#columns.minAccuracy[at] = minAccuracy;
  }

  ended(number: number, endedMs: number, outcome: Outcome | 'refused'): void {
    this.#columns.endedMs[number] = endedMs;
    this.#columns.outcome[number] = recordedOutcomes.indexOf(outcome);
  }

  /** The id that the client gave the query. */
  named(number: number, id: string): void {
    this.#ids[number] = id;
  }

  /** The client told an end of this query. */
  replied(number: number): void {
    this.#columns.replies[number] = (this.#columns.replies[number] ?? 0) + 1;
  }

  repeated(repeat: Repeat): void {
    this.#repeats.push(repeat);
  }

  /** The producer's connection broke, or is back. */
  connection(isThere: boolean, atMs: number): void {
    const last = this.#gaps.at(-1);
    if (!isThere) this.#gaps.push({ fromMs: atMs, untilMs: Number.NaN });
    else if (last !== undefined) last.untilMs = atMs;
  }

  answered(number: number, latencyMs: number, model: string, answer: Served): void {
    const key = `${model} ${answer.subnet}`;
    let place = this.#places.get(key);
    if (place === undefined) {
      place = this.#subnets.push({ model, id: answer.subnet, accuracy: answer.accuracy }) - 1;
      this.#places.set(key, place);
    }
    this.#columns.subnet[number] = place;
    this.#columns.latencyMs[number] = latencyMs;
    this.#columns.queueMs[number] = answer.queueMs;
    this.#columns.inferenceMs[number] = answer.inferenceMs;
    this.#columns.batchSize[number] = answer.batchSize;
  }

  records(): Records {
    const lists = { subnets: [...this.#subnets], ids: [...this.#ids], repeats: [...this.#repeats] };
    const gaps = this.#gaps.map((gap) => ({ ...gap }));
    return { ...resized(this.#columns, this.#length), ...lists, gaps };
  }

  #grow(): void {
    this.#columns = resized(this.#columns, 2 * this.#length);
  }
}

/** The columns in arrays of another length: cut, or longer by queries without an end. */
function resized(from: Columns, length: number): Columns {
  const to = columns(length);
  const kept = Math.min(length, from.dueMs.length);
  to.dueMs.set(from.dueMs.subarray(0, kept));
  to.sentMs.set(from.sentMs.subarray(0, kept));
  to.endedMs.set(from.endedMs.subarray(0, kept));
  to.model.set(from.model.subarray(0, kept));
  to.priority.set(from.priority.subarray(0, kept));
  to.minAccuracy.set(from.minAccuracy.subarray(0, kept));
  to.outcome.set(from.outcome.subarray(0, kept));
  to.subnet.set(from.subnet.subarray(0, kept));
  to.latencyMs.set(from.latencyMs.subarray(0, kept));
  to.queueMs.set(from.queueMs.subarray(0, kept));
  to.inferenceMs.set(from.inferenceMs.subarray(0, kept));
  to.batchSize.set(from.batchSize.subarray(0, kept));
  to.replies.set(from.replies.subarray(0, kept));
  return to;
}
