import { expect, test } from 'vitest';
import { effortOf, plannedRows, withinBudget } from './effort.js';

const size = { calibration: 2_048, heldOut: 2_500, test: 5_000, front: 16 };

test('measures in full more than is kept, and enough to fill up with', () => {
  expect(effortOf({}, 16).survivors).toBeGreaterThanOrEqual(20);
  expect(effortOf({}, 200).survivors).toBe(250);
  const filling = effortOf({ fill: true }, 500);
  expect(filling.measurements).toBeGreaterThanOrEqual(500);
  expect(filling.survivors).toBeGreaterThanOrEqual(500);
});

test('a quick build sends less than a third of the rows through the network', () => {
  expect(plannedRows(effortOf({ quick: true }, 16), size)).toBeLessThan(plannedRows(effortOf({}, 16), size) / 2.5);
});

test('counts no more rows than there are', () => {
  const effort = effortOf({ measurements: 10 }, 2);
  const few = { calibration: 0, heldOut: 100, test: 50, front: 2 };
  expect(plannedRows(effort, few)).toBe(10 * 100 + 10 * 100 + 2 * 50);
});

test('a budget lowers the measurements in proportion, to a handful at least, and a large one changes nothing', () => {
  const asked = effortOf({}, 16);
  const wholeMs = plannedRows(asked, size);
  expect(withinBudget(asked, size, 1, wholeMs)).toEqual(asked);
  expect(withinBudget(asked, size, 1, wholeMs / 2).measurements).toBe(asked.measurements / 2);
  expect(withinBudget(asked, size, 1, 1).measurements).toBe(8);
});
