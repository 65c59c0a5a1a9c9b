/** Whole builds of tiny networks, on real threads: what they leave, that they repeat, end when told, and refuse. */
import { decodeStatistics } from '@slackline/supernet';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { tinySources } from '../testing/tiny-networks.js';
import {
  type BuildOutcome,
  type BuildProgress,
  type BuildSources,
  buildInStages,
  buildSubnets,
  splitValidation,
} from './build-subnets.js';
import { reportPicture, reportText } from './report-text.js';

// Whole builds, on a machine that may do other things.
vi.setConfig({ testTimeout: 120_000 });

const options = { seed: 1, measurements: 12, front: 5, cost: 'macs', threads: 2 } as const;

describe.each(['convolutional', 'transformer'] as const)('a %s network', (kind) => {
  let sources: BuildSources;
  beforeAll(async () => {
    sources = await tinySources(kind);
  });

  test('is built to an ascending front, with the ends measured and the accuracies of the test inputs', async () => {
    const told: BuildProgress[] = [];
    const { subnets, candidates, report } = await buildSubnets(sources, options, (progress) => told.push(progress));
    expect(candidates).toBe(12);
    expect(subnets.length).toBeGreaterThanOrEqual(2);
    expect(subnets.length).toBeLessThanOrEqual(5);
    for (const [i, subnet] of subnets.entries()) {
      expect(subnet.macs).toBeGreaterThan(subnets[i - 1]?.macs ?? 0);
      expect(subnet.heldOutAccuracy).toBeGreaterThan(subnets[i - 1]?.heldOutAccuracy ?? 0);
      expect(subnet.accuracy).toBeGreaterThanOrEqual(0.25);
      const norms = Object.keys(decodeStatistics(subnet.statistics)).length;
      expect(norms > 0).toBe(kind === 'convolutional');
    }
    expect(report.measured).toHaveLength(12);
    expect(report.measured.filter(({ predicted }) => predicted !== undefined).length).toBeGreaterThan(4);
    expect(report.accuracy.crossValidated?.samples).toBe(12);
    expect(report.hypervolume).toBeGreaterThan(0);
    expect(report.work.forwardRows).toBeGreaterThan(12 * 120);
    const shares = told.map(({ share }) => share);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares.at(-1)).toBeGreaterThan(0.8);
  });

  test('is built the same again', async () => {
    const plain = async () => {
      const { report, ...result } = await buildSubnets(sources, options, () => {});
      return { result, measured: report.measured };
    };
    expect(await plain()).toEqual(await plain());
  });

  test('is built by predicted latency, and the same again with the fitted model', async () => {
    const timed = { ...options, cost: 'latency' } as const;
    const { report, subnets } = await buildSubnets(sources, timed, () => {});
    expect(report.latency?.error.samples).toBeGreaterThan(10);
    expect(report.latency?.coefficients.every((coefficient) => coefficient >= 0)).toBe(true);
    for (const [i, { latencyMs = 0 }] of subnets.entries()) {
      expect(latencyMs).toBeGreaterThanOrEqual(subnets[i - 1]?.latencyMs ?? 0);
    }
    const again = await buildSubnets(sources, { ...timed, latency: report.latency }, () => {});
    expect(again.subnets).toEqual(subnets);
  });
});

describe('a build', () => {
  let sources: BuildSources;
  beforeAll(async () => {
    sources = await tinySources('convolutional');
  });

  test('keeps what others beat, too, when it is to fill up: here, the whole space', async () => {
    const { subnets } = await buildSubnets(sources, { ...options, measurements: 30, front: 25, fill: true }, () => {});
    expect(subnets.length).toBe(13);
    expect(new Set(subnets.map(({ id }) => id)).size).toBe(13);
    for (const [i, { macs }] of subnets.entries()) expect(macs).toBeGreaterThanOrEqual(subnets[i - 1]?.macs ?? 0);
  });

  test('is compared with uniform sampling after it is done, seed by seed, and reported', async () => {
    const outcomes: BuildOutcome[] = [];
    for await (const outcome of buildInStages(sources, { ...options, measurements: 10 }, 2, () => {}))
      outcomes.push(outcome);
    expect(outcomes.map(({ report }) => report.comparison?.map(({ seed }) => seed))).toEqual([undefined, [1], [1, 2]]);
    const [built, , last] = outcomes;
    if (built === undefined || last === undefined) throw new Error('no outcome');
    expect(last.subnets).toEqual(built.subnets);
    expect(last.report.work).toEqual(built.report.work);
    const [first] = last.report.comparison ?? [];
    expect(first?.search.heldOut).toBe(built.report.hypervolume);
    expect(first?.uniformFront.length).toBeGreaterThan(1);
    const text = reportText('tiny', last, 'tiny.svg', 'a machine');
    for (const { id } of last.subnets) expect(text).toContain(`| \`${id}\` |`);
    expect(text).toContain('of 2 seeds on the held-out inputs');
    expect(text).not.toMatch(/NaN|undefined/);
    expect(reportPicture('tiny', last)).toMatch(/^<svg .*front of uniform sampling.*<\/svg>\n$/s);
  });

  test('ends in the middle when told to', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    let after = 0;
    const build = buildSubnets(
      sources,
      options,
      ({ done }) => {
        if (controller.signal.aborted) after += 1;
        if (done === 2) controller.abort(reason);
      },
      controller.signal,
    );
    await expect(build).rejects.toBe(reason);
    expect(after).toBeLessThan(3);
    const begun = buildSubnets(sources, options, () => {}, controller.signal);
    await expect(begun).rejects.toBe(reason);
  });

  test('measures no more than a budget allows', async () => {
    const { report } = await buildSubnets(sources, { ...options, measurements: 20, budgetMs: 1 }, () => {});
    expect(report.measured).toHaveLength(8);
    expect(report.work.budgetLeft).toEqual({ measurements: 8, budgetMs: 1 });
  });

  test.each<[string, (sources: BuildSources) => Partial<BuildSources>, string]>([
    [
      'a label that is no class',
      ({ test }) => ({ test: { ...test, labels: test.labels.map(() => 4) } }),
      'test label 0 is 4',
    ],
    [
      'too few labels',
      ({ heldOut }) => ({ heldOut: { ...heldOut, labels: heldOut.labels.subarray(1) } }),
      '119 labels',
    ],
    [
      'calibration inputs of another shape',
      ({ calibration }) => ({ calibration: { shape: [96, 2, 4, 6], data: calibration?.data ?? new Uint8Array() } }),
      '[96,2,4,6]',
    ],
  ])('refuses %s', async (_what, change, said) => {
    const build = buildSubnets({ ...sources, ...change(sources) }, options, () => {});
    await expect(build).rejects.toMatchObject({ code: 'invalid_model', message: expect.stringContaining(said) });
  });
});

test('divides one validation set into even and odd rows', () => {
  const images = { shape: [5, 2], data: Float32Array.from([0, 0, 1, 1, 2, 2, 3, 3, 4, 4]) };
  const { heldOut, test: tested } = splitValidation({ images, labels: Int32Array.from([0, 100, 200, 300, 400]) });
  expect(heldOut).toEqual({
    images: { shape: [3, 2], data: Float32Array.from([0, 0, 2, 2, 4, 4]) },
    labels: Int32Array.from([0, 200, 400]),
  });
  expect(tested).toEqual({
    images: { shape: [2, 2], data: Float32Array.from([1, 1, 3, 3]) },
    labels: Int32Array.from([100, 300]),
  });
});
