/** The paper's greedy alternatives to SlackFit (SuperServe, NSDI'25, section 6.4). O(subnets + batches) per decision. */
import type { LatencyTable } from '../latency-table.js';
import { type Decision, type DecisionView, mostUrgent, type Policy, slackMs } from '../policy.js';

/** Index of the largest batch of `subnet` that fits, or 0 when none does. */
function largestBatch(table: LatencyTable, subnet: number, slack: number): number {
  let best = 0;
  for (let b = 1; b < table.batches.length && table.at(subnet, b) <= slack; b += 1) best = b;
  return best;
}

/** Index of the most accurate subnet that fits at a batch, or 0 when none does. */
function mostAccurate(table: LatencyTable, batchIndex: number, slack: number): number {
  let best = 0;
  for (let s = 1; s < table.subnets.length && table.at(s, batchIndex) <= slack; s += 1) best = s;
  return best;
}

/** The largest batch that fits the slack on the smallest subnet, then the best accuracy at that batch. */
export class MaxBatch implements Policy {
  readonly name = 'maxbatch';

  decide(view: DecisionView): Decision {
    const queue = mostUrgent(view);
    const { model, table } = queue;
    const slack = slackMs(view, queue);
    const batch = largestBatch(table, 0, slack);
    return {
      kind: 'run',
      model,
      batch: table.batches[batch] ?? 1,
      subnet: mostAccurate(table, batch, slack),
    };
  }
}

/** The best accuracy at batch 1 that fits the slack, then the largest batch on that subnet. */
export class MaxAccuracy implements Policy {
  readonly name = 'maxacc';

  decide(view: DecisionView): Decision {
    const queue = mostUrgent(view);
    const slack = slackMs(view, queue);
    const subnet = mostAccurate(queue.table, 0, slack);
    const batch = largestBatch(queue.table, subnet, slack);
    return {
      kind: 'run',
      model: queue.model,
      batch: queue.table.batches[batch] ?? 1,
      subnet,
    };
  }
}

/**
 * One subnet for everything, with batches as large as the slack allows: what a server without accuracy scaling does
 * (Clipper+ in the paper). The smallest subnet is also the paper's INFaaS without an accuracy threshold.
 */
export class FixedSubnet implements Policy {
  readonly name: string;

  /** @param subnet an id of the front, `smallest` or `largest` */
  constructor(private readonly subnet: string) {
    this.name = `fixed:${subnet}`;
  }

  decide(view: DecisionView): Decision {
    const queue = mostUrgent(view);
    const subnet = this.#index(queue.table);
    const batch = largestBatch(queue.table, subnet, slackMs(view, queue));
    return {
      kind: 'run',
      model: queue.model,
      batch: queue.table.batches[batch] ?? 1,
      subnet,
    };
  }

  #index(table: LatencyTable): number {
    if (this.subnet === 'largest') return table.subnets.length - 1;
    // A model without that subnet is served on its smallest: another model of the deployment may have it.
    return Math.max(
      0,
      table.subnets.findIndex((subnet) => subnet.id === this.subnet),
    );
  }
}
