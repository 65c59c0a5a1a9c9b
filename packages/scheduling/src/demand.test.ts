import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bands, Demand, longestOf } from './demand.js';

const anyQuery = fc.record({
  deadlineMs: fc.integer({ min: 0, max: 1_000 }),
  sloMs: fc.oneof(
    fc.double({ min: 0, max: 200, noNaN: true }),
    fc.integer({ min: 0, max: 3_600_000 }),
    fc.constant(1e12),
  ),
  work: fc.constantFrom(0, 0.1, 0.7, 1, 3.3),
});

it('knows for every limit what was given no longer takes, and a bound on its deadlines', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(anyQuery, fc.boolean())), (queries) => {
      const demand = new Demand();
      for (const [query] of queries) demand.add(query, query.work);
      for (const [query, leaves] of queries) if (leaves) demand.remove(query, query.work);
      const left = queries.filter(([, leaves]) => !leaves).map(([query]) => query);
      let work = 0;
      let latestMs = Number.NEGATIVE_INFINITY;
      for (let band = 0; band < bands; band += 1) {
        work += demand.workIn(band);
        expect(demand.workIn(band)).toBeGreaterThanOrEqual(0);
        latestMs = Math.max(latestMs, demand.latestIn(band));
        const within = left.filter(({ sloMs }) => sloMs <= longestOf(band));
        expect(work).toBeCloseTo(within.reduce((sum, each) => sum + each.work, 0));
        for (const { deadlineMs } of within) expect(latestMs).toBeGreaterThanOrEqual(deadlineMs);
        if (within.length === 0) expect(latestMs).toBe(Number.NEGATIVE_INFINITY);
      }
      expect(demand.work).toBeCloseTo(work);
      expect(demand.latestMs).toBe(latestMs);
    }),
  );
});
