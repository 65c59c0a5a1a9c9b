/** What queries may ask for beside their limit, several models on one pool, and several device classes. */
import { createPolicy, LatencyTable } from '@slackline/scheduling';
import { describe, expect, it } from 'vitest';
import { simulate } from './simulate.js';
import { options, poisson, twoSubnets } from './testing.js';

const seconds = 20;
/** One worker carries 133 queries a second on the small subnet. */
const arrivalsMs = poisson(260, seconds);
const trace = { arrivalsMs, durationMs: seconds * 1_000 };

describe('priority classes', () => {
  it('under twice the load that can be carried the low class goes first', () => {
    const priority = Uint8Array.from(arrivalsMs, (_, i) => [0, 0, 0, 1, 2][i % 5] ?? 1);
    const result = simulate(options([], { trace: { ...trace, priority } }));
    const [low, normal, high] = result.priorities.map(({ attainment }) => attainment);
    expect(high).toBeGreaterThan(0.97);
    expect(normal).toBeGreaterThan(0.9);
    expect(low).toBeLessThan(0.5);
  });
});

describe('a minimum accuracy', () => {
  it('is kept by a policy that knows nothing of it', () => {
    const minAccuracy = Float64Array.of(0, 0.8);
    const two = { arrivalsMs: Float64Array.of(0, 500), durationMs: 1_000, minAccuracy };
    const { queryRecords } = simulate(options([], { trace: two, policy: createPolicy('fixed:smallest') }));
    expect([...(queryRecords?.accuracy ?? [])]).toEqual([0.7, 0.9]);
  });
});

describe('several models and device classes', () => {
  const slow = new LatencyTable(
    twoSubnets.subnets,
    [1],
    twoSubnets.subnets.map((_, s) => [twoSubnets.at(s, 0) * 4]),
  );
  const models = [
    { name: 'a', sloMs: 200, tables: { fast: twoSubnets, slow } },
    { name: 'b', sloMs: 200, tables: { fast: twoSubnets } },
  ];
  const workers = [
    { count: 1, deviceClass: 'fast' },
    { count: 1, deviceClass: 'slow', models: ['a'] },
  ];

  it('each query is served by who hosts its model, at the speed of its device', () => {
    const modelIndex = Uint16Array.of(1, 0, 0xffff);
    // The third names no model: the first is meant.
    const three = { arrivalsMs: Float64Array.of(0, 1, 300), durationMs: 1_000, models: ['a', 'b'], modelIndex };
    const result = simulate(options([], { trace: three, models, workers }));
    const runs = result.batchRecords?.map(({ model, worker, startedMs, doneMs }) => [
      model,
      worker,
      (doneMs ?? 0) - (startedMs ?? 0),
    ]);
    expect(runs).toEqual([
      ['b', 0, 10],
      ['a', 1, 40],
      ['a', 0, 10],
    ]);
    expect(result.models.map(({ model, ok }) => [model, ok])).toEqual([
      ['a', 2],
      ['b', 1],
    ]);
    expect(result.subnets.map(({ model, id, answers }) => [model, id, answers])).toEqual([
      ...[
        ['a', 'small', 2],
        ['a', 'large', 0],
      ],
      ...[
        ['b', 'small', 1],
        ['b', 'large', 0],
      ],
    ]);
  });

  it('a trace that asks for another model is refused', () => {
    const other = { arrivalsMs: Float64Array.of(0), durationMs: 1, models: ['c'], modelIndex: Uint16Array.of(0) };
    expect(() => simulate(options([], { trace: other }))).toThrow(/model c/);
  });
});
