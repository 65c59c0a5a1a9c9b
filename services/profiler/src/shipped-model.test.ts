/** The model that ships with Slackline: what its files claim is computed again, and why SubnetNorm exists is shown. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readArray, rows } from '@slackline/shared';
import { calibrate, decodeStatistics, encodeStatistics, type SubnetStatistics } from '@slackline/supernet';
import { beforeAll, expect, test } from 'vitest';
import { readLabelled } from './build/build-model.js';
import { type BuildResult, type BuiltSubnet, readBuildResult } from './build/result.js';
import { type Labelled, top1Accuracies } from './stages/accuracy.js';
import { type ModelFolder, readModelFolder } from './stages/read.js';
import { supernetOf } from './stages/servable.js';

const directory = fileURLToPath(new URL('../../../models/fashion/', import.meta.url));
let folder: ModelFolder;
let built: BuildResult;
let smallest: BuiltSubnet;
let largest: BuiltSubnet;
let tested: Labelled;

beforeAll(async () => {
  folder = await readModelFolder(directory);
  built = await readBuildResult(folder);
  const [first, last] = [built.subnets[0], built.subnets.at(-1)];
  if (first === undefined || last === undefined) throw new Error('no subnets ship');
  smallest = first;
  largest = last;
  const { images, labels } = await readLabelled(directory, folder.manifest.test);
  const [from, to] = folder.manifest.test.range;
  tested = { images: rows(images, from, to), labels: labels.subarray(from, to) };
});

/** Accuracy of a subnet on the first `count` test inputs. */
async function accuracyOf({ id, config }: BuiltSubnet, statistics: SubnetStatistics, count: number): Promise<number> {
  const part = { images: rows(tested.images, 0, count), labels: tested.labels.subarray(0, count) };
  const [accuracy] = await top1Accuracies(supernetOf(folder), [{ id, config, statistics }], part);
  return accuracy ?? Number.NaN;
}

test('spans accuracy and cost', () => {
  expect(built.subnets.length).toBeGreaterThanOrEqual(8);
  expect(largest.accuracy).toBeGreaterThanOrEqual(0.935);
  expect(smallest.accuracy).toBeGreaterThanOrEqual(0.86);
  expect(largest.accuracy - smallest.accuracy).toBeGreaterThanOrEqual(0.04);
  expect(largest.macs / smallest.macs).toBeGreaterThanOrEqual(5);
  for (const [i, subnet] of built.subnets.entries()) {
    expect(subnet.macs).toBeGreaterThan(built.subnets[i - 1]?.macs ?? 0);
    expect(subnet.heldOutAccuracy).toBeGreaterThan(built.subnets[i - 1]?.heldOutAccuracy ?? 0);
  }
});

test('the statistics that ship are those of the calibration images', async () => {
  const { data } = await readArray(join(directory, folder.manifest.calibration ?? ''));
  for (const { config, statistics } of [smallest, built.subnets[1] ?? smallest]) {
    const shipped = decodeStatistics(statistics);
    const computed = await calibrate(supernetOf(folder), config, data);
    expect(Object.keys(computed)).toEqual(Object.keys(shipped));
    for (const [name, { mean, variance }] of Object.entries(computed)) {
      // Equal but for the order in which another processor adds.
      for (const [i, value] of mean.entries()) expect(value).toBeCloseTo(shipped[name]?.mean[i] ?? Number.NaN, 3);
      for (const [i, value] of variance.entries()) {
        expect(value / (shipped[name]?.variance[i] ?? Number.NaN)).toBeCloseTo(1, 3);
      }
    }
    expect(encodeStatistics(computed).length).toBe(statistics.length);
  }
});

test('the accuracy of the smallest subnet is what its file claims', async () => {
  const accuracy = await accuracyOf(smallest, decodeStatistics(smallest.statistics), tested.labels.length);
  // A few logits may tie otherwise on another processor.
  expect(Math.abs(accuracy - smallest.accuracy)).toBeLessThanOrEqual(0.001);
});

test('the largest subnet is as accurate on a part of the test images as its file claims for all', async () => {
  const count = 1_000;
  const accuracy = await accuracyOf(largest, decodeStatistics(largest.statistics), count);
  const standardError = Math.sqrt((largest.accuracy * (1 - largest.accuracy)) / count);
  expect(Math.abs(accuracy - largest.accuracy)).toBeLessThan(4 * standardError);
});

test('under the statistics of the largest subnet the smallest one is lost', async () => {
  const own = decodeStatistics(smallest.statistics);
  const others = decodeStatistics(largest.statistics);
  const borrowed = Object.fromEntries(
    Object.entries(own).map(([name, { mean }]) => {
      const other = others[name];
      if (other === undefined) throw new Error(`the largest subnet does not normalize ${name}`);
      return [name, { mean: other.mean.slice(0, mean.length), variance: other.variance.slice(0, mean.length) }];
    }),
  );
  const count = 1_000;
  const lost = (await accuracyOf(smallest, own, count)) - (await accuracyOf(smallest, borrowed, count));
  expect(lost).toBeGreaterThanOrEqual(0.2);
});
