import { latencyProfile } from '@slackline/shared';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { latencyRows, percentile } from './latency-table.js';

const cell = fc.array(fc.double({ min: 0, max: 1000, noNaN: true }), { minLength: 1, maxLength: 8 });

test('a table ascends in batch, along the front and from p50 to p99, whatever was measured', () => {
  const grids = fc.array(
    fc.tuple(fc.array(cell, { minLength: 3, maxLength: 3 }), fc.double({ min: 0, max: 1, noNaN: true })),
    {
      minLength: 1,
      maxLength: 8,
    },
  );
  fc.assert(
    fc.property(grids, (grid) => {
      const samples = grid.map(([cells], i) => ({ id: `s${i}`, samples: cells }));
      const rows = latencyRows(
        samples,
        grid.map(([, accuracy], i) => ({ id: `s${i}`, accuracy })),
      );
      for (const [i, row] of rows.entries()) {
        const cheaper = rows[i - 1];
        for (const [b, p50] of row.p50Ms.entries()) {
          expect(p50).toBeGreaterThanOrEqual(row.p50Ms[b - 1] ?? 0);
          expect(p50).toBeGreaterThanOrEqual(cheaper?.p50Ms[b] ?? 0);
          expect(row.p99Ms[b]).toBeGreaterThanOrEqual(p50);
          expect(row.p99Ms[b]).toBeGreaterThanOrEqual(Math.max(row.p99Ms[b - 1] ?? 0, cheaper?.p99Ms[b] ?? 0));
        }
        expect(row.accuracy).toBeGreaterThan(cheaper?.accuracy ?? -1);
      }
      expect(latencyProfile.shape.subnets.safeParse(rows).success).toBe(true);
    }),
  );
});

test('noise is corrected upwards and nothing else is changed', () => {
  const measured = [
    { id: 'small', samples: [[2, 2, 3], [1.5], [6]] },
    { id: 'large', samples: [[4], [5.5], [5.8]] },
  ];
  const rows = latencyRows(measured, [
    { id: 'small', accuracy: 0.8 },
    { id: 'large', accuracy: 0.9 },
  ]);
  expect(rows.map((row) => row.p50Ms)).toEqual([
    [2, 2, 6],
    [4, 5.5, 6],
  ]);
});

test('a subnet that is slower and no more accurate is left out', () => {
  const measured = ['a', 'b', 'c'].map((id, i) => ({ id, samples: [[i + 1]] }));
  const rows = latencyRows(measured, [
    { id: 'a', accuracy: 0.85 },
    { id: 'b', accuracy: 0.84 },
    { id: 'c', accuracy: 0.9 },
  ]);
  expect(rows.map((row) => row.id)).toEqual(['a', 'c']);
});

test('percentiles interpolate between ranks', () => {
  expect(percentile([4, 1, 2, 3], 0.5)).toBe(2.5);
  expect(percentile([10], 0.99)).toBe(10);
  expect(percentile([0, 100], 0.99)).toBe(99);
  expect(() => percentile([], 0.5)).toThrow(RangeError);
});
