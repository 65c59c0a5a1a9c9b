/** What can be generated: the kinds of traces with their parameters, checked. */
import { z } from 'zod';
import { TraceError } from './errors.js';

// What a check says ends a sentence that begins with the parameter.
const number = (which: string, fits: (value: number) => boolean) => {
  const error = `takes ${which}`;
  return z.number({ error }).refine(fits, { error });
};
/** Queries a second. */
const rate = number('a rate above 0 and at most 10000000', (value) => value > 0 && value <= 1e7);
/**
 * Squared coefficient of variation of the gaps: variance / mean². 0 is evenly spaced, 1 is poisson, more is burstier.
 */
const cv2 = number('a number from 0 to 10000', (value) => value >= 0 && value <= 1e4);
const secondsOf = (fallback: number) =>
  number('a number above 0 and at most 10000000', (value) => value > 0 && value <= 1e7).default(fallback);

export const defaultSeconds = 60;
export const seedSchema = number('a whole number', Number.isSafeInteger).default(1);
const common = { seconds: secondsOf(defaultSeconds), seed: seedSchema };

const kinds = {
  /** Evenly spaced. */
  constant: z.strictObject({ kind: z.literal('constant'), rate, ...common }),
  /** Independent users: exponential gaps. */
  poisson: z.strictObject({ kind: z.literal('poisson'), rate, ...common }),
  /** Gamma-distributed gaps. */
  gamma: z.strictObject({ kind: z.literal('gamma'), rate, cv2, ...common }),
  /** An evenly spaced base, and a variant with gamma gaps, merged in order of arrival. */
  bursty: z.strictObject({ kind: z.literal('bursty'), base: rate, variant: rate, cv2, ...common }),
  /** From one rate to another by `tau` queries/s², beginning `at` seconds; gamma gaps of that cv2 all the way. */
  accelerating: z.strictObject({
    kind: z.literal('accelerating'),
    from: rate,
    to: rate,
    tau: number('queries/s² above 0 and at most 1000000000', (value) => value > 0 && value <= 1e9),
    at: number('seconds, 0 or more', (value) => value >= 0 && value <= 1e7).default(0),
    cv2,
    ...common,
  }),
  /** A sinusoid from `low` (at the start) to `high` and back every `period` seconds. */
  diurnal: z.strictObject({
    kind: z.literal('diurnal'),
    low: number('a rate from 0 to 10000000', (value) => value >= 0 && value <= 1e7),
    high: rate,
    period: secondsOf(defaultSeconds),
    cv2: cv2.default(1),
    ...common,
  }),
};

export type TraceKind = keyof typeof kinds;
export const traceKinds = Object.keys(kinds) as readonly TraceKind[];

const traceSpec = z.discriminatedUnion('kind', [
  kinds.constant,
  kinds.poisson,
  kinds.gamma,
  kinds.bursty,
  kinds.accelerating,
  kinds.diurnal,
]);
/** A trace that can be generated. Rates in queries a second. */
export type TraceSpec = z.output<typeof traceSpec>;
/** The same, where what has a default may be left out: seconds 60, seed 1, and see docs/traces.md. */
export type TraceSpecInput = z.input<typeof traceSpec>;

/** The parameters of a kind, in the order that texts name them. */
export function parametersOf(kind: TraceKind): readonly string[] {
  return Object.keys(kinds[kind].shape).filter((name) => name !== 'kind');
}

/** Fills in what was left out. Throws `invalid_trace` with a sentence that names the parameter and what it takes. */
export function checkSpec(given: TraceSpecInput | Readonly<Record<string, unknown>>): TraceSpec {
  const checked = traceSpec.safeParse(given);
  if (checked.success) return checked.data;
  const kind = String((given as Readonly<Record<string, unknown>>).kind);
  const [issue] = checked.error.issues;
  if (!isTraceKind(kind)) {
    throw new TraceError(
      'invalid_trace',
      `There is no kind of trace ${kind}; these are there: ${traceKinds.join(', ')}`,
    );
  }
  const takes = `${kind} takes ${parametersOf(kind).join(', ')}`;
  if (issue?.code === 'unrecognized_keys')
    throw new TraceError('invalid_trace', `A trace ${takes}, not ${issue.keys.join(', ')}`);
  const name = String(issue?.path[0]);
  const value = (given as Readonly<Record<string, unknown>>)[name];
  const found = value === undefined ? 'and is missing' : `not ${String(value)}`;
  throw new TraceError('invalid_trace', `The ${name} of a trace ${kind} ${issue?.message}, ${found}`);
}

export function isTraceKind(name: string): name is TraceKind {
  return Object.hasOwn(kinds, name);
}
