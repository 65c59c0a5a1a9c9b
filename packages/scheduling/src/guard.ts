/**
 * Guards a decision by the tail of the profile, for every policy alike. A policy plans with medians, corrected by what
 * serving measures. Where its answer would not hold if the batch took as long as the 99th percentile says, it is asked
 * again with those as its latencies, and that answer stands if it holds; where it does not either, the first is the better
 * bet. The policy's own rule decides both times: a fixed subnet stays fixed and gets a smaller batch, a plan keeps its
 * variants. A wait is cut short at the moment at which the policy would act by the 99th percentiles.
 *
 * O(1) beside the policy's own cost, which is paid at most twice.
 */
import {
  changeMs,
  type Decision,
  type DecisionView,
  type Policy,
  type QueueView,
  slackMs,
  withoutReserve,
} from './policy.js';

/** The decision to carry out. */
export function guarded(policy: Policy, view: DecisionView): Decision {
  const decision = decide(policy, view);
  policy.carriedOut?.(decision, view);
  return decision;
}

function decide(policy: Policy, view: DecisionView): Decision {
  const first = policy.decide(view);
  if (first.kind === 'wait') return waitAtMost(first, policy, view);
  if (holds(first, view)) return first;
  const second = policy.decide({ ...view, queues: view.queues.map(atTail) });
  return second.kind === 'run' && holds(second, view) ? second : first;
}

function waitAtMost(first: Decision & { kind: 'wait' }, policy: Policy, view: DecisionView): Decision {
  if (view.queues.every(({ table }) => table.tail === undefined)) return first;
  // The reserve stands for the tail as it is measured while serving: to keep back both would count it twice.
  const second = policy.decide({ ...withoutReserve(view), queues: view.queues.map(atTail) });
  if (second.kind === 'run') return holds(second, view) ? second : first;
  return second.untilMs < first.untilMs ? second : first;
}

/** The queue with its tail as what to plan with. */
function atTail(queue: QueueView): QueueView {
  return { ...queue, table: queue.table.tail ?? queue.table };
}

/** Whether the batch would meet the most urgent deadline in it if it took as long as its tail says. */
function holds(decision: Decision & { kind: 'run' }, view: DecisionView): boolean {
  const queue = view.queues.find(({ model }) => model === decision.model);
  const tail = queue?.table.tail;
  if (queue === undefined || tail === undefined) return true;
  const { subnet, skip = 0 } = decision;
  const batch = Math.max(1, Math.min(decision.batch, queue.runnableOn(subnet) - skip));
  const takesMs = tail.estimate(subnet, batch) + changeMs(queue, subnet);
  const first = skip === 0 ? queue : { ...queue, headDeadlineMs: queue.deadlineMsAt(skip, subnet) };
  return takesMs <= slackMs(withoutReserve(view), first);
}
