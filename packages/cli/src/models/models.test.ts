import type { KeyBucket, LatencyProfile, ModelEntry, SubmissionRecord } from '@slackline/shared';
import { expect, it } from 'vitest';
import { progressText } from '../submission/progress-text.js';
import { readCatalog } from './catalog.js';
import { listDocument, listText } from './list.js';
import { showSvg, showText } from './show.js';

const entry: ModelEntry = {
  v: 1,
  name: 'net',
  digest: 'abcdef12'.padEnd(64, '0'),
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }],
  outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 3] }],
  sloMs: 50,
  subnets: [
    { id: 'w2', accuracy: 0.71 },
    { id: 'w16', accuracy: 0.9 },
  ],
};
const profile: LatencyProfile = {
  v: 1,
  model: 'net',
  digest: entry.digest,
  deviceClass: 'cpu-x',
  executor: 'cpu',
  concurrency: 2,
  measuredAt: '2026-01-01T00:00:00Z',
  batches: [1, 16],
  subnets: [
    { id: 'w2', accuracy: 0.71, p50Ms: [0.5, 4], p99Ms: [0.75, 123.4] },
    { id: 'w16', accuracy: 0.9, p50Ms: [2, 20], p99Ms: [3, 200] },
  ],
};
const digest = 'd'.repeat(64);
const file = { digest, bytes: 1 };
const record: SubmissionRecord = {
  ...{
    v: 1,
    name: 'later',
    digest,
    sloMs: 50,
    options: { quick: false, seed: 1 },
    submittedAt: '2026-01-01T00:00:00Z',
  },
  files: { onnx: file, spec: file, images: file, labels: file },
  ...{ state: 'running', stage: 'search', shareDone: 0.419, leftMs: 83_000 },
};

it('lists models with their device classes, and what is on its way below them', () => {
  const failed = {
    ...record,
    name: 'bad',
    state: 'failed' as const,
    error: { code: 'x', message: 'It broke.', at: '' },
  };
  const catalog = { models: [{ entry, profiles: [profile] }], submissions: [record, failed] };
  expect(listText(catalog).split('\n')).toEqual([
    'model   version  subnets          accuracy  limit  profiled on',
    'net    abcdef12        2  71.0 % to 90.0 %  50 ms        cpu-x',
    '',
    'later: submission running, search: 41 % done, about 1 min 23 s left',
    'bad: the submission failed: It broke.',
    '',
  ]);
  expect(listDocument(catalog).models[0]).toMatchObject({ name: 'net', deviceClasses: ['cpu-x'] });
  expect(listText({ models: [], submissions: [] })).toBe('No model is served.\n');
});

it('tells no time that it does not know', () => {
  expect(progressText({ ...record, leftMs: null })).toBe('search: 41 % done');
  expect(progressText({ ...record, leftMs: 200 })).toBe('search: 41 % done, about 1 s left');
});

it('tells what a queued submission waits for', () => {
  const queued = { ...record, name: 'last', state: 'queued', stage: 'queued', shareDone: 0, leftMs: null } as const;
  const between = { ...queued, name: 'between', submittedAt: '2026-01-01T00:00:01Z' };
  const last = { ...queued, submittedAt: '2026-01-01T00:00:02Z' };
  expect(progressText(last)).toBe('queued: it begins shortly');
  const first = 'queued: later is being made first (search: 41 % done, about 1 min 23 s left)';
  expect(progressText(between, [last, between, record])).toBe(first);
  expect(progressText(last, [last, between, record])).toBe(`${first}, and 1 more is before it`);
  expect(listText({ models: [], submissions: [record, between] })).toContain(`between: submission ${first}\n`);
});

it('shows every subnet with p50 and p99 of every batch size on each device class', () => {
  const text = showText({ entry, profiles: [profile, { ...profile, deviceClass: 'gpu-y' }] });
  expect(text).toContain('x FP32 [rows, 4]');
  for (const name of ['cpu-x', 'gpu-y'])
    expect(text).toContain(`${name} (cpu, 2 at once on a host, 2026-01-01T00:00:00Z)`);
  expect(text).toMatch(/^w2 +71.00 % +0.500\/0.750 +4.00\/123$/m);
  expect(text).toMatch(/^w16 +90.00 % +2.00\/3.00 +20.0\/200$/m);
  expect(showText({ entry, profiles: [] })).toContain('not known on any device class');
});

it('draws a line for each device class and batch size', () => {
  const svg = showSvg({ entry, profiles: [profile] });
  expect(svg).toMatch(/^<svg /);
  for (const text of ['cpu-x, batch 1', 'cpu-x, batch 16', 'net, version abcdef12']) expect(svg).toContain(text);
});

it('lists what it can read beside a record of another version', async () => {
  const bucket = (values: Record<string, unknown>): KeyBucket => {
    const watch: KeyBucket['watch'] = async (onEntry) => {
      for (const [key, value] of Object.entries(values)) {
        onEntry({ key, revision: 1, value: Buffer.from(JSON.stringify(value)) });
      }
      return { drain: async () => {} };
    };
    return { watch } as Partial<KeyBucket> as KeyBucket;
  };
  const profiles = bucket({ 'model.net': entry, 'model.newer': { ...entry, v: 2 }, 'latency.net.cpu-x': profile });
  const catalog = await readCatalog({ profiles, records: bucket({ later: record, newer: { ...record, v: 2 } }) });
  expect(catalog).toEqual({ models: [{ entry, profiles: [profile] }], submissions: [record] });
});
