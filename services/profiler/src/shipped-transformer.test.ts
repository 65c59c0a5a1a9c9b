/** The transformer that ships: what its files claim is computed again, through the form that workers take. */
import { fileURLToPath } from 'node:url';
import { rows } from '@slackline/shared';
import { type HostedSubnet, SupernetSession } from '@slackline/supernet';
import { beforeAll, expect, test } from 'vitest';
import { readLabelled } from './build/build-model.js';
import { type BuildResult, readBuildResult } from './build/result.js';
import { type Labelled, top1Accuracies } from './stages/accuracy.js';
import { type ModelFolder, readModelFolder } from './stages/read.js';
import { supernetOf } from './stages/servable.js';

const directory = fileURLToPath(new URL('../../../models/fashion-transformer/', import.meta.url));
let folder: ModelFolder;
let built: BuildResult;
let tested: Labelled;
const count = 500;

beforeAll(async () => {
  folder = await readModelFolder(directory);
  built = await readBuildResult(folder);
  const { images, labels } = await readLabelled(directory, folder.manifest.test);
  const [from] = folder.manifest.test.range;
  tested = { images: rows(images, from, from + count), labels: labels.subarray(from, from + count) };
});

/** A network whose normalizations need no statistics. */
const hosted = ({ id, config }: Omit<HostedSubnet, 'statistics'>): HostedSubnet => ({ id, config, statistics: {} });

test('spans accuracy and cost in layers, heads and feed-forward width', () => {
  const [first, last] = [built.subnets[0], built.subnets.at(-1)];
  if (first === undefined || last === undefined) throw new Error('no subnets ship');
  expect(built.subnets.length).toBeGreaterThanOrEqual(8);
  expect(last.accuracy - first.accuracy).toBeGreaterThanOrEqual(0.03);
  expect(last.macs / first.macs).toBeGreaterThanOrEqual(5);
  for (const group of ['depth', 'heads1', 'hidden1']) {
    expect(new Set(built.subnets.map(({ config }) => config[group])).size).toBeGreaterThan(1);
  }
});

test('is as accurate on a part of the test images as its file claims for all', async () => {
  const some = built.subnets.filter((_, i, all) => i === 0 || i === all.length - 1 || i === all.length >> 1);
  const accuracies = await top1Accuracies(supernetOf(folder), some.map(hosted), tested);
  for (const [i, { accuracy }] of some.entries()) {
    const standardError = Math.sqrt((accuracy * (1 - accuracy)) / count);
    expect(Math.abs((accuracies[i] ?? Number.NaN) - accuracy)).toBeLessThan(4 * standardError);
  }
});

test('answers in both forms alike', async () => {
  const subnets = built.subnets.map(hosted);
  const sessions = [];
  for (const form of ['auto', 'portable'] as const) {
    sessions.push(await SupernetSession.open(supernetOf(folder), subnets, { form }));
  }
  try {
    const image = rows(tested.images, 0, 4).data;
    for (const index of subnets.keys()) {
      const [one, other] = await Promise.all(
        sessions.map(async (session) => {
          session.actuate(index);
          return (await session.run(image, 4))[0];
        }),
      );
      for (const [i, logit] of (one ?? []).entries()) expect(logit).toBeCloseTo(other?.[i] ?? Number.NaN, 4);
    }
  } finally {
    await Promise.all(sessions.map((session) => session.release()));
  }
});
