/** A load's figures as a step's. */
import type { Figures } from '@slackline/load';
import type { StepAsked, StepFigures } from '../contender.js';

export function stepOf(asked: StepAsked, figures: Figures): StepFigures {
  const { published, refused, outcomes, unanswered, accuracySum, inTimeByProducer, latencyMs, lagMs } = figures;
  const { duplicates, checked, right } = figures;
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
  };
}
