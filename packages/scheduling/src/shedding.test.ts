import { describe, expect, it } from 'vitest';
import { LatencyTable } from './latency-table.js';
import { ModelState } from './model-state.js';
import type { Conditions } from './policy.js';
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

describe('with priority classes', () => {
  /** Low queries from 3 to 18 ms, normal ones from 5; overload has shown. */
  function overloaded(): ModelState<ReturnType<typeof query>> {
    const state = new ModelState<ReturnType<typeof query>>('m', exact, () => 0);
    state.setTable('d', table, undefined);
    for (const station of state.stations.values()) station.serving = 1;
    state.add(query('gone', -1));
    state.expire(0);
    for (let i = 0; i < 100; i += 1) {
      state.add(query(`low${i}`, 3 + (15 * i) / 99, { priority: 0 }));
      state.add(query(`normal${i}`, 5 + (13 * i) / 99, { priority: 1 }));
    }
    return state;
  }

  it('gives up nothing of a higher class that is due after what is left of a lower one', () => {
    const times = { nowMs: 0, startMs: 0 };
    const given = overloaded().shed(times, [], () => 0.5);
    const latestMs = (priority: number) =>
      Math.max(...given.filter((each) => each.priority === priority).map(({ deadlineMs }) => deadlineMs));
    expect(given.length).toBeGreaterThan(0);
    expect(latestMs(1)).toBeLessThanOrEqual(1.4 * 4.6);
    expect(latestMs(0)).toBeLessThanOrEqual(1.4 * 4.6);
  });
});
