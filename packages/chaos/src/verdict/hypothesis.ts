/** What a run is expected to show: `attainment>=0.99`, `recoveryMs.max<=1s`, `killed=4`. */
import { durationMs } from '../time.js';
import type { Metrics } from './metrics.js';

const scalars = [
  ...['attainment', 'accuracy', 'accuracyFirst', 'accuracyLast', 'accuracyDrop', 'killed', 'faultsDone', 'published'],
  ...['accepted', 'ok', 'late', 'expired', 'failed', 'refused', 'unanswered', 'lost', 'neverAccepted', 'rate'],
  ...['duplicatesVisible', 'secondReplies', 'dispatchedTwice', 'executedTwice'],
] as const satisfies readonly (keyof Metrics)[];
/** Those that lie between 0 and 1. */
const shares: ReadonlySet<string> = new Set([
  'attainment',
  'accuracy',
  'accuracyFirst',
  'accuracyLast',
  'accuracyDrop',
]);
const spreads = ['latencyMs', 'detectionMs', 'redispatchMs', 'servedMs', 'recoveryMs'] as const;
const parts = ['p50', 'p90', 'max', 'count'] as const;
const operators = {
  '>=': (a: number, b: number) => a >= b,
  '<=': (a: number, b: number) => a <= b,
  '>': (a: number, b: number) => a > b,
  '<': (a: number, b: number) => a < b,
  '=': (a: number, b: number) => a === b,
} as const;

type Operator = keyof typeof operators;
/** All that a hypothesis can be about. */
export const metricNames: readonly string[] = [
  ...scalars,
  ...spreads.flatMap((name) => parts.map((part) => `${name}.${part}`)),
];

export interface Hypothesis {
  readonly text: string;
  readonly metric: string;
  readonly operator: Operator;
  /** In the metric's unit. */
  readonly value: number;
}

export interface Tested {
  readonly hypothesis: string;
  readonly state: 'pass' | 'fail';
  /** Null: the run had nothing of which it could be measured. */
  readonly measured: number | null;
}

const pattern = /^\s*([A-Za-z]+(?:\.[a-z0-9]+)?)\s*(>=|<=|>|<|=)\s*(\d+(?:\.\d+)?)\s*(%|ms|s|m)?\s*$/;

/** @throws RangeError that says what is taken */
export function readHypothesis(text: string): Hypothesis {
  const [, metric = '', operator = '', number = '', unit = ''] = pattern.exec(text) ?? [];
  if (!metricNames.includes(metric) || !isOperator(operator)) {
    throw new RangeError(
      `takes <metric><op><number>, as attainment>=0.99 or recoveryMs.max<=1s; operators ${Object.keys(operators).join(' ')}; ` +
        `metrics ${scalars.join(', ')}, and ${parts.map((part) => `.${part}`).join(', ')} of ${spreads.join(', ')}`,
    );
  }
  const isTime = metric.includes('Ms.') && !metric.endsWith('.count');
  if (unit === '%' ? isTime : unit !== '' && !isTime) {
    throw new RangeError(
      `takes ${isTime ? 'milliseconds, or a time as 1s' : 'a number, or a share as 99%'} for ${metric}`,
    );
  }
  const value =
    unit === '%' ? Number(number) / 100 : unit === '' ? Number(number) : (durationMs(`${number}${unit}`) ?? 0);
  if (value > 1 && shares.has(metric)) {
    throw new RangeError(`takes a share from 0 to 1, or from 0% to 100%, for ${metric}`);
  }
  return { text: text.trim(), metric, operator, value };
}

const isOperator = (text: string): text is Operator => Object.hasOwn(operators, text);

/** What was not measured holds nothing. */
export function test({ text, metric, operator, value }: Hypothesis, metrics: Metrics): Tested {
  const measured = read(metric, metrics);
  const holds = measured !== null && operators[operator](measured, value);
  return { hypothesis: text, state: holds ? 'pass' : 'fail', measured };
}

function read(metric: string, metrics: Metrics): number | null {
  const scalar = scalars.find((name) => name === metric);
  if (scalar !== undefined) return metrics[scalar];
  const [name, part] = metric.split('.');
  const spread = spreads.find((each) => each === name);
  const of = parts.find((each) => each === part);
  if (spread === undefined || of === undefined) return null;
  return metrics[spread]?.[of] ?? (of === 'count' ? 0 : null);
}
