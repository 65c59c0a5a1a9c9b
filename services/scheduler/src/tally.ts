/** What a scheduler counts, for telemetry, over all of its terms. */
import type { Batch } from '@slackline/scheduling';
import type { Outcome } from '@slackline/shared';
import type { HeldQuery } from './held-query.js';

export class Tally {
  workersLost = 0;
  unreadable = 0;
  readonly outcomes: Record<Outcome, number> = { ok: 0, late: 0, expired: 0, failed: 0 };
  /** Answers by model and subnet. Names come from outside: as properties some of them would mean something else. */
  readonly #subnets = new Map<string, Map<string, number>>();
  /** By worker, those of the present term: who left while another scheduler led was told to nobody here. */
  readonly #executors = new Map<string, string>();
  #batches = 0;
  #queries = 0;

  /** A new leader hears of every worker anew. */
  beginTerm(): void {
    this.#executors.clear();
  }

  /** What a worker says that it runs batches with. */
  executor(workerId: string, executor: string): void {
    this.#executors.set(workerId, executor);
  }

  forget(workerId: string): void {
    this.#executors.delete(workerId);
  }

  executorOf(workerId: string): string {
    return this.#executors.get(workerId) ?? '';
  }

  batch({ model, subnet, queries }: Batch<HeldQuery>): void {
    const counts = this.#subnets.get(model) ?? new Map<string, number>();
    this.#subnets.set(model, counts);
    counts.set(subnet, (counts.get(subnet) ?? 0) + queries.length);
    this.#batches += 1;
    this.#queries += queries.length;
  }

  /** Answers by model and subnet. */
  get subnets(): Record<string, Record<string, number>> {
    return Object.fromEntries([...this.#subnets].map(([model, counts]) => [model, Object.fromEntries(counts)]));
  }

  /** Mean batch size since the last call. */
  takeMeanBatch(): number {
    const mean = this.#batches === 0 ? 0 : this.#queries / this.#batches;
    this.#batches = 0;
    this.#queries = 0;
    return mean;
  }
}
