import { describe, expect, it } from 'vitest';
import { LatencyTable } from './latency-table.js';
import { ModelState } from './model-state.js';
import type { Conditions } from './policy.js';
import type { Query } from './query.js';
import { type Service, shedBeforeMs } from './shedding.js';
import { query } from './testing.js';

const table = new LatencyTable([{ id: 's', accuracy: 0.7 }], [1, 2, 4, 8, 16], [[1.4, 1.9, 2.7, 4.6, 8]]);
const exact: Conditions = { slowdown: 1, overheadMs: 0, reserveMs: 0 };
/** What a query takes in the largest batch that fits that slack. */
const paceOf = (slackMs: number) =>
  Math.min(...table.batches.map((batch, b) => (table.at(0, b) <= slackMs ? table.at(0, b) / batch : 9)));

/** So many queries, due evenly from the first deadline to the last; one worker can begin at 0. */
function shed(options: {
  firstMs: number;
  lastMs: number;
  size?: number;
  conditions?: Conditions;
  paceAfterMs?: (deadlineMs: number) => number;
}) {
  const { firstMs, lastMs, size = 200, conditions = exact, paceAfterMs = () => 0.5 } = options;
  const backlog = {
    size,
    latestMs: lastMs,
    deadlineMsAt: (k: number) =>
      k < size ? firstMs + ((lastMs - firstMs) * k) / (size - 1) : Number.POSITIVE_INFINITY,
  };
  const asked: number[] = [];
  const service: Service = { table, subnet: 0, workers: 1, conditions, startMs: 0, busyMs: () => 0 };
  const limitMs = shedBeforeMs(backlog, service, (deadlineMs) => {
    asked.push(deadlineMs);
    return paceAfterMs(deadlineMs);
  });
  return { limitMs, asked };
}

describe('what is given up', () => {
  it('is what leaves too little for 1.4 times the largest batch', () => {
    expect(shed({ firstMs: 3, lastMs: 40 }).limitMs).toBeCloseTo(1.4 * 8);
  });

  it('is nothing where the largest batch fits, where nothing is gained, and where the others are in time anyway', () => {
    expect(shed({ firstMs: 8, lastMs: 40 })).toEqual({ limitMs: Number.NEGATIVE_INFINITY, asked: [] });
    expect(shed({ firstMs: 3, lastMs: 40, paceAfterMs: () => Number.POSITIVE_INFINITY }).limitMs).toBe(
      Number.NEGATIVE_INFINITY,
    );
    expect(shed({ firstMs: 3, lastMs: 400, size: 40 }).limitMs).toBe(Number.NEGATIVE_INFINITY);
  });

  it('leaves enough to fill the batch', () => {
    expect(shed({ firstMs: 1.5, lastMs: 30, size: 16 }).limitMs).toBeLessThan(1.4 * 8);
  });

  it('lies in the first half of the time until the last deadline: a smaller batch then has to do', () => {
    expect(shed({ firstMs: 3, lastMs: 18 }).limitMs).toBeCloseTo(1.4 * 4.6);
  });

  describe('with a reserve', () => {
    const conditions = { ...exact, reserveMs: 6 };

    it('leaves the reserve only where a tenth more is carried for it', () => {
      expect(shed({ firstMs: 2, lastMs: 60, conditions }).limitMs).toBeCloseTo(1.4 * 8);
      const keepsIt = (deadlineMs: number) => paceOf(deadlineMs - Math.min(6, deadlineMs / 2));
      expect(shed({ firstMs: 2, lastMs: 60, conditions, paceAfterMs: keepsIt }).limitMs).toBeCloseTo(1.4 * 8 + 6);
    });

    it('asks for no deadline that the most urgent query is beyond already', () => {
      const { limitMs, asked } = shed({ firstMs: 13, lastMs: 60, conditions });
      expect(asked).toEqual([limitMs]);
      expect(limitMs).toBeCloseTo(1.4 * 8 + 6);
    });
  });
});

/** Nothing waits, overload has shown; one worker of each device class. */
function overloadedState(tables: Record<string, LatencyTable>): ModelState<Query> {
  const state = new ModelState<Query>('m', exact, () => 0);
  for (const [deviceClass, each] of Object.entries(tables)) state.setTable(deviceClass, each, undefined);
  for (const station of state.stations.values()) station.serving = 1;
  state.add(query('gone', -1));
  state.expire(0);
  return state;
}

describe('with minimum accuracies', () => {
  const both = new LatencyTable(
    [0.7, 0.9].map((accuracy, i) => ({ id: `s${i}`, accuracy })),
    [1, 2, 4, 8, 16],
    [1, 4].map((scale) => [1.4, 1.9, 2.7, 4.6, 8].map((ms) => ms * scale)),
  );
  const due = (count: number, firstMs: number, lastMs: number, minAccuracy: number) =>
    Array.from({ length: count }, (_, i) =>
      query(`q${minAccuracy}${i}`, firstMs + ((lastMs - firstMs) * i) / Math.max(1, count - 1), { minAccuracy }),
    );
  const givenUp = (queries: readonly Query[], tables: Record<string, LatencyTable>) => {
    const state = overloadedState(tables);
    for (const each of queries) state.add(each);
    return state.shed({ nowMs: 0, startMs: 0 }, [], () => 0.5);
  };

  it('gives up none for the sake of a batch that those of another device class could not fill', () => {
    const slow = new LatencyTable(both.subnets, both.batches, [
      [9, 9, 9, 9, 9],
      [36, 36, 36, 36, 36],
    ]);
    const few = due(10, 3, 14, 0);
    expect(givenUp([...few, ...due(60, 16, 16, 0)], { fast: table, slow })).not.toEqual([]);
    expect(givenUp([...few, ...due(60, 40, 40, 0.9)], { fast: table, slow })).toEqual([]);
  });

  it('gives up none that a smaller subnet could serve than the most urgent query needs', () => {
    expect(givenUp([...due(1, 6, 6, 0.9), ...due(40, 12, 36, 0)], { d: both })).toEqual([]);
    expect(givenUp([...due(1, 6, 6, 0.9), ...due(40, 12, 72, 0.9)], { d: both })).not.toEqual([]);
  });

  it('gives up no more because others have longer', () => {
    const small = due(100, 3, 18, 0);
    const count = givenUp(small, { d: both }).length;
    expect(count).toBeGreaterThan(0);
    expect(givenUp([...small, ...due(1, 36, 36, 0.9)], { d: both })).toHaveLength(count);
  });

  it('gives up only those that the least subnet of the most urgent query is least for', () => {
    const minima = (queries: readonly Query[]) => new Set(queries.map(({ minAccuracy }) => minAccuracy));
    const large = due(100, 5, 120, 0.9);
    const small = due(100, 3, 40, 0);
    expect(minima(givenUp([...large, ...small], { d: both }))).toEqual(new Set([0]));
    expect(minima(givenUp([...large, ...due(100, 6, 40, 0)], { d: both }))).toEqual(new Set([0.9]));
  });
});

describe('with priority classes', () => {
  /** Low queries from 3 to 18 ms, normal ones from 3.5. */
  function overloaded(): ModelState<Query> {
    const state = overloadedState({ d: table });
    for (let i = 0; i < 100; i += 1) {
      state.add(query(`low${i}`, 3 + (15 * i) / 99, { priority: 0 }));
      state.add(query(`normal${i}`, 3.5 + (14.5 * i) / 99, { priority: 1 }));
    }
    return state;
  }

  it('gives up nothing of a higher class that is due after what is left of a lower one', () => {
    const times = { nowMs: 0, startMs: 0 };
    const given = overloaded().shed(times, [], () => 0.5);
    const latestMs = (priority: number) =>
      Math.max(...given.filter((each) => each.priority === priority).map(({ deadlineMs }) => deadlineMs));
    expect(new Set(given.map(({ priority }) => priority))).toEqual(new Set([0, 1]));
    expect(latestMs(1)).toBeLessThanOrEqual(1.4 * 4.6);
    expect(latestMs(0)).toBeLessThanOrEqual(1.4 * 4.6);
  });
});
