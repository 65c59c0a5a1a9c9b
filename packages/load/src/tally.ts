/** What a producer learns about its queries: counts, times and accuracies, kept in memory that does not grow with them. */
import { createHistogram } from 'node:perf_hooks';
import type { Outcome } from '@slackline/shared';
import { type Group, Groups } from './groups.js';
import type { LoadQuery } from './queries.js';
import { Recorder, type Records, type Served } from './records.js';
import { type SeenSubnet, Subnets } from './subnets.js';

/** What came back for a query. */
export type Reply =
  | { kind: 'refused'; code: string }
  | { kind: 'dropped'; outcome: 'expired' | 'failed' }
  | (Served & {
      kind: 'answered';
      outcome: 'ok' | 'late';
      /** Whether the answer is the label; undefined where the executor computes nothing. */
      right: boolean | undefined;
      executor: string;
    });

/** Queries that were due within half a second. */
export interface Window {
  /** Its beginning, in milliseconds from the load's start. */
  atMs: number;
  sent: number;
  ok: number;
  refused: number;
  /** Sum of the profile's accuracies over `ok`. */
  accuracySum: number;
}

/** A reading of the tally: plain data, so that it can cross threads. */
export interface Counted {
  elapsedMs: number;
  published: number;
  refused: { overloaded: number; other: number };
  /** Refusals by their code. */
  refusalCodes: Record<string, number>;
  outcomes: Record<Outcome, number>;
  /** Queries that nothing came back for yet. */
  unanswered: number;
  /** Answers within the SLO by the producer's own clock. */
  inTimeByProducer: number;
  /** Over the answers in time: the sum of the profile's accuracies, and those whose class was checked and is right. */
  accuracySum: number;
  checked: number;
  right: number;
  subnets: SeenSubnet[];
  /** Answers by a subnet below the accuracy that their query asked for: none, if the promise holds. */
  belowMinimum: number;
  /** By model and priority class. */
  groups: Group[];
  executors: string[];
  /** From when a query was due to its answer, by the producer's clock. */
  latencyMs: { p50: number; p99: number; p999: number };
  /** How late queries were sent. */
  lagMs: { p99: number; p999: number; max: number };
  windows: Window[];
}

/** What a load reports: its tally, and what only the client sees. */
export interface Figures extends Counted {
  /** Replies to queries that had one already; the client dropped them. */
  duplicates: number;
  /** When the load began, by the clock that all threads and processes of a machine share (`process.hrtime`). */
  startedAtMonotonicMs: number;
  /** Whether the last query has been sent: from now on answers are waited for. */
  allSent: boolean;
  /** Only where the load was to keep them, and at its end. */
  records?: Records;
}

export const windowMs = 500;
/** Histograms count whole microseconds; one holds no zero. */
const perMs = 1_000;

/** A query without an end. */
interface Outstanding {
  dueAtMs: number;
  query: LoadQuery;
  group: Group;
  window: Window;
}

export interface TallyOptions {
  /** Names of the models, in the order of `LoadQuery.model`. */
  models: readonly string[];
  startedAtMs: number;
  /** Whether to keep what became of every query. */
  records?: boolean;
}

/** All times are of one monotonic clock, in milliseconds. */
export class Tally {
  readonly #models: readonly string[];
  readonly #startedAtMs: number;
  readonly #recorder: Recorder | undefined;
  readonly #groups = new Groups();
  readonly #outstanding = new Map<number, Outstanding>();
  readonly #latency = createHistogram();
  readonly #lag = createHistogram();
  readonly #subnets = new Subnets();
  readonly #executors = new Set<string>();
  readonly #windows: Window[] = [];
  readonly #refusalCodes: Record<string, number> = {};
  readonly #outcomes: Record<Outcome, number> = { ok: 0, late: 0, expired: 0, failed: 0 };
  #published = 0;
  #inTimeByProducer = 0;
  #accuracySum = 0;
  #checked = 0;
  #right = 0;
  #belowMinimum = 0;

  constructor({ models, startedAtMs, records = false }: TallyOptions) {
    this.#models = models;
    this.#startedAtMs = startedAtMs;
    this.#recorder = records ? new Recorder() : undefined;
  }

  /** A query goes out, at `sentAtMs`. Returns its number, counted from 0. */
  sent(dueAtMs: number, query: LoadQuery, sentAtMs = dueAtMs): number {
    const window = this.#windowOf(dueAtMs);
    const group = this.#groups.of(this.#modelOf(query), query.priority);
    window.sent++;
    group.published++;
    this.#outstanding.set(this.#published, { dueAtMs, query, group, window });
    this.#recorder?.sent(dueAtMs - this.#startedAtMs, sentAtMs - this.#startedAtMs, query);
    return this.#published++;
  }

  /** How much later than due a query went out. */
  lagged(lagMs: number): void {
    this.#lag.record(Math.max(1, Math.round(lagMs * perMs)));
  }

  /** The id that the client gave query `number`. */
  named(number: number, id: string): void {
    this.#recorder?.named(number, id);
  }

  /** A second answer came to a query, and the client dropped it. */
  repeated(id: string, atMs: number, outcome: Outcome | 'refused'): void {
    this.#recorder?.repeated({ id, outcome, atMs: atMs - this.#startedAtMs });
  }

  /** The producer's connection broke, or is back. */
  connection(isThere: boolean, atMs: number): void {
    this.#recorder?.connection(isThere, atMs - this.#startedAtMs);
  }

  /**
   * The client told the end of query `number`; once each, the client sees to that. Throws where it does not, unless every
   * query is recorded: then the record says so, and the first end counts.
   */
  received(number: number, atMs: number, reply: Reply): void {
    this.#recorder?.replied(number);
    const sent = this.#outstanding.get(number);
    if (sent === undefined) {
      if (this.#recorder !== undefined) return;
      throw new Error(`query ${number} has had its reply`);
    }
    this.#outstanding.delete(number);
    const { dueAtMs, query, group, window } = sent;
    const endedMs = atMs - this.#startedAtMs;
    this.#recorder?.ended(number, endedMs, reply.kind === 'refused' ? 'refused' : reply.outcome);
    if (reply.kind === 'refused') {
      window.refused++;
      group.refused++;
      this.#refusalCodes[reply.code] = (this.#refusalCodes[reply.code] ?? 0) + 1;
      return;
    }
    this.#outcomes[reply.outcome]++;
    group.outcomes[reply.outcome]++;
    if (reply.kind === 'dropped') return;
    const latencyMs = atMs - dueAtMs;
    this.#latency.record(Math.max(1, Math.round(latencyMs * perMs)));
    if (latencyMs <= query.sloMs) this.#inTimeByProducer++;
    this.#recorder?.answered(number, latencyMs, group.model, reply);
    if (reply.accuracy < query.minAccuracy) this.#belowMinimum++;
    if (reply.outcome === 'ok') {
      window.ok++;
      window.accuracySum += reply.accuracy;
      group.accuracySum += reply.accuracy;
    }
    this.#answered(reply, group.model);
  }

  get unanswered(): number {
    return this.#outstanding.size;
  }

  /** @param lastWindows how many of the windows to give; default all */
  figures(nowMs: number, lastWindows = Number.POSITIVE_INFINITY): Counted {
    const refused = Object.values(this.#refusalCodes).reduce((sum, count) => sum + count, 0);
    const overloaded = this.#refusalCodes.overloaded ?? 0;
    return {
      elapsedMs: nowMs - this.#startedAtMs,
      published: this.#published,
      refused: { overloaded, other: refused - overloaded },
      refusalCodes: { ...this.#refusalCodes },
      outcomes: { ...this.#outcomes },
      unanswered: this.#outstanding.size,
      inTimeByProducer: this.#inTimeByProducer,
      accuracySum: this.#accuracySum,
      checked: this.#checked,
      right: this.#right,
      subnets: this.#subnets.all(),
      belowMinimum: this.#belowMinimum,
      groups: this.#groups.all(),
      executors: [...this.#executors],
      latencyMs: {
        p50: percentile(this.#latency, 50),
        p99: percentile(this.#latency, 99),
        p999: percentile(this.#latency, 99.9),
      },
      lagMs: {
        p99: percentile(this.#lag, 99),
        p999: percentile(this.#lag, 99.9),
        max: this.#lag.count === 0 ? 0 : this.#lag.max / perMs,
      },
      windows: this.#windows.slice(-lastWindows).map((window) => ({ ...window })),
    };
  }

  /** What became of every query; undefined where it was not to be kept. */
  records(): Records | undefined {
    return this.#recorder?.records();
  }

  #answered(reply: Extract<Reply, { kind: 'answered' }>, model: string): void {
    this.#subnets.answered(model, reply.subnet, reply.accuracy);
    this.#executors.add(reply.executor);
    if (reply.outcome === 'late') return;
    this.#accuracySum += reply.accuracy;
    if (reply.right === undefined) return;
    this.#checked++;
    if (reply.right) this.#right++;
  }

  #modelOf({ model }: LoadQuery): string {
    return this.#models[model] ?? '';
  }

  /** Windows without a query exist too: a pause in the load is a fact about it. */
  #windowOf(dueAtMs: number): Window {
    const index = Math.max(0, Math.floor((dueAtMs - this.#startedAtMs) / windowMs));
    while (this.#windows.length <= index) {
      this.#windows.push({ atMs: this.#windows.length * windowMs, sent: 0, ok: 0, refused: 0, accuracySum: 0 });
    }
    const window = this.#windows[index];
    if (window === undefined) throw new Error(`window ${index} was not made`);
    return window;
  }
}

function percentile(histogram: ReturnType<typeof createHistogram>, percent: number): number {
  return histogram.count === 0 ? 0 : histogram.percentile(percent) / perMs;
}
