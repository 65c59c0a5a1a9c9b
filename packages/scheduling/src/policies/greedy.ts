/**
 * The paper's greedy alternatives to SlackFit (SuperServe, NSDI'25, section 6.4). O(subnets + batches) per decision, and
 * O(subnets x batches) for MaxBatch where changing subnets costs.
 */
import type { LatencyTable } from '../latency-table.js';
import { costMs, type Decision, type DecisionView, mostUrgent, type Policy, slackMs } from '../policy.js';
import { cheapestSubnet, largestBatch, mostAccurate, run } from './fitting.js';

/** The largest batch that fits the slack on the smallest subnet, then the best accuracy at that batch. */
export class MaxBatch implements Policy {
  readonly name = 'maxbatch';

  decide(view: DecisionView): Decision {
    const queue = mostUrgent(view);
    const slack = slackMs(view, queue);
    const fits = (b: number) => costMs(queue, cheapestSubnet(queue, b), b) <= slack;
    let batch = 0;
    for (let b = 1; b < queue.table.batches.length && fits(b); b += 1) batch = b;
    return run(queue, batch, mostAccurate(queue, batch, slack));
  }
}

/** The best accuracy at batch 1 that fits the slack, then the largest batch on that subnet. */
export class MaxAccuracy implements Policy {
  readonly name = 'maxacc';

  decide(view: DecisionView): Decision {
    const queue = mostUrgent(view);
    const slack = slackMs(view, queue);
    const subnet = mostAccurate(queue, 0, slack);
    return run(queue, largestBatch(queue, subnet, slack), subnet);
  }
}

/**
 * One subnet for everything, with batches as large as the slack allows: what a server without accuracy scaling does
 * (Clipper+ in the paper). A query that asks for more accuracy than it has is served on the least subnet that suffices.
 */
export class FixedSubnet implements Policy {
  readonly name: string;

  /** @param subnet an id of the front, `smallest` or `largest` */
  constructor(private readonly subnet: string) {
    this.name = `fixed:${subnet}`;
  }

  decide(view: DecisionView): Decision {
    const queue = mostUrgent(view);
    const subnet = Math.max(queue.leastSubnet, this.floor(queue.table));
    return run(queue, largestBatch(queue, subnet, slackMs(view, queue)), subnet);
  }

  floor(table: LatencyTable): number {
    if (this.subnet === 'largest') return table.subnets.length - 1;
    // A model without that subnet is served on its smallest: another model of the deployment may have it.
    return Math.max(
      0,
      table.subnets.findIndex((subnet) => subnet.id === this.subnet),
    );
  }
}
