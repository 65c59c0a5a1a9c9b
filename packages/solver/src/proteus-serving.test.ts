/** Proteus in the dispatcher, in simulated time: what comes of plan, split and batching together. */
import { createPolicy, Dispatcher, isPlanned, LatencyTable, planCheckMs, type Query } from '@slackline/scheduling';
import { beforeAll, describe, expect, it } from 'vitest';
import { createSolver, type Solver } from './solver.js';

/** Batches of 4 carry 1,600, 800 and 400 queries per second and device. */
const table = new LatencyTable(
  [
    { id: 'small', accuracy: 0.7 },
    { id: 'middle', accuracy: 0.8 },
    { id: 'large', accuracy: 0.9 },
  ],
  [1, 2, 4],
  [1, 2, 4].map((factor) => [1, 2, 4].map((batch) => factor * (0.5 + 0.5 * batch))),
);
const sloMs = 36;
const devices = 4;
const conditions = { slowdown: 1, overheadMs: 0, reserveMs: 0 };

let solver: Solver;
beforeAll(async () => {
  solver = await createSolver();
});

interface Served {
  attainment: number;
  /** Mean accuracy of the answers in time. */
  accuracy: number;
}

/** Serves Poisson arrivals on four devices, and counts those of the last two thirds of the time. */
function serve(policyName: string, rate: number, seconds: number): Served {
  const policy = createPolicy(policyName);
  const running = new Map<string, { untilMs: number; batchId: string; accuracy: number; queries: readonly Query[] }>();
  const dispatcher = new Dispatcher<Query>(
    policy,
    {
      send: ({ id, workerId, accuracy, queries, sentAtMs, expectedMs }) =>
        running.set(workerId, { untilMs: sentAtMs + expectedMs, batchId: id, accuracy, queries }),
      expired: () => {},
      failed: () => {},
      fenced: () => {},
    },
    { conditions, maxBatch: 256, maxBatchBytes: 1e9, deadAfterMs: 1e9, overdueMs: 1e9 },
  );
  dispatcher.setTable('m', 'd', table);
  const models = new Set(['m']);
  for (let i = 0; i < devices; i += 1) {
    const report = { workerId: `w${i}`, epoch: 'e', deviceClass: 'd', models, accepting: true, batchId: undefined };
    dispatcher.report(report, 0);
  }
  const endMs = seconds * 1_000;
  /** After the first plans, and before what may still be in flight at the end. */
  const counts = (atMs: number) => atMs >= endMs / 3 && atMs < endMs - sloMs;
  const random = randomFrom(1);
  let [asked, ok, accuracySum, sequence] = [0, 0, 0, 0];
  let arrivalMs = 0;
  let checkMs = 0;
  for (;;) {
    const ended = [...running].sort(([, a], [, b]) => a.untilMs - b.untilMs)[0];
    const nowMs = Math.min(arrivalMs, checkMs, dispatcher.nextWakeMs(), ended?.[1].untilMs ?? Number.POSITIVE_INFINITY);
    if (nowMs > endMs) return { attainment: ok / asked, accuracy: accuracySum / ok };
    if (ended !== undefined && ended[1].untilMs <= nowMs) {
      const [workerId, { batchId, accuracy, queries }] = ended;
      running.delete(workerId);
      dispatcher.complete(batchId, workerId, 'e', nowMs);
      const inTime = queries.filter(({ deadlineMs }) => counts(deadlineMs - sloMs) && deadlineMs >= nowMs);
      ok += inTime.length;
      accuracySum += accuracy * inTime.length;
    }
    if (arrivalMs <= nowMs) {
      const query = { id: `q${sequence}`, model: 'm', deadlineMs: nowMs + sloMs, sloMs, sequence, bytes: 1 };
      dispatcher.add({ ...query, minAccuracy: 0, priority: 1, deaths: 0 });
      sequence += 1;
      if (counts(nowMs)) asked += 1;
      arrivalMs += (-Math.log(1 - random()) * 1_000) / rate;
    }
    if (checkMs <= nowMs) {
      checkMs += planCheckMs;
      plan(nowMs);
    }
    dispatcher.run(nowMs);
  }

  function plan(nowMs: number): void {
    if (!isPlanned(policy)) return;
    const view = dispatcher.planView(nowMs);
    const problem = policy.planDue(view) ? policy.planProblem(view) : undefined;
    if (problem !== undefined) policy.adopt(solver.solve(problem, { relativeGap: 1e-4 }), view);
  }
}

function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

describe('proteus, served', () => {
  it('answers what its plan has room for, as accurately as the devices can', () => {
    const light = serve('proteus', 1_000, 6);
    expect(light.attainment).toBeGreaterThan(0.999);
    expect(light.accuracy).toBeGreaterThan(0.88);
    // All middle ones carry 3,200; a fixed one of them would do no better than 0.8.
    const middle = serve('proteus', 2_400, 6);
    expect(middle.attainment).toBeGreaterThan(0.99);
    expect(middle.accuracy).toBeGreaterThan(0.79);
    // Three small ones and a middle one.
    const heavy = serve('proteus', 4_600, 6);
    expect(heavy.attainment).toBeGreaterThan(0.97);
    expect(heavy.accuracy).toBeGreaterThan(0.7);
    expect(light.accuracy).toBeGreaterThan(middle.accuracy);
    expect(middle.accuracy).toBeGreaterThan(heavy.accuracy);
  });

  it('serves nearly as much as the smallest subnet carries when there is more', () => {
    const { attainment, accuracy } = serve('proteus', 12_800, 6);
    // Half of it is what four devices carry.
    expect(attainment).toBeGreaterThan(0.45);
    expect(accuracy).toBeCloseTo(0.7, 2);
  });
});
