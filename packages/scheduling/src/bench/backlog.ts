/**
 * A dispatcher in the middle of a backlog, for the benchmark: a given number of queries waits, every worker holds a batch.
 * A step is what a completion brings: a worker becomes free, and `run` decides and takes the batch. Only `run` is timed.
 *
 * Time moves with the most urgent deadline, and the slack of the most urgent query goes up and down between what the fastest
 * answer takes and 60 ms, so that policies choose everything from the fastest pair to the largest one.
 */

import type { Batch } from '../batch.js';
import { Dispatcher } from '../dispatcher.js';
import type { LatencyTable } from '../latency-table.js';
import { isPlanned } from '../plan.js';
import { createPolicy } from '../policies/registry.js';
import type { Policy } from '../policy.js';
import { priorityClasses, type Query } from '../query.js';

export interface BacklogOptions {
  readonly policy: string;
  readonly queued: number;
  readonly workers: number;
  /** Whether queries differ in minimum accuracy and priority; otherwise any accuracy will do, and all are normal. */
  readonly mixed: boolean;
  readonly table: LatencyTable;
}

/** Deadlines of new queries lie at least so far ahead, evenly spread from there. */
const nearMs = 70;
const leastSpreadMs = 1_000;
/** The backlog can be carried: overload sheds many queries in one decision, and they would be what is measured. */
const spareTime = 2;
/** What the most urgent query has at the least, beyond what would make it expire. */
const spareSlackMs = 0.5;
const mostSlackMs = 60;
/** Steps from the least slack to the most and back. */
const wave = 20_000;
const model = 'm';
const epoch = 'e';

export class Backlog {
  readonly #dispatcher: Dispatcher<Query>;
  readonly #out: Batch<Query>[] = [];
  readonly #random = randomFrom(1);
  readonly #minima: readonly number[];
  readonly #spreadMs: number;
  readonly #leastSlackMs: number;
  #sent: Batch<Query> | undefined;
  #headMs: number;
  #nowMs = 0;
  #queries = 0;
  #steps = 0;
  #isFree = false;

  constructor(private readonly options: BacklogOptions) {
    const { policy, queued, workers, mixed, table } = options;
    const effects = {
      send: (batch: Batch<Query>) => {
        this.#out.push(batch);
        this.#sent = batch;
      },
      expired: () => {},
      failed: () => {},
      fenced: () => {},
    };
    const largestMs = table.at(table.subnets.length - 1, table.batches.length - 1);
    this.#spreadMs = Math.max(leastSpreadMs, (spareTime * queued * largestMs) / table.largestBatch / workers);
    this.#minima = table.subnets.map(({ accuracy }) => accuracy);
    const conditions = { slowdown: 1, overheadMs: 1, reserveMs: 1 };
    const chooses = createPolicy(policy);
    // Nothing is to expire: a decision that also gives up a hundred queries would be what is measured.
    const slowest = mixed ? table.subnets.length - 1 : (chooses.floor?.(table) ?? 0);
    this.#leastSlackMs = conditions.overheadMs + table.at(slowest, 0) + spareSlackMs;
    const limits = { maxBatch: 256, maxBatchBytes: 1e6, deadAfterMs: 500, overdueMs: 1_000 };
    this.#dispatcher = new Dispatcher(chooses, effects, { conditions, ...limits });
    this.#dispatcher.setTable(model, 'd', table);
    this.#headMs = nearMs;
    for (let worker = 0; worker < workers; worker += 1) {
      const report = { workerId: `w${worker}`, epoch, deviceClass: 'd', models: new Set([model]) };
      this.#dispatcher.report({ ...report, accepting: true, batchId: undefined }, this.#nowMs);
    }
    // With minima a plan skips what is too urgent for a full batch, and the expiry of all that would be what is measured.
    if (!mixed) this.#plan(chooses);
    this.#refill(queued);
    this.#dispatcher.run(this.#nowMs);
    this.#refill(queued - this.#dispatcher.queued);
  }

  /** Makes a worker free and lets the dispatcher decide. Returns what that took, in microseconds. */
  step(): number {
    this.#steps += 1;
    this.#free();
    const place = (this.#steps % wave) / wave;
    const leastMs = this.#leastSlackMs;
    const slackMs = leastMs + (mostSlackMs - leastMs) * 2 * Math.min(place, 1 - place);
    this.#nowMs = Math.max(this.#nowMs, this.#headMs - slackMs);
    const beganMs = performance.now();
    this.#dispatcher.run(this.#nowMs);
    const tookUs = 1_000 * (performance.now() - beganMs);
    this.#isFree = this.#sent === undefined;
    this.#replace();
    return tookUs;
  }

  /** A plan with every worker on its first variant: whichever it is, following it costs the same. */
  #plan(policy: Policy): void {
    if (!isPlanned(policy)) return;
    const view = this.#dispatcher.planView(this.#nowMs);
    const variables = policy.planProblem(view)?.variables ?? [];
    // The first variable counts the devices of the first variant, the second what they serve.
    const values = variables.map((_, i) => (i === 0 ? this.options.workers : Number(i === 1)));
    policy.adopt({ status: 'feasible', values, objective: 0, bound: 0, gap: 0, solveMs: 0 }, view);
  }

  /** Takes a random batch back, unless the last worker still waits for one. */
  #free(): void {
    if (this.#isFree) {
      // A policy that waits goes on when time does.
      this.#headMs += 1;
      return;
    }
    const place = Math.floor(this.#random() * this.#out.length);
    const batch = this.#out[place];
    const last = this.#out.pop();
    if (batch === undefined || last === undefined) return;
    if (batch !== last) this.#out[place] = last;
    this.#dispatcher.complete(batch.id, batch.workerId, epoch, this.#nowMs);
  }

  /** New queries for those that left. */
  #replace(): void {
    this.#headMs = Math.max(this.#headMs, this.#sent?.queries[0]?.deadlineMs ?? 0);
    this.#sent = undefined;
    this.#refill(this.options.queued - this.#dispatcher.queued);
  }

  #refill(count: number): void {
    const { mixed } = this.options;
    for (let i = 0; i < count; i += 1) {
      this.#queries += 1;
      const sloMs = nearMs + this.#random() * this.#spreadMs;
      this.#dispatcher.add({
        id: `q${this.#queries}`,
        model,
        deadlineMs: this.#nowMs + sloMs,
        sloMs,
        sequence: this.#queries,
        bytes: 784,
        minAccuracy: mixed ? this.#pick(this.#minima) : 0,
        priority: mixed ? this.#pick(priorityClasses) : 1,
        deaths: 0,
      });
    }
  }

  #pick<T>(values: readonly T[]): T {
    const value = values[Math.floor(this.#random() * values.length)];
    if (value === undefined) throw new RangeError('there is nothing to pick from');
    return value;
  }
}

/** Marsaglia's xorshift32: numbers in 0..1, the same ones in every run. */
export function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
