import { describe, expect, it } from 'vitest';
import { LatencyTable } from './latency-table.js';

const subnets = [
  { id: 'small', accuracy: 0.7 },
  { id: 'large', accuracy: 0.9 },
];
const rows = [
  [1, 2],
  [3, 7],
];
const table = new LatencyTable(subnets, [1, 4], rows);

describe('a latency table', () => {
  it('estimates between profiled batches on the line that joins them, and above the largest in proportion', () => {
    expect(table.estimate(1, 1)).toBe(3);
    expect(table.estimate(1, 2)).toBeCloseTo(3 + 4 / 3, 12);
    expect(table.estimate(1, 4)).toBe(7);
    expect(table.estimate(1, 8)).toBe(14);
  });

  it('refuses what decisions could not be made from', () => {
    const wrong: [string, () => LatencyTable][] = [
      ['no subnet', () => new LatencyTable([], [1], [])],
      ['no batch of one', () => new LatencyTable(subnets, [2, 4], rows)],
      ['a row too few', () => new LatencyTable(subnets, [1, 4], rows.slice(1))],
      ['a larger batch that is faster', () => new LatencyTable(subnets, [1, 4], [rows[0] ?? [], [7, 3]])],
      ['a more accurate subnet that is faster', () => new LatencyTable(subnets, [1, 4], [...rows].reverse())],
      ['accuracies that fall', () => new LatencyTable([...subnets].reverse(), [1, 4], rows)],
      ['a tail of other batches', () => new LatencyTable(subnets, [1, 2], rows, table)],
    ];
    for (const [name, make] of wrong) expect(make, name).toThrow(RangeError);
  });
});
