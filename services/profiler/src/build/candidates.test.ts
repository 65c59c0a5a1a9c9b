import { readFileSync } from 'node:fs';
import { allConfigs, largestConfig, readSupernet, smallestConfig, subnetId } from '@slackline/supernet';
import { expect, test } from 'vitest';
import { drawCandidates } from './candidates.js';
import { macsPerRow } from './cost.js';

const file = (name: string) => readFileSync(new URL(`../../../../models/fashion/${name}`, import.meta.url));
const supernet = readSupernet(file('net.onnx'), JSON.parse(file('spec.json').toString()));
const smallest = subnetId(supernet, smallestConfig(supernet));
const largest = subnetId(supernet, largestConfig(supernet));

test('draws the corners first, nothing twice, and the same again by the same seed', () => {
  const drawn = drawCandidates(supernet, 64, 1);
  const ids = drawn.map(({ id }) => id);
  expect(ids.slice(0, 2)).toEqual([smallest, largest]);
  expect(new Set(ids).size).toBe(64);
  expect(drawn.map(({ config }) => subnetId(supernet, config))).toEqual(ids);
  expect(drawCandidates(supernet, 64, 1)).toEqual(drawn);
});

test('varies one group at a time before it draws at random', () => {
  const [few, more] = [1, 2].map((seed) => drawCandidates(supernet, 64, seed).map(({ id }) => id));
  for (const { name, sizes } of supernet.groups) {
    for (const size of sizes) {
      expect(few).toContain(subnetId(supernet, { ...smallestConfig(supernet), [name]: size }));
      expect(few).toContain(subnetId(supernet, { ...largestConfig(supernet), [name]: size }));
    }
  }
  expect(few).not.toEqual(more);
});

test('ends when the space is exhausted', () => {
  const all = [...allConfigs(supernet)].map((config) => subnetId(supernet, config));
  const drawn = drawCandidates(supernet, all.length + 1, 1).map(({ id }) => id);
  expect(drawn.sort()).toEqual(all.sort());
});

test('counts multiply-accumulates by layer', () => {
  const stem = 28 * 28 * 16 * 9;
  const down = 14 * 14 * 16 * 16 * 9 + 7 * 7 * 16 * 32 * 9;
  expect(macsPerRow(supernet, smallestConfig(supernet))).toBe(stem + down + 32 * 10);
  const block = 7 * 7 * 2 * 32 * 32 * 9;
  expect(macsPerRow(supernet, { ...smallestConfig(supernet), depth2: 2 })).toBe(stem + down + 2 * block + 32 * 10);
});
