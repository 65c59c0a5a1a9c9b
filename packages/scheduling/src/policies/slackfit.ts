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
 * - A minimum accuracy of the most urgent query: buckets of the subnets that satisfy it, and of no others.
 * - Subnets that cost something to change to (the paper has none): a pair is as slow as its latency and the change to it,
 *   so there are buckets for each subnet that a worker may have actuated.
 *
 * O(1) per decision; O(buckets x subnets x batches) once per table, minimum and, where changes cost, actuated subnet.
 */
import type { LatencyTable } from '../latency-table.js';
import {
  costMs,
  type Decision,
  type DecisionView,
  mostUrgent,
  type Policy,
  type QueueView,
  slackMs,
} from '../policy.js';
import { cheapestSubnet, mostAccurate } from './fitting.js';

interface Buckets {
  firstBoundMs: number;
  stepMs: number;
  /** Batch size and subnet per bucket. */
  batch: Int32Array;
  subnet: Int32Array;
}

/** The buckets of one table. */
interface Cached {
  /** Whether changing to any of its subnets costs something. */
  changesCost: boolean;
  /** By least subnet and actuated one; see `#bucketsOf`. */
  buckets: Buckets[];
}

/** Bucket bounds of a queue's table, for its least and its actuated subnet, and what each holds. */
export function fillBuckets(queue: QueueView, bucketCount: number): Buckets {
  const { subnets, batches } = queue.table;
  const firstBoundMs = costMs(queue, cheapestSubnet(queue, 0), 0);
  let lastBoundMs = 0;
  for (let s = queue.leastSubnet; s < subnets.length; s += 1) {
    lastBoundMs = Math.max(lastBoundMs, costMs(queue, s, batches.length - 1));
  }
  const stepMs = (lastBoundMs - firstBoundMs) / Math.max(1, bucketCount - 1);
  const batch = new Int32Array(bucketCount);
  const subnet = new Int32Array(bucketCount);
  for (let bucket = 0; bucket < bucketCount; bucket += 1) {
    // The last bound is taken as it is: adding up steps could miss it by a rounding.
    const boundMs = bucket === bucketCount - 1 ? lastBoundMs : firstBoundMs + bucket * stepMs;
    let best = batches.length - 1;
    while (best > 0 && costMs(queue, cheapestSubnet(queue, best), best) > boundMs) best -= 1;
    batch[bucket] = batches[best] ?? 1;
    subnet[bucket] = mostAccurate(queue, best, boundMs);
  }
  return { firstBoundMs, stepMs, batch, subnet };
}

export class SlackFit implements Policy {
  readonly name = 'slackfit';
  readonly #cache = new WeakMap<LatencyTable, Cached>();

  /** @param bucketCount how finely slack is told apart; more than the table has distinct latencies changes nothing */
  constructor(private readonly bucketCount = 64) {}

  decide(view: DecisionView): Decision {
    const queue = mostUrgent(view);
    const buckets = this.#bucketsOf(queue);
    const steps = buckets.stepMs > 0 ? (slackMs(view, queue) - buckets.firstBoundMs) / buckets.stepMs : 0;
    const bucket = Math.max(0, Math.min(this.bucketCount - 1, Math.floor(steps)));
    return {
      kind: 'run',
      model: queue.model,
      batch: buckets.batch[bucket] ?? 1,
      subnet: buckets.subnet[bucket] ?? 0,
    };
  }

  #bucketsOf(queue: QueueView): Buckets {
    const { table, leastSubnet, actuated } = queue;
    let cached = this.#cache.get(table);
    if (cached === undefined) {
      cached = { changesCost: table.actuationMs.some((ms) => ms > 0), buckets: [] };
      this.#cache.set(table, cached);
    }
    // -1, nothing actuated, comes first; where changes cost nothing, what is actuated makes no difference.
    const key = leastSubnet * (table.subnets.length + 1) + (cached.changesCost ? actuated + 1 : 0);
    const buckets = cached.buckets[key] ?? fillBuckets(queue, this.bucketCount);
    cached.buckets[key] = buckets;
    return buckets;
  }
}
