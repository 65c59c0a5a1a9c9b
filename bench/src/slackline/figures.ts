/** A load's figures as a step's. */
import type { Figures, Records } from '@slackline/load';
import type { StepAsked, StepFigures } from '../contender.js';
import { percentiles } from '../latency.js';

export function stepOf(asked: StepAsked, figures: Figures): StepFigures {
  const { published, refused, outcomes, unanswered, accuracySum, inTimeByProducer, latencyMs, lagMs } = figures;
  const { duplicates, checked, right, records } = figures;
  const answered = published - unanswered - refused.overloaded - refused.other - outcomes.expired - outcomes.failed;
  return {
    ...asked,
    sent: published,
    back: answered,
    within36: inTimeByProducer / Math.max(1, published),
    attainment: outcomes.ok / Math.max(1, published),
    accuracy: accuracySum / Math.max(1, outcomes.ok),
    latencyMs,
    sendLagMs: lagMs,
    duplicates,
    unended: unanswered,
    ...(checked > 0 && { checked, right }),
    ...(records !== undefined && timesOf(records)),
  };
}

/** Over the queries that were answered. */
export function timesOf({
  sentMs,
  endedMs,
  inferenceMs,
}: Pick<Records, 'sentMs' | 'endedMs' | 'inferenceMs'>): Required<
  Pick<StepFigures, 'roundTripMs' | 'deviceMs' | 'overheadMs'>
> {
  const answered = [...inferenceMs.keys()].filter((i) => Number.isFinite(inferenceMs[i]));
  const column = (value: (i: number) => number) => percentiles(Float64Array.from(answered, value));
  const roundTrip = (i: number) => (endedMs[i] ?? 0) - (sentMs[i] ?? 0);
  const device = (i: number) => inferenceMs[i] ?? 0;
  return {
    roundTripMs: column(roundTrip),
    deviceMs: column(device),
    overheadMs: column((i) => roundTrip(i) - device(i)),
  };
}
