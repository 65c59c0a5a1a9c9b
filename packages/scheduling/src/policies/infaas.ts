/**
 * INFaaS (Romero et al., USENIX ATC'21): a query says how accurate its answer must be, and is served by the cheapest variant
 * that is. Accuracy is a constraint, never a goal: without a threshold everything runs on the least accurate subnet, which
 * is how SuperServe compares with it, confirmed there by its authors.
 *
 * Choices made here:
 * - The threshold is the higher of the policy's own and the query's minimum accuracy. A model whose best subnet lies below
 *   the policy's own threshold is served on its best.
 * - Among the variants that are accurate enough the least accurate that meets the latency, its loading counted, is taken; if
 *   none does, the one with the lowest sum of loading and inference, so that under pressure what is loaded stays loaded. Only
 *   for families of separate models does this ever differ from the least accurate: in a supernet nothing is loaded.
 * - Batches are as large as the slack allows, as for every policy here.
 * - INFaaS also adds replicas and machines; workers are a given here.
 *
 * O(subnets + batches) per decision.
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
import { cheapestSubnet, largestBatch, run } from './fitting.js';

export class Infaas implements Policy {
  readonly name: string;

  /** @param accuracy top-1 in 0..1 that every answer must have; 0: whatever the query asks for */
  constructor(private readonly accuracy = 0) {
    this.name = accuracy === 0 ? 'infaas' : `infaas:${accuracy}`;
  }

  decide(view: DecisionView): Decision {
    return cheapestSufficient(view, mostUrgent(view), this.accuracy);
  }

  floor(table: LatencyTable): number {
    return leastSufficient(table, this.accuracy);
  }
}

/** The cheapest subnet with that accuracy at least, in the largest batch that fits. */
export function cheapestSufficient(view: DecisionView, queue: QueueView, accuracy: number): Decision {
  const slack = slackMs(view, queue);
  const least = Math.max(queue.leastSubnet, leastSufficient(queue.table, accuracy));
  const subnet = firstFitting(queue, least, slack);
  return run(queue, largestBatch(queue, subnet, slack), subnet);
}

function leastSufficient({ subnets }: LatencyTable, accuracy: number): number {
  let least = 0;
  while (least < subnets.length - 1 && (subnets[least]?.accuracy ?? 0) < accuracy) least += 1;
  return least;
}

function firstFitting(queue: QueueView, least: number, slack: number): number {
  for (let s = least; s < queue.table.subnets.length; s += 1) if (costMs(queue, s, 0) <= slack) return s;
  return cheapestSubnet(queue, 0, least);
}
