/**
 * What a query may ask of how it is served: a least accuracy, and its place when not every query can be. Producers write
 * both as headers, or as parameters of an Open Inference Protocol request; ingest checks them and stamps the headers.
 */

import { SlacklineError } from './errors.js';
import { type HeaderReader, type HeaderValues, headerNames } from './headers.js';
import { quote } from './quote.js';

/** Classes of priority, ascending: under overload the first are shed first. */
export const priorities = ['low', 'normal', 'high'] as const;
export type Priority = (typeof priorities)[number];

/** Absent: any subnet will do; `normal`. */
export interface Constraints {
  /** Top-1 accuracy in 0..1 that the subnet must have at least. */
  minAccuracy?: number;
  priority?: Priority;
}

/** Triton's numbers: 0 is the model's default level, 1 the highest; as a model there with three levels, 2 by default. */
const tritonLevels: readonly Priority[] = ['normal', 'high', 'normal', 'low'];

/** A plain decimal number: no sign, no exponent, nothing that parses to NaN or Infinity. */
const decimalPattern = /^\d{1,15}(\.\d{1,30})?$/;

const isPriority = (text: unknown): text is Priority => priorities.some((priority) => priority === text);

/** Reads the headers. Throws `wrong_constraint`. */
export function constraintsIn(headers: HeaderReader): Constraints {
  const accuracy = headers.get(headerNames.minAccuracy);
  const priority = headers.get(headerNames.priority);
  return {
    ...(accuracy !== undefined && { minAccuracy: accuracyOf(headerNames.minAccuracy, decimal(accuracy)) }),
    ...(priority !== undefined && { priority: priorityOf(headerNames.priority, priority) }),
  };
}

/** Reads a request's parameters; those that are not ours are passed over. Throws `wrong_constraint`. */
export function constraintsOf(parameters: Readonly<Record<string, unknown>>): Constraints {
  const { min_accuracy: accuracy, priority } = parameters;
  return {
    ...(accuracy !== undefined && { minAccuracy: accuracyOf('The parameter min_accuracy', accuracy) }),
    ...(priority !== undefined && { priority: levelOf('The parameter priority', priority) }),
  };
}

/** The headers that say them. */
export function constraintHeaders({ minAccuracy, priority }: Constraints): HeaderValues {
  return {
    ...(minAccuracy !== undefined && { [headerNames.minAccuracy]: decimalText(minAccuracy) }),
    ...(priority !== undefined && { [headerNames.priority]: priority }),
  };
}

/** A number without an exponent, as headers have it. */
export function decimalText(value: number): string {
  const text = String(value);
  return text.includes('e') ? value.toFixed(6) : text;
}

function accuracyOf(what: string, value: unknown): number {
  if (typeof value === 'number' && value >= 0 && value <= 1) return value;
  throw new SlacklineError('wrong_constraint', `${what} is ${shown(value)}, but must be a number from 0 to 1`);
}

function priorityOf(what: string, value: unknown): Priority {
  if (isPriority(value)) return value;
  throw new SlacklineError('wrong_constraint', `${what} is ${shown(value)}, but must be low, normal or high`);
}

/** As `priorityOf`, and Triton's numbers. */
function levelOf(what: string, value: unknown): Priority {
  if (typeof value !== 'number') return priorityOf(what, value);
  const level = tritonLevels[value];
  if (level !== undefined) return level;
  const takes = 'must be low, normal or high, or a number from 1 (high) to 3 (low), or 0 (normal)';
  throw new SlacklineError('wrong_constraint', `${what} is ${value}, but ${takes}`);
}

/** Text that is no number stays text, for the sentence that refuses it. */
const decimal = (text: string): number | string => (decimalPattern.test(text) ? Number(text) : text);

function shown(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  return typeof value === 'number' ? String(value) : `a value of type ${typeof value}`;
}
