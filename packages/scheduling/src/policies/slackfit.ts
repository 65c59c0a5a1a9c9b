/**
 * SlackFit (SuperServe, NSDI'25, section 5): the slack of the most urgent query picks a latency bucket, and the bucket
 * names batch size and subnet. Under a burst slack shrinks, buckets of lower latency are picked, and those hold less
 * accurate subnets: throughput rises before deadlines break.
 *
 * What the paper leaves open, decided here:
 * - Buckets: `bucketCount` evenly spaced bounds from the latency of (smallest, batch 1) to that of (largest, largest
 *   batch), both included.
 * - A bucket's choice: of all pairs not slower than its bound the largest batch; among equal batches the most accurate.
 * - A batch larger than the queue: it is run with what the queue holds, on the same subnet.
 * - Slack below the first bound: the fastest pair; the dispatcher expires what even that cannot save.
 *
 * O(1) per decision; O(buckets x subnets x batches) once per table.
 */
import type { LatencyTable } from '../latency-table.js';
import { type Decision, type DecisionView, mostUrgent, type Policy, slackMs } from '../policy.js';

interface Buckets {
  firstBoundMs: number;
  stepMs: number;
  /** Batch size and subnet per bucket. */
  batch: Int32Array;
  subnet: Int32Array;
}

/** Bucket bounds of a table and what each holds. */
export function fillBuckets(table: LatencyTable, bucketCount: number): Buckets {
  const firstBoundMs = table.fastestMs;
  const lastBoundMs = table.at(table.subnets.length - 1, table.batches.length - 1);
  const stepMs = (lastBoundMs - firstBoundMs) / Math.max(1, bucketCount - 1);
  const batch = new Int32Array(bucketCount);
  const subnet = new Int32Array(bucketCount);
  for (let bucket = 0; bucket < bucketCount; bucket += 1) {
    // The last bound is taken as it is: adding up steps could miss it by a rounding.
    const boundMs = bucket === bucketCount - 1 ? lastBoundMs : firstBoundMs + bucket * stepMs;
    let [bestBatch, bestSubnet] = [0, 0];
    for (let b = table.batches.length - 1; b > bestBatch; b -= 1) if (table.at(0, b) <= boundMs) bestBatch = b;
    for (let s = 1; s < table.subnets.length; s += 1) if (table.at(s, bestBatch) <= boundMs) bestSubnet = s;
    batch[bucket] = table.batches[bestBatch] ?? 1;
    subnet[bucket] = bestSubnet;
  }
  return { firstBoundMs, stepMs, batch, subnet };
}

export class SlackFit implements Policy {
  readonly name = 'slackfit';
  readonly #buckets = new WeakMap<LatencyTable, Buckets>();

  /** @param bucketCount how finely slack is told apart; more than the table has distinct latencies changes nothing */
  constructor(private readonly bucketCount = 64) {}

  decide(view: DecisionView): Decision {
    const queue = mostUrgent(view);
    let buckets = this.#buckets.get(queue.table);
    if (buckets === undefined) {
      buckets = fillBuckets(queue.table, this.bucketCount);
      this.#buckets.set(queue.table, buckets);
    }
    const steps = buckets.stepMs > 0 ? (slackMs(view, queue) - buckets.firstBoundMs) / buckets.stepMs : 0;
    const bucket = Math.max(0, Math.min(this.bucketCount - 1, Math.floor(steps)));
    return {
      kind: 'run',
      model: queue.model,
      batch: buckets.batch[bucket] ?? 1,
      subnet: buckets.subnet[bucket] ?? 0,
    };
  }
}
