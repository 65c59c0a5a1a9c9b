/**
 * What fits: the questions that the policies of the papers ask of a queue's table. Costs count the change to a subnet that is
 * not actuated, and no subnet below the head's minimum accuracy is considered.
 *
 * Within a supernet, where changes cost nothing, every answer is found in O(subnets + batches); where they cost, costs do
 * not ascend with the subnet any more, and the largest batch of all takes O(subnets x batches).
 */
import { costMs, type Decision, type QueueView } from '../policy.js';

/** The decision to run the batch with that index on that subnet. */
export function run({ model, table }: QueueView, batchIndex: number, subnet: number): Decision {
  return { kind: 'run', model, batch: table.batches[batchIndex] ?? 1, subnet };
}

/** The subnet from `least` on that costs least at a batch: the least accurate, unless what is actuated saves a change. */
export function cheapestSubnet(queue: QueueView, batchIndex: number, least = queue.leastSubnet): number {
  let best = least;
  for (let s = best + 1; s < queue.table.subnets.length; s += 1) {
    if (costMs(queue, s, batchIndex) < costMs(queue, best, batchIndex)) best = s;
  }
  return best;
}

/** Index of the largest batch of `subnet` that fits, or 0 when none does. */
export function largestBatch(queue: QueueView, subnet: number, slackMs: number): number {
  let best = 0;
  for (let b = 1; b < queue.table.batches.length && costMs(queue, subnet, b) <= slackMs; b += 1) best = b;
  return best;
}

/** The most accurate subnet that fits at a batch, or the cheapest when none does. */
export function mostAccurate(queue: QueueView, batchIndex: number, slackMs: number): number {
  for (let s = queue.table.subnets.length - 1; s >= queue.leastSubnet; s -= 1) {
    if (costMs(queue, s, batchIndex) <= slackMs) return s;
  }
  return cheapestSubnet(queue, batchIndex);
}
