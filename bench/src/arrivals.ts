/** When the queries of a step are due: the same for every contender that is asked for it. */
import { generate, type TraceSpecInput } from '@slackline/traces';
import type { StepAsked } from './contender.js';

export function specOf({ rate, seconds, cv2 }: StepAsked): TraceSpecInput {
  return cv2 === undefined
    ? { kind: 'constant', rate, seconds }
    : { kind: 'bursty', base: rate / 3, variant: (2 * rate) / 3, cv2, seconds };
}

/** In milliseconds from the step's beginning, ascending. */
export function dueMsOf(asked: StepAsked): Float64Array {
  return generate(specOf(asked)).arrivalsMs;
}
