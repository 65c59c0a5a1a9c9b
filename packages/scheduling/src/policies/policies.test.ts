import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LatencyTable } from '../latency-table.js';
import { costMs, type DecisionView, latestStartMs, type QueueView, slackMs } from '../policy.js';
import { anyTable, queueView, smallTable } from '../testing.js';
import { createPolicy } from './registry.js';
import { fillBuckets } from './slackfit.js';

function view(table: LatencyTable, slack: number, queue: Partial<QueueView> = {}): DecisionView {
  return {
    nowMs: 1_000,
    startMs: 1_000,
    conditions: { overheadMs: 2, reserveMs: 0, slowdown: 1 },
    queues: [{ ...queueView(table, 1_002 + slack), ...queue }],
    worker: { id: 'w', deviceClass: 'd', models: new Set(['m']) },
    otherFreeWorkers: 0,
    workers: 1,
  };
}

function run(policy: string, table: LatencyTable, slack: number, queue: Partial<QueueView> = {}) {
  const decision = createPolicy(policy).decide(view(table, slack, queue));
  if (decision.kind !== 'run') throw new Error('a work-conserving policy waited');
  const batchIndex = table.batches.indexOf(decision.batch);
  return { ...decision, latencyMs: table.at(decision.subnet, batchIndex), batchIndex };
}

/** Every (subnet, batch) of a table that fits, as [batch, accuracy]. */
function feasible(table: LatencyTable, slack: number): [number, number][] {
  return table.subnets.flatMap((subnet, s) =>
    table.batches.flatMap((batch, b): [number, number][] =>
      table.at(s, b) <= slack ? [[batch, subnet.accuracy]] : [],
    ),
  );
}

const anySlack = fc.double({ min: -5, max: 80, noNaN: true });
const epsilon = 1e-9;

/** A queue whose head asks for any minimum, on a worker that has anything actuated, with changes that cost something. */
const anyQueue = fc
  .record({
    table: anyTable,
    changes: fc.array(fc.double({ min: 0, max: 30, noNaN: true }), { minLength: 6, maxLength: 6 }),
    least: fc.nat(5),
    actuated: fc.integer({ min: -1, max: 5 }),
  })
  .map(({ table, changes, least, actuated }): QueueView => {
    const { subnets, batches } = table;
    const rows = subnets.map((_, s) => batches.map((_, b) => table.at(s, b)));
    const last = subnets.length - 1;
    return {
      ...queueView(new LatencyTable(subnets, batches, rows, undefined, changes.slice(0, last + 1)), 0),
      leastSubnet: Math.min(least, last),
      actuated: Math.min(actuated, last),
    };
  });

/** Every subnet that the head accepts. */
const accepted = ({ table, leastSubnet }: QueueView) =>
  table.subnets.map((_, s) => s).filter((subnet) => subnet >= leastSubnet);

describe.each(['slackfit', 'maxbatch', 'maxacc', 'fixed:smallest', 'infaas'])('%s', (name) => {
  it('never plans past the slack while anything fits, and plans the fastest pair when nothing does', () => {
    fc.assert(
      fc.property(anyTable, anySlack, (table, slack) => {
        const { latencyMs } = run(name, table, slack);
        if (slack >= table.fastestMs) expect(latencyMs).toBeLessThanOrEqual(slack + epsilon);
        else expect(latencyMs).toBe(table.fastestMs);
      }),
    );
  });
});

describe.each(['slackfit', 'maxbatch', 'maxacc', 'fixed:largest', 'infaas', 'infaas:0.52'])('%s', (name) => {
  it('never goes below the minimum accuracy of the most urgent query', () => {
    fc.assert(
      fc.property(anyQueue, anySlack, (queue, slack) => {
        const rest = { leastSubnet: queue.leastSubnet, actuated: queue.actuated };
        expect(run(name, queue.table, slack, rest).subnet).toBeGreaterThanOrEqual(queue.leastSubnet);
      }),
    );
  });
});

describe.each(['slackfit', 'maxbatch', 'maxacc', 'infaas'])('%s', (name) => {
  it('counts the change to a subnet: no batch costs more than the slack while any costs less', () => {
    fc.assert(
      fc.property(anyQueue, anySlack, (queue, slack) => {
        const rest = { leastSubnet: queue.leastSubnet, actuated: queue.actuated };
        const { subnet, batchIndex } = run(name, queue.table, slack, rest);
        const least = Math.min(...accepted(queue).map((each) => costMs(queue, each, 0)));
        const cost = costMs(queue, subnet, batchIndex);
        if (slack >= least) expect(cost).toBeLessThanOrEqual(slack + epsilon);
        else expect(cost).toBe(least);
      }),
    );
  });

  it('is unmoved by what is actuated where changes cost nothing', () => {
    fc.assert(
      fc.property(anyTable, anySlack, fc.integer({ min: -1, max: 5 }), (table, slack, actuated) => {
        expect(run(name, table, slack, { actuated })).toEqual(run(name, table, slack));
      }),
    );
  });
});

describe.each(['maxbatch', 'fixed:smallest', 'fixed:largest', 'infaas', 'infaas:0.52'])('%s', (name) => {
  it('never answers more slack with a smaller batch', () => {
    fc.assert(
      fc.property(anyTable, anySlack, anySlack, (table, a, b) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)];
        expect(run(name, table, less).batch).toBeLessThanOrEqual(run(name, table, more).batch);
      }),
    );
  });
});

describe('the floor of a policy', () => {
  it('is the least subnet that it runs, whatever the slack', () => {
    for (const name of ['slackfit', 'fixed:middle', 'infaas', 'infaas:0.75', 'infaas:0.99', 'fixed:unknown']) {
      const floor = createPolicy(name).floor?.(smallTable) ?? 0;
      const used = [0.1, 1.5, 3, 6, 12, 40].map((slack) => run(name, smallTable, slack).subnet);
      expect(Math.min(...used)).toBe(floor);
    }
  });
});

describe('the latest start', () => {
  it('is when the slack has shrunk to the cost', () => {
    const amount = fc.double({ min: 0.01, max: 30, noNaN: true });
    fc.assert(
      fc.property(
        amount,
        amount,
        amount,
        fc.double({ min: 1, max: 2, noNaN: true }),
        (cost, overheadMs, reserveMs, slowdown) => {
          const asked = { ...view(smallTable, 500), conditions: { overheadMs, reserveMs, slowdown } };
          const [queue] = asked.queues;
          if (queue === undefined) throw new Error('the view has a queue');
          const startMs = latestStartMs(asked, queue, cost);
          expect(slackMs({ ...asked, startMs }, queue)).toBeCloseTo(cost, 6);
        },
      ),
    );
  });
});

describe('slack', () => {
  it('is what is left beyond overhead and reserve, in profiled milliseconds', () => {
    const [queue] = view(smallTable, 20).queues;
    if (queue === undefined) throw new Error('the view has a queue');
    const slack = (conditions: DecisionView['conditions']) => slackMs({ ...view(smallTable, 20), conditions }, queue);
    expect(slack({ overheadMs: 2, reserveMs: 0, slowdown: 1 })).toBe(20);
    expect(slack({ overheadMs: 6, reserveMs: 4, slowdown: 2 })).toBe(6);
    // The reserve takes no more than half.
    expect(slack({ overheadMs: 2, reserveMs: 50, slowdown: 1 })).toBe(10);
  });

  it('counts from when the worker can begin', () => {
    const asked = view(smallTable, 20);
    const [queue] = asked.queues;
    if (queue === undefined) throw new Error('the view has a queue');
    expect(slackMs({ ...asked, startMs: asked.nowMs + 3 }, queue)).toBe(17);
  });
});

describe('slackfit', () => {
  it('holds in each bucket the largest batch under its bound, then the most accurate subnet', () => {
    fc.assert(
      fc.property(anyTable, fc.integer({ min: 2, max: 100 }), (table, count) => {
        const buckets = fillBuckets(queueView(table, 0), count);
        for (let i = 0; i < count; i += 1) {
          const bound = buckets.firstBoundMs + i * buckets.stepMs;
          const fits = feasible(table, i === count - 1 ? Number.POSITIVE_INFINITY : bound);
          const batch = Math.max(...fits.map(([size]) => size));
          const accuracy = Math.max(...fits.filter(([size]) => size === batch).map(([, each]) => each));
          expect(buckets.batch[i]).toBe(batch);
          expect(table.subnets[buckets.subnet[i] ?? -1]?.accuracy).toBe(accuracy);
        }
      }),
    );
  });

  it('never answers less slack with more latency', () => {
    fc.assert(
      fc.property(anyTable, anySlack, anySlack, (table, a, b) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)];
        expect(run('slackfit', table, less).latencyMs).toBeLessThanOrEqual(run('slackfit', table, more).latencyMs);
      }),
    );
  });

  it('bends accuracy as slack shrinks, at the largest batch', () => {
    const at = (slack: number) => run('slackfit', smallTable, slack);
    expect(at(30)).toMatchObject({ batch: 4, subnet: 2 });
    expect(at(9)).toMatchObject({ batch: 4, subnet: 1 });
    expect(at(5)).toMatchObject({ batch: 4, subnet: 0 });
    expect(at(1.5)).toMatchObject({ batch: 1, subnet: 0 });
  });
});

describe('the greedy policies', () => {
  it('maxbatch takes the largest batch that fits at all, then the best accuracy at it', () => {
    fc.assert(
      fc.property(anyTable, fc.double({ min: 0, max: 80, noNaN: true }), (table, slack) => {
        fc.pre(slack >= table.fastestMs);
        const fits = feasible(table, slack);
        const { batch, subnet } = run('maxbatch', table, slack);
        expect(batch).toBe(Math.max(...fits.map(([size]) => size)));
        const best = Math.max(...fits.filter(([size]) => size === batch).map(([, accuracy]) => accuracy));
        expect(table.subnets[subnet]?.accuracy).toBe(best);
      }),
    );
  });

  it('maxacc takes the best accuracy that fits at all, then the largest batch of it', () => {
    fc.assert(
      fc.property(anyTable, fc.double({ min: 0, max: 80, noNaN: true }), (table, slack) => {
        fc.pre(slack >= table.fastestMs);
        const fits = feasible(table, slack);
        const { batch, subnet } = run('maxacc', table, slack);
        const accuracy = table.subnets[subnet]?.accuracy;
        expect(accuracy).toBe(Math.max(...fits.map(([, each]) => each)));
        expect(batch).toBe(Math.max(...fits.filter(([, each]) => each === accuracy).map(([size]) => size)));
      }),
    );
  });

  it('a fixed subnet stays whatever the slack', () => {
    expect(run('fixed:middle', smallTable, 30)).toMatchObject({ batch: 4, subnet: 1 });
    expect(run('fixed:middle', smallTable, 0.1)).toMatchObject({ batch: 1, subnet: 1 });
    expect(run('fixed:largest', smallTable, 8)).toMatchObject({ batch: 2, subnet: 2 });
  });

  it('a fixed subnet gives way to a query that asks for more', () => {
    expect(run('fixed:middle', smallTable, 30, { leastSubnet: 2 })).toMatchObject({ batch: 4, subnet: 2 });
    expect(run('fixed:middle', smallTable, 30, { leastSubnet: 0 })).toMatchObject({ subnet: 1 });
  });

  it('an unknown name is refused with those there are', () => {
    expect(() => createPolicy('fastest')).toThrow(/slackfit/);
    expect(() => createPolicy('fixed:')).toThrow(/slackfit/);
    expect(() => createPolicy('infaas:')).toThrow(/infaas:<accuracy>/);
    expect(() => createPolicy('infaas:75')).toThrow(/infaas:<accuracy>/);
  });
});

describe('infaas', () => {
  it('serves the least accurate subnet unless it is told how accurate to be', () => {
    expect(run('infaas', smallTable, 30)).toMatchObject({ batch: 4, subnet: 0 });
    expect(run('infaas', smallTable, 30, { leastSubnet: 1 })).toMatchObject({ batch: 4, subnet: 1 });
    expect(run('infaas:0.75', smallTable, 30)).toMatchObject({ batch: 4, subnet: 1 });
    expect(run('infaas:0.8', smallTable, 30)).toMatchObject({ subnet: 1 });
    expect(run('infaas:0.75', smallTable, 30, { leastSubnet: 2 })).toMatchObject({ subnet: 2 });
    expect(run('infaas:0.99', smallTable, 30)).toMatchObject({ subnet: 2 });
  });

  it('keeps its threshold when time is short', () => {
    expect(run('infaas:0.75', smallTable, 0.5)).toMatchObject({ batch: 1, subnet: 1 });
  });

  const family = new LatencyTable(
    smallTable.subnets,
    smallTable.batches,
    [
      [1, 2, 4],
      [2, 4, 8],
      [4, 8, 16],
    ],
    undefined,
    [10, 10, 10],
  );

  it('loads the cheapest variant when there is time for it, and stays with what is loaded when there is none', () => {
    expect(run('infaas', family, 30, { actuated: 1 })).toMatchObject({ batch: 4, subnet: 0 });
    expect(run('infaas', family, 9, { actuated: 1 })).toMatchObject({ batch: 4, subnet: 1 });
    // Too little accuracy is loaded: the query waits for what it asked for.
    expect(run('infaas', family, 9, { actuated: 0, leastSubnet: 1 })).toMatchObject({ batch: 1, subnet: 1 });
  });
});

describe('slackfit in a family of models', () => {
  it('changes the model only when the change fits the slack too', () => {
    const costly = new LatencyTable(
      smallTable.subnets,
      smallTable.batches,
      [
        [1, 2, 4],
        [2, 4, 8],
        [4, 8, 16],
      ],
      undefined,
      [4, 8, 16],
    );
    expect(run('slackfit', costly, 33, { actuated: 0 })).toMatchObject({ batch: 4, subnet: 2 });
    expect(run('slackfit', costly, 20, { actuated: 0 })).toMatchObject({ batch: 4, subnet: 1 });
    expect(run('slackfit', costly, 12, { actuated: 0 })).toMatchObject({ batch: 4, subnet: 0 });
    expect(run('slackfit', costly, 7, { actuated: 2 })).toMatchObject({ batch: 2, subnet: 0 });
    expect(run('slackfit', costly, 4.5, { actuated: 2 })).toMatchObject({ batch: 1, subnet: 2 });
  });
});
