/**
 * Whether accuracy gave way before attainment did, and came back with the worker. Judged over all faults that took workers
 * away for long enough, taken together: a single stretch of a bursty load says little.
 */
import type { InjectedFault } from '../inject/injector.js';
import type { Evidence } from './evidence.js';
import type { Invariant } from './invariant.js';
import { wantedAttainment } from './measures.js';
import { pooled, type Scores, scoresIn } from './window.js';

/** After a fault, and after a worker came back, this long belongs to neither side. */
const settleMs = 500;
const leastMs = 1_000;
const leastQueries = 50;
/** Differences below these are not differences: points of attainment and of accuracy, 0..1. */
const attainmentLost = 0.01;
const accuracyMoved = 0.003;
/** Share of what accuracy lost that must come back. */
const back = 0.25;

const name = 'accuracy gives way before attainment, and comes back';

export function bending(evidence: Evidence): Invariant {
  const stretches = stretchesOf(evidence);
  const [before, during] = [pooled(stretches.map((each) => each.before)), pooled(stretches.map((each) => each.during))];
  if (before.accuracy === null || during.attainment === null || before.attainment === null) {
    return { name, state: 'untested', evidence: ['no worker was away long enough to tell'] };
  }
  const lost = Math.min(wantedAttainment, before.attainment) - during.attainment;
  const { accuracy } = during;
  // Where nothing was answered, accuracy had nothing to give way with, and attainment gave way all the same.
  const gaveWay = accuracy !== null && before.accuracy - accuracy >= accuracyMoved;
  const atFloor = accuracy !== null && accuracy <= evidence.floorAccuracy + accuracyMoved;
  const held = lost < attainmentLost || gaveWay || atFloor;
  const lines = [
    `with fewer workers (${stretches.length} stretches): attainment ${share(before.attainment)} to ${share(during.attainment)}, ` +
      `accuracy ${share(before.accuracy)} to ${accuracy === null ? 'no answer at all' : share(accuracy)}` +
      `${atFloor ? ', which is the smallest subnet' : ''}`,
  ];
  const returned = stretches.flatMap((each) => (each.after === undefined ? [] : [{ ...each, after: each.after }]));
  let cameBack = true;
  if (returned.length === 0) lines.push('no worker came back with time left to see it');
  else {
    const [was, low, high] = (['before', 'during', 'after'] as const).map(
      (when) => pooled(returned.map((each) => each[when])).accuracy ?? 0,
    ) as [number, number, number];
    if (was - low >= accuracyMoved) cameBack = high >= low + back * (was - low);
    lines.push(
      `with the workers back (${returned.length}): accuracy ${share(was)}, ${share(low)}, then ${share(high)}`,
    );
  }
  return { name, state: held && cameBack ? 'pass' : 'fail', evidence: lines };
}

interface Stretches {
  readonly before: Scores;
  readonly during: Scores;
  /** Undefined: it did not come back, or too late. */
  readonly after: Scores | undefined;
}

/** Of each fault that took a worker: before it, while it lasted, and behind it, as far as no other fault reaches. */
function stretchesOf({ faults, queries, seconds, sloMs }: Evidence): Stretches[] {
  const endMs = seconds * 1_000;
  const edges = faults.flatMap(({ atMs, wholeAtMs }) => [atMs, ...(wholeAtMs === null ? [] : [wholeAtMs])]);
  const next = (ms: number) => Math.min(endMs, ...edges.filter((edge) => edge > ms).map((edge) => edge - sloMs));
  const last = (ms: number) => Math.max(-settleMs, ...edges.filter((edge) => edge < ms));
  const tellable = (fromMs: number, toMs: number): Scores | undefined => {
    const scores = scoresIn(queries, { fromMs, toMs });
    return toMs - fromMs >= leastMs && scores.queries >= leastQueries ? scores : undefined;
  };
  return faults.filter(tookWorkers).flatMap(({ atMs, wholeAtMs }) => {
    const before = tellable(last(atMs) + settleMs, atMs - sloMs);
    const during = tellable(atMs + settleMs, next(atMs));
    if (before === undefined || during === undefined) return [];
    const after = wholeAtMs === null ? undefined : tellable(wholeAtMs + settleMs, next(wholeAtMs));
    return [{ before, during, after }];
  });
}

function tookWorkers({ planned, victim, error }: InjectedFault): boolean {
  return planned.role === 'worker' && victim !== null && error === null;
}

const share = (value: number): string => value.toFixed(4);
