/**
 * Guards a decision by the tail of the profile. A policy plans with medians, corrected by what serving measures. A batch
 * that fits the slack by its median and would miss the deadline by its 99th percentile is decided again from the 99th
 * percentiles, as long as anything fits by those; where nothing does, the first decision is the better bet.
 *
 * O(1) beside the policy's own cost, which is paid at most twice.
 */
import { type Decision, type DecisionView, type Policy, type QueueView, slackMs } from './policy.js';

export function guarded(policy: Policy, view: DecisionView): Decision {
  const first = policy.decide(view);
  if (holds(first, view)) return first;
  const second = policy.decide({ ...view, queues: view.queues.map(atTail) });
  return holds(second, view) ? second : first;
}

/** The queue with its tail as what to plan with. */
function atTail(queue: QueueView): QueueView {
  return { ...queue, table: queue.table.tail ?? queue.table };
}

/** Whether the batch would meet the most urgent deadline if it took as long as its tail says. */
function holds(decision: Decision, view: DecisionView): boolean {
  if (decision.kind === 'wait') return true;
  const queue = view.queues.find(({ model }) => model === decision.model);
  const tail = queue?.table.tail;
  if (queue === undefined || tail === undefined) return true;
  // The reserve stands for the tail as it is measured while serving: to keep back both would count it twice.
  const slack = slackMs({ ...view, conditions: { ...view.conditions, reserveMs: 0 } }, queue);
  const batch = Math.max(1, Math.min(decision.batch, queue.runnable));
  return tail.estimate(decision.subnet, batch) <= slack;
}
