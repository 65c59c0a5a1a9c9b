import { readFileSync } from 'node:fs';
import { largestConfig, readSupernet, smallestConfig } from '@slackline/supernet';
import { expect, test } from 'vitest';
import { CostModel } from './cost.js';

const file = (name: string) => readFileSync(new URL(`../../../../models/fashion/${name}`, import.meta.url));
const supernet = readSupernet(file('net.onnx'), JSON.parse(file('spec.json').toString()));
const costs = new CostModel(supernet);
const smallest = smallestConfig(supernet);

const stem = 28 * 28 * 16 * 9;
const down = 14 * 14 * 16 * 16 * 9 + 7 * 7 * 16 * 32 * 9;
const head = 32 * 10;

test('counts multiply-accumulates by layer', () => {
  expect(costs.costOf(smallest).macs).toBe(stem + down + head);
  const block = 7 * 7 * 2 * 32 * 32 * 9;
  expect(costs.costOf({ ...smallest, depth2: 2 }).macs).toBe(stem + down + 2 * block + head);
});

test('divides the work among the stretches between blocks and the blocks, those of one make together', () => {
  const parts = ([, ...work]: readonly number[]) => ({
    before: work.slice(0, 2),
    first: work.slice(2, 5),
    between: work.slice(5, 7),
    second: work.slice(7, 10),
    after: work.slice(10),
  });
  const { work } = costs.costOf(smallest);
  expect(work[0]).toBe(1);
  expect(parts(work)).toMatchObject({ first: [0, 0, 0], second: [0, 0, 0] });
  expect(parts(work).between[0]).toBe(7 * 7 * 16 * 32 * 9);
  expect(parts(work).after[0]).toBe(head);
  const whole = costs.costOf(largestConfig(supernet));
  expect(parts(whole.work).first.slice(0, 2)).toEqual([2, 2 * 14 * 14 * 2 * 64 * 64 * 9]);
  expect(parts(whole.work).second.slice(0, 2)).toEqual([2, 2 * 7 * 7 * 2 * 128 * 128 * 9]);
});

test('no subnet costs more in any part than the largest, or less than the smallest', () => {
  const [least, most] = [costs.costOf(smallest), costs.costOf(largestConfig(supernet))];
  for (const { name, sizes } of supernet.groups) {
    for (const size of sizes) {
      const { work } = costs.costOf({ ...largestConfig(supernet), [name]: size });
      for (const [i, amount] of work.entries()) {
        expect(amount).toBeLessThanOrEqual(most.work[i] ?? 0);
        expect(amount).toBeGreaterThanOrEqual(least.work[i] ?? 0);
      }
    }
  }
});
