import { type LatencyTable, type PlanPercentile, planPercentiles } from '@slackline/scheduling';
import { Complaints, createLog, type KeyBucket, type LatencyProfile, systemClock } from '@slackline/shared';
import { expect, it } from 'vitest';
import { watchLatencyTables } from './latency-tables.js';

const times = { p50Ms: [1, 2], p99Ms: [2, 3] };
const profile: LatencyProfile = {
  v: 1,
  model: 'm',
  digest: 'd',
  deviceClass: 'c',
  executor: 'emulated',
  concurrency: 1,
  measuredAt: '2026-01-01T00:00:00Z',
  batches: [1, 2],
  subnets: [
    { id: 'small', accuracy: 0.7, ...times, loadMs: 4 },
    { id: 'large', accuracy: 0.9, ...times },
  ],
};

/** The table of a bucket that holds `profile` alone. */
async function tableAt(percentile: PlanPercentile): Promise<LatencyTable | undefined> {
  const tables: (LatencyTable | undefined)[] = [];
  const watch: KeyBucket['watch'] = async (onChange) => {
    onChange({ key: 'latency.m.c', value: Buffer.from(JSON.stringify(profile)), revision: 1 });
    return { drain: () => Promise.resolve() };
  };
  await watchLatencyTables(
    { watch },
    percentile,
    new Complaints(createLog('test', 'silent'), systemClock),
    (_model, _class, table) => tables.push(table),
  );
  return tables[0];
}

it.each(planPercentiles)('a table at %s knows what it costs to load a subnet, its tail too', async (which) => {
  const table = await tableAt(which);
  expect(table?.actuationMs).toEqual([4, 0]);
  if (which === 'guarded') expect(table?.tail?.actuationMs).toEqual([4, 0]);
});
