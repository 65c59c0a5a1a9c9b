import fc from 'fast-check';
import { expect, test } from 'vitest';
import { percentile } from '../latency-table.js';
import { cellsOf, filledIn, planGrid } from './grid.js';

const batches = [1, 2, 4, 8, 16];
const names = (count: number) => Array.from({ length: count }, (_, i) => `s${i}`);

test('times a small grid whole', () => {
  const subnets = names(20);
  const plan = planGrid(subnets, batches, 200);
  expect([...plan.full]).toEqual(subnets);
  expect(cellsOf(plan, 's3', batches, 200)).toEqual({ batches, budgetMs: 200 });
});

test('a grid of hundreds stays within about two minutes, with the ends timed whole', () => {
  for (const count of [120, 500, 1_000]) {
    const subnets = names(count);
    const plan = planGrid(subnets, batches, 200);
    const times = subnets.map((id) => {
      const cells = cellsOf(plan, id, batches, 200);
      return cells.batches.length * cells.budgetMs;
    });
    expect(times.reduce((a, b) => a + b)).toBeLessThanOrEqual(121_000);
    expect(plan.full.has('s0')).toBe(true);
    expect(plan.full.has(`s${count - 1}`)).toBe(true);
    if (count > 120) expect(plan.full.size).toBeLessThan(count);
  }
});

test('what was not timed is what it would have been, where latencies are proportional', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0.1, max: 9, noNaN: true }), { minLength: 3, maxLength: 30 }), (speeds) => {
      const plan = { full: new Set(['s0', `s${speeds.length - 1}`]), reference: 2 };
      const timeOf = (speed: number, batch: number) => [0.9, 1, 1, 1.3].map((noise) => noise * speed * (2 + batch));
      const measured = speeds.map((speed, i) => {
        const samples = batches.map((batch, b) => (plan.full.has(`s${i}`) || b === 2 ? timeOf(speed, batch) : []));
        return { id: `s${i}`, samples };
      });
      for (const [i, { samples }] of filledIn(measured, plan).entries()) {
        for (const [b, batch] of batches.entries()) {
          const [expected, found] = [timeOf(speeds[i] ?? 0, batch), samples[b] ?? []];
          expect(found).toHaveLength(4);
          for (const p of [0.5, 0.99]) {
            expect(percentile(found, p) / percentile(expected, p)).toBeCloseTo(1, 1);
          }
        }
      }
    }),
  );
});
