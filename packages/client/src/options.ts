/** What a producer may say of its connection and of a query, and what a client counts. */
import type { BusAccess, BusStatus, Clock, ErrorAnswer, Priority, ServedAnswer } from '@slackline/shared';

export interface ClientOptions {
  /** Tokens before every subject; the deployment's SUBJECT_PREFIX. */
  prefix?: string;
  /** The name of the tenant whose account this is, for reading stored answers; docs/security.md. */
  tenant?: string;
  /**
   * How long after a query's limit its answer is waited for, in milliseconds; default 1,000. With less than 50, queries that were
   * given up may be `unanswered` rather than `expired`.
   */
  graceMs?: number;
  clock?: Clock;
  /** Told of answers to queries that had one already; they are dropped. For those who look into them: each is parsed. */
  onSecond?: (answer: ServedAnswer | ErrorAnswer) => void;
  /** Told when the connection breaks, and when there is another one. */
  onStatus?: (status: BusStatus) => void;
}

export interface ConnectOptions extends ClientOptions {
  /** One URL, or several of a cluster with commas; default nats://127.0.0.1:4222. */
  url?: string;
  /** Shown by the broker's monitoring. */
  name?: string;
  /** Who we are to NATS; default: what the environment's NATS_… variables say (docs/security.md). */
  access?: BusAccess;
}

export interface QueryOptions {
  /** Milliseconds from now; the model's default when neither this nor `deadline` is given. */
  sloMs?: number;
  /** The broker's time in milliseconds since 1970. */
  deadline?: number;
  /** 1 to 64 letters, digits, `-` or `_`; a new one when absent. The same id again is refused. */
  queryId?: string;
  /** Top-1 accuracy in 0..1 that the answering subnet must have at least; default: any will do. */
  minAccuracy?: number;
  /** Under overload lower classes are shed first; default `normal`. */
  priority?: Priority;
  /** Of a body that is given as bytes; default application/octet-stream. */
  contentType?: string;
  /** How long an answer is waited for; default: the limit and `graceMs`, and with `deadline` a minute. */
  timeoutMs?: number;
}

export interface PublishOptions extends Omit<QueryOptions, 'timeoutMs'> {
  /** Where the answer is stored; default: the query id. Several queries may share one. */
  resultKey?: string;
}

/** Counts of one client since it connected. */
export interface ClientCounts {
  /** Second answers to one query; dropped. */
  duplicates: number;
  /** Answers after their query had timed out; dropped. */
  tooLate: number;
  /** Messages that were no answers; dropped. */
  unreadable: number;
}
