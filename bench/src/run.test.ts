import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readOptions } from './options.js';
import { found } from './part.js';
import { merged, readEarlier, writeResults } from './results.js';
import { runParts } from './run.js';
import { hasNats } from './testing/has-nats.js';

const folder = mkdtempSync(join(tmpdir(), 'bench-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const pace = {
  ...{
    stepSeconds: 0.4,
    probeSeconds: 0.3,
    warmUpSeconds: 0.4,
    rounds: 1,
    stepsARound: 1,
    measureSeconds: 0.4,
    pauseMs: 0,
  },
};

describe.skipIf(!hasNats)('a run with real processes', () => {
  test('finds every figure, writes the results, and keeps what earlier runs found', { timeout: 120_000 }, async () => {
    const options = { ...readOptions(['--quick', '--out', folder], {}), minutes: 1.5 };
    const said: string[] = [];
    const say = (text: string) => void said.push(text);
    const result = await runParts(options, undefined, new AbortController().signal, say, pace);
    expect(result.failed).toEqual([]);
    const { document } = result;
    expect(document).toMatchObject({
      slackline: { attainment: expect.any(Number), rounds: [{ qps: found(document.slackline)?.qps }] },
      overheadMs: { p50: expect.any(Number), rate: 100, relaysMs: { p50: expect.any(Number) } },
      machine: { natsServer: expect.stringMatching(/^\d+\.\d+/) },
    });
    expect(found(document.slackline)?.qps).toBeGreaterThan(0);
    expect(found(document.ceiling)?.qps).toBeGreaterThan(0);
    const processes = found(document.cost)?.processes ?? [];
    const allocating = processes.filter(({ allocatedBytesPerQuery }) => allocatedBytesPerQuery !== undefined);
    expect(allocating.map(({ process }) => process)).toEqual(['profiler', 'ingest', 'scheduler', 'worker', 'load']);
    expect(processes.map(({ process }) => process)).toContain('nats');
    expect(Object.keys(document.profiles ?? {}).sort()).toEqual(['ingest', 'scheduler', 'worker']);
    expect(said.join('\n')).toMatch(/round 1 of at most 1: slackline[\s\S]*round 1 of at most 1: ceiling/);

    writeResults(folder, result);
    expect(readdirSync(join(folder, 'bus')).sort()).toEqual([
      ...['attainment.svg', 'flame-ingest.svg', 'flame-scheduler.svg', 'flame-worker.svg', 'latency.svg'],
    ]);
    const text = readFileSync(join(folder, 'bus.md'), 'utf8');
    for (const heading of ['The highest rate', 'Latency', 'Overhead', 'What a query costs', 'Where the time goes']) {
      expect(text).toContain(`## ${heading}`);
    }
    expect(text).not.toMatch(/undefined|NaN/);
    const { slackline: _, ...rest } = document;
    const full = { ...document, run: { ...document.run, quick: false } };
    expect(merged(rest, full).slackline).toEqual(document.slackline);
    expect(merged({ ...document, cost: { skipped: 'no time' } }, full).cost).toEqual(document.cost);
    expect(merged({ ...document, cost: { failed: 'broken' } }, full).cost).toEqual(document.cost);
    for (const run of [{ policy: 'another' }, { deviceProfile: 'another' }]) {
      expect(merged({ ...rest, run: { ...document.run, ...run } }, full)).not.toHaveProperty('slackline');
    }
    for (const machine of [{ node: 'v1' }, { natsServer: '1' }]) {
      expect(merged({ ...rest, machine: { ...document.machine, ...machine } }, full)).not.toHaveProperty('slackline');
    }
    expect(merged(rest, full).run.earlier).toMatchObject({
      slackline: `${document.run.startedAt} at ${document.run.commit ?? 'no commit'}`,
    });
    expect(merged(rest, readEarlier(folder))).not.toHaveProperty('slackline');
  });

  test('ends when it is told to, and leaves nothing behind', { timeout: 60_000 }, async () => {
    const stop = new AbortController();
    const say = (text: string) => {
      if (text.includes('warm-up')) stop.abort(new Error('enough'));
    };
    const options = readOptions(['--quick', '--only', 'overhead'], {});
    await expect(runParts(options, undefined, stop.signal, say, pace)).rejects.toThrow('enough');
  });
});

test('a part for which there is no data is skipped, with the reason', { timeout: 30_000 }, async () => {
  const options = readOptions(['--quick', '--only', 'trace', '--data', folder], {});
  const { document, failed } = await runParts(options, undefined, new AbortController().signal, () => {});
  expect(document.trace).toMatchObject({ skipped: expect.stringContaining('maf2019_1day') });
  expect(failed).toEqual([]);
});
