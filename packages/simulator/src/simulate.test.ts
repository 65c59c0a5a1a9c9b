import { type Conditions, LatencyTable, type Policy } from '@slackline/scheduling';
import { describe, expect, it } from 'vitest';
import type { SimulationOptions } from './options.js';
import { simulate } from './simulate.js';
import { always, ends, options, twoSubnets } from './testing.js';

describe('one worker', () => {
  it('serves one query after the other, and those that wait together in one batch', () => {
    const result = simulate(options([0, 5, 6, 100]));
    // The second and third wait for the first, then run together.
    expect(ends(result)).toEqual(['ok@10', 'ok@25', 'ok@25', 'ok@110']);
    expect(result).toMatchObject({ accepted: 4, ok: 4, batches: 3, meanBatch: 4 / 3, batchSizes: [0, 2, 1] });
    expect(result.latencyMs).toMatchObject({ p50: 19, max: 20, mean: (10 + 20 + 19 + 10) / 4 });
    expect(result.batchRecords?.[1]).toEqual({
      ...{ sentMs: 10, startedMs: 10, finishedMs: 25, doneMs: 25 },
      ...{ worker: 0, model: 'm', subnet: 'small', size: 2 },
    });
  });

  it('takes those that arrive at one moment together', () => {
    expect(ends(simulate(options([0, 0])))).toEqual(['ok@15', 'ok@15']);
    // Also with the end of a batch: the worker is free when the queries are there.
    expect(ends(simulate(options([0, 10, 10])))).toEqual(['ok@10', 'ok@25', 'ok@25']);
  });

  it('is in time at the deadline, and late after it', () => {
    const models = (sloMs: number) => [{ name: 'm', sloMs, tables: { d: twoSubnets } }];
    expect(ends(simulate(options([0], { models: models(20), policy: always(1, 1) })))).toEqual(['ok@20']);
    expect(ends(simulate(options([0], { models: models(19), policy: always(1, 1) })))).toEqual(['late@20']);
  });

  it('gives a query up the moment that its deadline is out of reach', () => {
    const trace = { arrivalsMs: Float64Array.of(0, 1), durationMs: 50, sloMs: Float64Array.of(100, 16) };
    // Due at 17, 10 ms for the fastest: 7 is the last moment to begin, and the worker is busy until 10.
    expect(ends(simulate(options([], { trace })))).toEqual(['ok@10', 'expired@7.001']);
  });

  it('leaves nobody waiting for ever where nobody serves', () => {
    expect(ends(simulate(options([0, 3], { workers: [] })))).toEqual(['expired@90.001', 'expired@93.001']);
  });
});

it.each([[[-1]], [[2, 1]], [[Number.NaN]], [[1, Number.POSITIVE_INFINITY]]])(
  'arrivals %j are refused',
  (arrivalsMs) => {
    expect(() => simulate(options(arrivalsMs))).toThrow(/must ascend from 0/);
  },
);

describe('time between scheduler and worker', () => {
  it('is added on both ways, and reckoned with', () => {
    const models = [{ name: 'm', sloMs: 14, tables: { d: twoSubnets } }];
    const result = simulate(options([0, 50], { models, busDelayMs: 2 }));
    expect(ends(result)).toEqual(['ok@14', 'ok@64']);
    expect(result.batchRecords?.[0]).toMatchObject({ sentMs: 0, startedMs: 2, finishedMs: 12, doneMs: 14 });
    const tight = [{ name: 'm', sloMs: 13, tables: { d: twoSubnets } }];
    expect(simulate(options([0], { models: tight, busDelayMs: 2 }))).toMatchObject({ expired: 1 });
  });

  it('also passes before a query reaches the scheduler, while its limit counts', () => {
    expect(ends(simulate(options([0, 1], { intakeDelayMs: 3 })))).toEqual(['ok@13', 'ok@23']);
  });

  it('passes while the scheduler itself is busy', () => {
    // Decided at 0; what comes at 1 is read at 4, together with the end of the batch at 10 and so on.
    const result = simulate(options([0, 1], { schedulerCostMs: 4, workers: [{ count: 2, deviceClass: 'd' }] }));
    expect(ends(result)).toEqual(['ok@10', 'ok@14']);
  });
});

describe('changing the subnet', () => {
  it('costs what the table says, and an extra that the scheduler does not know', () => {
    const { subnets, batches } = twoSubnets;
    const rows = subnets.map((_, s) => batches.map((_, b) => twoSubnets.at(s, b)));
    const table = new LatencyTable(subnets, batches, rows, undefined, [3, 5]);
    const models = [{ name: 'm', sloMs: 100, tables: { d: table } }];
    expect(ends(simulate(options([0, 50], { models })))).toEqual(['ok@13', 'ok@60']);
    expect(ends(simulate(options([0, 50], { models, actuationDelayMs: 7 })))).toEqual(['ok@20', 'ok@60']);
  });
});

describe('a policy that waits', () => {
  /** Waits until each of these moments, then serves. */
  function patient(...untilMs: number[]): Policy {
    return {
      name: 'patient',
      decide: (view) => {
        const nextMs = untilMs.find((atMs) => atMs > view.nowMs);
        return nextMs === undefined ? always(2, 0).decide(view) : { kind: 'wait', untilMs: nextMs };
      },
    };
  }

  it('is asked again when it said so, though nothing has happened', () => {
    expect(ends(simulate(options([0], { policy: patient(7, 11.5) })))).toEqual(['ok@21.5']);
  });

  it('has its query expire when it waits too long', () => {
    expect(ends(simulate(options([0], { policy: patient(500) })))).toEqual(['expired@90.001']);
  });
});

describe('conditions', () => {
  const arrivalsMs = Array.from({ length: 200 }, (_, i) => i * 30);
  const trace = { arrivalsMs: Float64Array.from(arrivalsMs), durationMs: 6_000 };

  /** What the policy saw at its last decision. */
  function lastConditions(rest: Partial<SimulationOptions>): Conditions | undefined {
    let last: Conditions | undefined;
    const policy: Policy = {
      name: 'watching',
      decide: (view) => {
        last = view.conditions;
        return always(1, 0).decide(view);
      },
    };
    simulate(options([], { trace, policy, busDelayMs: 3, noise: { kind: 'factor', factor: 1.2 }, ...rest }));
    return last;
  }

  it('are estimated from the batches that come back, as in the service', () => {
    const seen = lastConditions({ conditions: 'estimated' });
    expect(seen?.slowdown).toBeCloseTo(1.2, 6);
    expect(seen?.overheadMs).toBeCloseTo(6, 6);
    expect(seen?.reserveMs).toBeCloseTo(0, 6);
  });

  it('are those of the bus, or given', () => {
    expect(lastConditions({})).toEqual({ slowdown: 1, overheadMs: 6, reserveMs: 0 });
    const given = { slowdown: 1.5, overheadMs: 1, reserveMs: 2 };
    expect(lastConditions({ conditions: given })).toEqual(given);
  });
});

it('refuses a time series of more windows than anybody reads', () => {
  expect(() => simulate(options([0], { windowMs: 1e-9 }))).toThrow(
    /^\d+ ms have too many windows of 1e-9 ms: 1000000 at/,
  );
});
