/** Counts outcomes as they happen, in arrays of numbers, and makes the result of them. */
import type { SimulatedModel } from './options.js';
import type { SimulatedQuery } from './query.js';
import {
  type OutcomeCounts,
  type OutcomeName,
  outcomeNames,
  type QueryRecords,
  type Scores,
  type SubnetShare,
  type Window,
} from './result.js';

const ok = outcomeNames.indexOf('ok');
const late = outcomeNames.indexOf('late');
/** Counters of a group: one per outcome, and the accepted. */
const accepted = outcomeNames.length;
const stride = accepted + 1;
const priorities = 3;

/** Of the time series: some seven numbers each. */
const mostWindows = 1_000_000;

/** A subnet of a model, whichever device classes have it. */
export interface CountedSubnet {
  model: string;
  id: string;
  accuracy: number;
}

export class Tally {
  /** Groups: all, then the models, then the priority classes. */
  readonly #counts: Float64Array;
  readonly #accuracySums: Float64Array;
  readonly #answers: Float64Array;
  readonly #latenciesMs: Float64Array;
  #answered = 0;
  #latencySumMs = 0;
  readonly #batchSizes: number[] = [];
  readonly #series: Float64Array;
  readonly #windows: number;
  readonly #groups: number;

  constructor(
    private readonly models: readonly SimulatedModel[],
    private readonly subnets: readonly CountedSubnet[],
    queries: number,
    durationMs: number,
    private readonly windowMs: number,
    readonly records: QueryRecords | undefined,
  ) {
    this.#groups = 1 + models.length + priorities;
    this.#counts = new Float64Array(this.#groups * stride);
    this.#accuracySums = new Float64Array(this.#groups);
    this.#answers = new Float64Array(subnets.length);
    this.#latenciesMs = new Float64Array(queries);
    this.#windows = Math.max(1, Math.ceil(durationMs / windowMs));
    // Also NaN is refused.
    if (!(this.#windows <= mostWindows))
      throw new RangeError(`${durationMs} ms have too many windows of ${windowMs} ms: ${mostWindows} at most`);
    this.#series = new Float64Array(this.#windows * columns);
  }

  /** Outcomes so far. */
  get settled(): number {
    const all = this.#counts;
    return (all[0] ?? 0) + (all[1] ?? 0) + (all[2] ?? 0) + (all[3] ?? 0);
  }

  get windows(): number {
    return this.#windows;
  }

  accept(query: SimulatedQuery): void {
    this.#count(query, accepted);
    this.#inSeries(query.arrivedMs, arrivals, 1);
  }

  answered(query: SimulatedQuery, subnet: number, accuracy: number, nowMs: number): void {
    const inTime = nowMs <= query.deadlineMs;
    this.#count(query, inTime ? ok : late);
    this.#answers[subnet] = (this.#answers[subnet] ?? 0) + 1;
    const latencyMs = nowMs - query.arrivedMs;
    this.#latenciesMs[this.#answered] = latencyMs;
    this.#answered += 1;
    this.#latencySumMs += latencyMs;
    if (inTime) {
      this.#sum(0, accuracy);
      this.#sum(1 + query.modelIndex, accuracy);
      this.#sum(1 + this.models.length + query.priority, accuracy);
      this.#inSeries(query.arrivedMs, oks, 1);
      this.#inSeries(query.arrivedMs, accuracies, accuracy);
    }
    this.#record(query, inTime ? 'ok' : 'late', nowMs, accuracy);
  }

  dropped(query: SimulatedQuery, outcome: 'expired' | 'failed', nowMs: number): void {
    this.#count(query, outcomeNames.indexOf(outcome));
    this.#record(query, outcome, nowMs, 0);
  }

  batch(size: number, sentMs: number): void {
    this.#batchSizes[size] = (this.#batchSizes[size] ?? 0) + 1;
    if (sentMs >= this.#windows * this.windowMs) return;
    this.#inSeries(sentMs, batches, 1);
    this.#inSeries(sentMs, batched, size);
  }

  /** What was so at the end of a window. */
  windowEnd(window: number, queued: number, workersAlive: number): void {
    this.#series[window * columns + queues] = queued;
    this.#series[window * columns + alive] = workersAlive;
  }

  scores(): Scores {
    return this.#scores(0);
  }

  scoresOfModels(): (Scores & { model: string })[] {
    return this.models.map(({ name }, i) => ({ model: name, ...this.#scores(1 + i) }));
  }

  scoresOfPriorities(): Scores[] {
    return Array.from({ length: priorities }, (_, i) => this.#scores(1 + this.models.length + i));
  }

  shares(): SubnetShare[] {
    return this.subnets.map((subnet, i) => {
      const answers = this.#answers[i] ?? 0;
      return { ...subnet, answers, share: this.#answered === 0 ? 0 : answers / this.#answered };
    });
  }

  batchSizes(): number[] {
    return Array.from(this.#batchSizes, (count) => count ?? 0);
  }

  latencyMs(): { mean: number; p50: number; p99: number; p999: number; max: number } {
    const sorted = this.#latenciesMs.subarray(0, this.#answered).sort();
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
    const mean = this.#answered === 0 ? 0 : this.#latencySumMs / this.#answered;
    return { mean, p50: at(0.5), p99: at(0.99), p999: at(0.999), max: sorted[sorted.length - 1] ?? 0 };
  }

  series(): Window[] {
    return Array.from({ length: this.#windows }, (_, i) => {
      const at = (column: number) => this.#series[i * columns + column] ?? 0;
      return {
        atMs: i * this.windowMs,
        arrivals: at(arrivals),
        ok: at(oks),
        missed: at(arrivals) - at(oks),
        attainment: at(arrivals) === 0 ? null : at(oks) / at(arrivals),
        meanAccuracy: at(oks) === 0 ? null : at(accuracies) / at(oks),
        meanBatch: at(batches) === 0 ? null : at(batched) / at(batches),
        queued: at(queues),
        workersAlive: at(alive),
      };
    });
  }

  #count(query: SimulatedQuery, column: number): void {
    const counts = this.#counts;
    const model = (1 + query.modelIndex) * stride + column;
    const priority = (1 + this.models.length + query.priority) * stride + column;
    counts[column] = (counts[column] ?? 0) + 1;
    counts[model] = (counts[model] ?? 0) + 1;
    counts[priority] = (counts[priority] ?? 0) + 1;
  }

  #sum(group: number, accuracy: number): void {
    this.#accuracySums[group] = (this.#accuracySums[group] ?? 0) + accuracy;
  }

  #inSeries(atMs: number, column: number, value: number): void {
    const window = Math.min(this.#windows - 1, Math.floor(atMs / this.windowMs));
    const at = window * columns + column;
    this.#series[at] = (this.#series[at] ?? 0) + value;
  }

  #record({ sequence }: SimulatedQuery, outcome: OutcomeName, nowMs: number, accuracy: number): void {
    if (this.records === undefined) return;
    this.records.outcome[sequence] = outcomeNames.indexOf(outcome);
    this.records.endedMs[sequence] = nowMs;
    this.records.accuracy[sequence] = accuracy;
  }

  #scores(group: number): Scores {
    const at = (column: number) => this.#counts[group * stride + column] ?? 0;
    const [inTime, tooLate, expired, failed] = outcomeNames.map((_, i) => at(i)) as [number, number, number, number];
    const counts: OutcomeCounts = { accepted: at(accepted), ok: inTime, late: tooLate, expired, failed };
    const sum = this.#accuracySums[group] ?? 0;
    return {
      ...counts,
      attainment: counts.accepted === 0 ? 1 : inTime / counts.accepted,
      meanAccuracy: inTime === 0 ? 0 : sum / inTime,
      effectiveAccuracy: counts.accepted === 0 ? 0 : sum / counts.accepted,
    };
  }
}

/** Columns of the series. */
const [arrivals, oks, accuracies, batches, batched, queues, alive] = [0, 1, 2, 3, 4, 5, 6] as const;
const columns = 7;
