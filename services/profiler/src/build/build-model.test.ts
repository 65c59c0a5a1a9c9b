import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { readArray, rows } from '@slackline/shared';
import { decodeStatistics } from '@slackline/supernet';
import { dump } from 'npyjs';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { readModelFolder } from '../stages/read.js';
import { buildModel } from './build-model.js';
import { readBuildReport, writeBuildReport } from './result.js';

vi.setConfig({ testTimeout: 120_000 });

const shipped = fileURLToPath(new URL('../../../../models/fashion/', import.meta.url));

// The model that ships, with so little data that a build takes a second.
let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slackline-build-'));
  const { manifest } = await readModelFolder(shipped);
  for (const file of ['model.json', manifest.onnx, manifest.spec]) await cp(join(shipped, file), join(directory, file));
  const { calibration = '', heldOut, test } = manifest;
  for (const file of [calibration, heldOut.images, heldOut.labels, test.images, test.labels]) {
    const { data, shape } = rows(await readArray(join(shipped, file)), 0, 120);
    await writeFile(join(directory, file), gzipSync(new Uint8Array(dump(data.slice(), shape))));
  }
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const options = { measurements: 12, front: 3, seed: 1, cost: 'macs' } as const;

test('keeps an ascending front, with the statistics of each', async () => {
  const folder = await readModelFolder(directory);
  const told: string[] = [];
  const result = await buildModel(folder, options, ({ stage, done, total }) => told.push(`${stage} ${done}/${total}`));

  expect(result).toMatchObject({ candidates: 12, seed: 1 });
  expect(result.subnets.length).toBeGreaterThanOrEqual(2);
  expect(result.subnets.length).toBeLessThanOrEqual(options.front);
  for (const [i, { macs, heldOutAccuracy, statistics, id }] of result.subnets.entries()) {
    expect(macs).toBeGreaterThan(result.subnets[i - 1]?.macs ?? 0);
    expect(heldOutAccuracy).toBeGreaterThan(result.subnets[i - 1]?.heldOutAccuracy ?? 0);
    expect(Object.keys(decodeStatistics(statistics)).length, id).toBeGreaterThan(0);
  }
  expect(told).toContain('measuring a uniform sample 5/5');
  expect(told.at(-1)).toBe(`measuring accuracies to publish ${result.subnets.length}/${result.subnets.length}`);
});

test('builds a folder again as its report says it was built', async () => {
  const folder = await readModelFolder(directory);
  const first = await buildModel(folder, { ...options, cost: 'latency', quick: true }, () => {});
  await writeBuildReport(folder, first.report);
  const report = await readBuildReport(folder);
  expect(report).toEqual(first.report);
  const again = await buildModel(
    folder,
    { ...options, cost: 'latency', quick: true, latency: report?.latency },
    () => {},
  );
  expect(again.subnets).toEqual(first.subnets);
});

test('refuses labels that do not belong to the images', async () => {
  const folder = await readModelFolder(directory);
  const { heldOut } = folder.manifest;
  const swapped = { ...folder.manifest, heldOut: { ...heldOut, labels: 'short.npy' } };
  await writeFile(join(directory, 'short.npy'), new Uint8Array(dump(new Uint8Array(3), [3])));
  const build = buildModel({ ...folder, manifest: swapped }, options, () => {});
  await expect(build).rejects.toMatchObject({ code: 'invalid_model', message: expect.stringContaining('3 labels') });
});
