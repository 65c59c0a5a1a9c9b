/** What a load is; plain data, so that it can be handed to a thread. */
import type { ModelEntry, Priority } from '@slackline/shared';
import type { Trace, TraceSpec } from '@slackline/traces';

/** One of several values, drawn for so large a part of the queries; the shares of a list need not add up to 1. */
export interface Share<T> {
  value: T;
  share: number;
}

/** A model that queries go to. */
export interface LoadModel {
  entry: ModelEntry;
  /** Folder with its labelled rows (docs/supernet.md). Absent: every row is zeros, and no answer is checked. */
  modelDir?: string;
  /** Time limit of its queries in milliseconds; default: the model's own. */
  sloMs?: number;
  /** How much of the load it gets, beside the shares of the others; default 1. */
  share?: number;
}

/** The columns that a trace has win over what is drawn. */
export interface LoadOptions {
  natsUrl: string;
  subjectPrefix: string;
  /** At least one. */
  models: readonly LoadModel[];
  /** When queries are due: a trace in memory, or one that is generated as it goes. */
  arrivals: Trace | TraceSpec;
  /** Least accuracy in 0..1 that queries ask for; default: none. */
  minAccuracy?: number | readonly Share<number>[];
  /** Default `normal`. */
  priority?: Priority | readonly Share<Priority>[];
  /** Of what is drawn for each query; default 1. */
  seed?: number;
  /** Whether the figures keep what became of every single query. */
  records?: boolean;
  /** How long answers are waited for after the last query, in milliseconds; default 5,000. */
  settleMs?: number;
}
