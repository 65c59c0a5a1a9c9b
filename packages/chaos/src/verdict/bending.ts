/**
 * Whether accuracy gave way before attainment did, and came back with the worker. Judged over all faults that took workers
 * away for long enough, taken together: a single stretch of a bursty load says little.
 */
import { counted } from '../count.js';
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
    return { name, state: 'untested', evidence: [whyUntold(evidence, stretches)] };
  }
  const lost = Math.min(wantedAttainment, before.attainment) - during.attainment;
  const { accuracy } = during;
  // Where nothing was answered, accuracy had nothing to give way with, and attainment gave way all the same.
  const gaveWay = accuracy !== null && before.accuracy - accuracy >= accuracyMoved;
  const atFloor = accuracy !== null && accuracy <= evidence.floorAccuracy + accuracyMoved;
  const held = lost < attainmentLost || gaveWay || atFloor;
  const lines = [
    `with fewer workers (${counted(stretches.length, 'stretch', 'stretches')}): attainment ${share(before.attainment)} to ${share(during.attainment)}, ` +
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

/** Why there is nothing to judge by, in numbers. */
function whyUntold(evidence: Evidence, stretches: readonly Stretches[]): string {
  if (stretches.length > 0) return 'nothing was answered in time before a worker was away: there was nothing to lose';
  const sides = sidesOf(evidence);
  if (sides.length === 0) return 'no fault took a worker away';
  const best = sides.reduce((a, b) => (least(b) > least(a) ? b : a));
  const told = ({ fromMs, toMs, queries }: Scores) =>
    `${(Math.max(0, toMs - fromMs) / 1_000).toFixed(1)} s with ${counted(queries, 'query', 'queries')}`;
  return (
    `too little to tell: each side of a fault needs ${leastMs / 1_000} s and ${leastQueries} queries, ${settleMs} ms after every change ` +
    `not counted; of ${counted(sides.length, 'fault')} that took workers away, the one with the most had ${told(best.before)} before it and ` +
    `${told(best.during)} while it lasted`
  );
}

const least = ({ before, during }: { before: Scores; during: Scores }): number =>
  Math.min(before.queries, during.queries);

const tellable = (scores: Scores): boolean => scores.toMs - scores.fromMs >= leastMs && scores.queries >= leastQueries;

/** Those with enough on both sides. */
function stretchesOf(evidence: Evidence): Stretches[] {
  return sidesOf(evidence).flatMap(({ before, during, after }) =>
    tellable(before) && tellable(during)
      ? [{ before, during, after: after !== undefined && tellable(after) ? after : undefined }]
      : [],
  );
}

/** Of each fault that took a worker: before it, while it lasted, and behind it, as far as no other fault reaches. */
function sidesOf({ faults, queries, seconds, sloMs }: Evidence): Stretches[] {
  const endMs = seconds * 1_000;
  const edges = faults.flatMap(({ atMs, wholeAtMs }) => [atMs, ...(wholeAtMs === null ? [] : [wholeAtMs])]);
  const next = (ms: number) => Math.min(endMs, ...edges.filter((edge) => edge > ms).map((edge) => edge - sloMs));
  const last = (ms: number) => Math.max(-settleMs, ...edges.filter((edge) => edge < ms));
  const scored = (fromMs: number, toMs: number): Scores => scoresIn(queries, { fromMs, toMs });
  return faults.filter(tookWorkers).map(({ atMs, wholeAtMs }) => ({
    before: scored(last(atMs) + settleMs, atMs - sloMs),
    during: scored(atMs + settleMs, next(atMs)),
    after: wholeAtMs === null ? undefined : scored(wholeAtMs + settleMs, next(wholeAtMs)),
  }));
}

function tookWorkers({ planned, victim, error }: InjectedFault): boolean {
  return planned.role === 'worker' && victim !== null && error === null;
}

const share = (value: number): string => value.toFixed(4);
