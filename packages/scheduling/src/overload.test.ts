import { describe, expect, it } from 'vitest';
import type { Batch } from './batch.js';
import { randomFrom } from './bench/backlog.js';
import { Dispatcher } from './dispatcher.js';
import { KeyHeap } from './key-heap.js';
import { LatencyTable } from './latency-table.js';
import { createPolicy } from './policies/registry.js';
import { type PriorityClass, priorityClasses, type Query } from './query.js';
import { query } from './testing.js';

/** Six subnets; 4 workers carry 8 queries per millisecond at best, about 1 on the largest subnet. */
const table = new LatencyTable(
  [0.7, 0.74, 0.77, 0.79, 0.8, 0.81].map((accuracy, i) => ({ id: `s${i}`, accuracy })),
  [1, 2, 4, 8, 16],
  [1, 2, 2.3, 2.5, 5, 7].map((scale) => [1.4, 1.9, 2.7, 4.6, 8].map((ms) => ms * scale)),
);
const workers = 4;
const best = workers * (16 / 8);
const sloMs = 40;

interface Load {
  readonly policy: string;
  /** Queries per millisecond, by priority class. */
  readonly rates: readonly [low: number, normal: number, high: number];
  readonly lastsMs: number;
  /** Whether the dispatcher is told the classes; otherwise all queries are normal to it. */
  readonly tellsClasses?: boolean;
  /** Minima that queries ask for, each as often as the others. */
  readonly minima?: readonly number[];
  /** Models on the pool, each as often asked for as the others. */
  readonly models?: readonly string[];
  /** What is kept back of the slack. */
  readonly reserveMs?: number;
  /** Batches take up to so much longer than expected. */
  readonly lateByMs?: number;
  readonly onSend?: (batch: Batch<Query>, waiting: readonly number[], hasLost: boolean) => void;
}

interface Arrival {
  readonly atMs: number;
  readonly priority: PriorityClass;
}

function poisson({ rates, lastsMs }: Load, random: () => number): Arrival[] {
  const arrivals = priorityClasses.flatMap((priority) => {
    const times: Arrival[] = [];
    const draw = () => -Math.log(1 - random()) / rates[priority];
    for (let atMs = draw(); atMs < lastsMs; atMs += draw()) times.push({ atMs, priority });
    return times;
  });
  return arrivals.sort((a, b) => a.atMs - b.atMs);
}

/** Serves in simulated time until nothing waits any more. */
function serve(load: Load) {
  const { policy, tellsClasses = true, minima = [0], models = ['m'], reserveMs = 0, lateByMs = 0, onSend } = load;
  const random = randomFrom(7);
  const arrivals = poisson(load, random);
  const sent: Batch<Query>[] = [];
  const ends = new KeyHeap<Batch<Query>>();
  const classOf = new Map<string, PriorityClass>();
  const waiting = [0, 0, 0];
  const answered = [0, 0, 0];
  let nowMs = 0;
  let expired = 0;
  const leaves = ({ id }: Query) => {
    const priority = classOf.get(id) ?? 0;
    waiting[priority] = (waiting[priority] ?? 0) - 1;
    return priority;
  };
  const effects = {
    send: (batch: Batch<Query>) => {
      sent.push(batch);
      ends.push(nowMs + batch.expectedMs + (lateByMs === 0 ? 0 : lateByMs * random()), batch);
      for (const query of batch.queries) leaves(query);
      onSend?.(batch, waiting, expired > 0);
    },
    expired: (query: Query) => {
      leaves(query);
      expired += 1;
    },
    failed: () => {},
    fenced: () => {},
  };
  const dispatcher = new Dispatcher<Query>(createPolicy(policy), effects, {
    conditions: { slowdown: 1, overheadMs: 0, reserveMs },
    maxBatch: 256,
    maxBatchBytes: 1e6,
    deadAfterMs: 1e9,
    overdueMs: 1e9,
  });
  for (const model of models) dispatcher.setTable(model, 'd', table);
  const report = { epoch: 'e', deviceClass: 'd', models: new Set(models), accepting: true, batchId: undefined };
  for (let w = 0; w < workers; w += 1) dispatcher.report({ ...report, workerId: `w${w}` }, 0);
  let next = 0;
  for (;;) {
    nowMs = Math.min(arrivals[next]?.atMs ?? Number.POSITIVE_INFINITY, ends.leastKey, dispatcher.nextWakeMs());
    if (nowMs === Number.POSITIVE_INFINITY) break;
    for (let arrival = arrivals[next]; arrival !== undefined && arrival.atMs <= nowMs; arrival = arrivals[next]) {
      next += 1;
      const { priority, atMs } = arrival;
      classOf.set(`q${next}`, priority);
      waiting[priority] = (waiting[priority] ?? 0) + 1;
      const minAccuracy = minima[Math.floor(random() * minima.length)] ?? 0;
      const model = models[next % models.length] ?? '';
      dispatcher.add(query(`q${next}`, atMs + sloMs, { model, priority: tellsClasses ? priority : 1, minAccuracy }));
    }
    while (ends.leastKey <= nowMs) {
      const batch = ends.pop();
      if (batch === undefined) break;
      dispatcher.complete(batch.id, batch.workerId, batch.epoch, nowMs);
      for (const { id, deadlineMs } of batch.queries) {
        const priority = classOf.get(id) ?? 0;
        if (deadlineMs >= nowMs) answered[priority] = (answered[priority] ?? 0) + 1;
      }
    }
    dispatcher.run(nowMs);
  }
  const attainment = priorityClasses.map((priority) => {
    const arrived = arrivals.filter((arrival) => arrival.priority === priority).length;
    return (answered[priority] ?? 0) / arrived;
  });
  const [low = 0, normal = 0, high = 0] = attainment;
  const goodput = answered.reduce((sum, each) => sum + each, 0) / load.lastsMs;
  return { sent, expired, low, normal, high, goodput };
}

/** What a policy can carry: one that keeps to a slow subnet carries less. */
const capacityOf = (policy: string) => (policy === 'fixed:s4' ? best / 5 : best);

const quick = ['slackfit', 'maxbatch', 'infaas', 'budgetfit'];

describe.each([2, 5, 20])('at %i times what can be carried', (overload) => {
  it.each([...quick, 'proteus', 'fixed:s4'])('%s keeps the highest class, as if it were alone', (policy) => {
    const capacity = capacityOf(policy);
    const rest = ((overload - 0.3) / 2) * capacity;
    const lastsMs = policy === 'fixed:s4' ? 2_000 : 500;
    const { high } = serve({ policy, rates: [rest, rest, 0.3 * capacity], lastsMs });
    expect(serve({ policy, rates: [0, 0, 0.3 * capacity], lastsMs }).high).toBeGreaterThan(0.99);
    expect(high).toBeGreaterThan(0.99);
  });

  it.each(quick)('%s keeps the two higher classes where they fit, and sheds the lowest', (policy) => {
    const { low, normal, high } = serve({
      policy,
      rates: [(overload - 0.6) * best, 0.3 * best, 0.3 * best],
      // Until overload shows all classes lose alike; that must not be most of the time.
      lastsMs: overload < 5 ? 1_500 : 500,
    });
    expect(high).toBeGreaterThan(0.99);
    expect(normal).toBeGreaterThan(0.95);
    expect(low).toBeLessThan(0.5);
  });

  it.each([...quick, 'proteus'])('%s still carries what can be carried', (policy) => {
    const { goodput } = serve({ policy, rates: [0, overload * best, 0], lastsMs: 500 });
    expect(goodput).toBeGreaterThan(0.9 * best);
  });

  it.each([...quick, 'proteus'])('%s still carries it where a reserve is kept back', (policy) => {
    const { goodput } = serve({ policy, rates: [0, overload * best, 0], lastsMs: 500, reserveMs: 6 });
    expect(goodput).toBeGreaterThan(0.85 * best);
  });

  it.each(quick)('%s answers few too late where batches take longer than expected', (policy) => {
    const late = { lateByMs: 3, reserveMs: 3 };
    const { goodput } = serve({ policy, rates: [0, overload * best, 0], lastsMs: 500, ...late });
    // A batch of the largest size takes 8 ms, and 1.5 ms more in the mean.
    expect(goodput).toBeGreaterThan(0.9 * best * (8 / 9.5));
  });

  it('leaves no query of a higher class waiting for one of a lower, once something was lost', () => {
    let seen = 0;
    serve({
      policy: 'slackfit',
      rates: [(overload * best) / 3, (overload * best) / 3, (overload * best) / 3],
      lastsMs: 300,
      onSend: (batch, waiting, hasLost) => {
        if (!hasLost) return;
        seen += 1;
        const lowest = Math.min(...batch.queries.map(({ priority }) => priority));
        expect(waiting.slice(lowest + 1).every((count) => count === 0)).toBe(true);
      },
    });
    expect(seen).toBeGreaterThan(50);
  });

  it('gives no query a subnet below its minimum', () => {
    const { sent } = serve({
      policy: 'slackfit',
      rates: [(overload * best) / 3, (overload * best) / 3, (overload * best) / 3],
      minima: [0, 0.75, 0.8],
      lastsMs: 300,
    });
    for (const { accuracy, queries } of sent) {
      for (const { minAccuracy } of queries) expect(accuracy).toBeGreaterThanOrEqual(minAccuracy);
    }
  });
});

describe.each([1.1, 2, 5])('two models on one pool at %f times what can be carried', (overload) => {
  const models = ['a', 'b'];

  it.each(quick)('%s still carries most of what can be carried', (policy) => {
    const { goodput } = serve({ policy, rates: [0, overload * best, 0], lastsMs: 1_000, models });
    expect(goodput).toBeGreaterThan(0.8 * best);
  });

  it.each(quick)('%s keeps the two higher classes where they fit', (policy) => {
    const rates = [(overload - 0.6) * best, 0.3 * best, 0.3 * best] as const;
    const { normal, high } = serve({ policy, rates, lastsMs: 1_500, models });
    expect(high).toBeGreaterThan(0.99);
    expect(normal).toBeGreaterThan(0.95);
  });
});

describe('while everything can be carried', () => {
  it.each([...quick, 'maxacc', 'proteus'])('classes change nothing for %s', (policy) => {
    const load = { policy, rates: [0.2, 0.2, 0.2] as const, lastsMs: 1_000 };
    const told = serve(load);
    const untold = serve({ ...load, tellsClasses: false });
    const batchesOf = ({ sent }: typeof told) =>
      sent.map(({ subnet, queries }) => [subnet, ...queries.map(({ id }) => id)]);
    expect(told.expired).toBe(0);
    expect(batchesOf(told)).toEqual(batchesOf(untold));
  });

  it.each(quick)('%s gives nothing up at eight tenths of what can be carried', (policy) => {
    expect(serve({ policy, rates: [0, 0.8 * best, 0], lastsMs: 1_000 }).expired).toBe(0);
  });
});
