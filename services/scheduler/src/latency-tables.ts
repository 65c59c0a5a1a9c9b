/** The latency profiles of the KV bucket as tables for the dispatcher, followed as they change. */

import { LatencyTable } from '@slackline/scheduling';
import { type KeyBucket, type LatencyProfile, type Log, latencyProfile, type Subscription } from '@slackline/shared';
import type { PlanPercentile } from './config.js';

const prefix = 'latency.';

/** Told of every table, with the digest of the version that was measured; undefined: the profile is gone. */
export type TableListener = (
  model: string,
  deviceClass: string,
  table: LatencyTable | undefined,
  version: string | undefined,
) => void;

export function watchLatencyTables(
  profiles: Pick<KeyBucket, 'watch'>,
  percentile: PlanPercentile,
  log: Log,
  onTable: TableListener,
): Promise<Subscription> {
  return profiles.watch(({ key, value }) => {
    if (!key.startsWith(prefix)) return;
    const [model = '', deviceClass = ''] = key.slice(prefix.length).split('.');
    if (value === undefined) {
      onTable(model, deviceClass, undefined, undefined);
      return;
    }
    try {
      const profile = latencyProfile.parse(JSON.parse(Buffer.from(value).toString()));
      onTable(model, deviceClass, toTable(profile, percentile), profile.digest);
    } catch (error) {
      // A wrong profile must not take the right one's place.
      log.error({ err: error, key }, 'a latency profile cannot be used');
    }
  });
}

function toTable(profile: LatencyProfile, percentile: PlanPercentile): LatencyTable {
  const subnets = profile.subnets.map(({ id, accuracy }) => ({ id, accuracy }));
  const medians = profile.subnets.map(({ p50Ms }) => p50Ms);
  const tails = profile.subnets.map(({ p99Ms }) => p99Ms);
  const loads = profile.subnets.map(({ loadMs = 0 }) => loadMs);
  const { batches } = profile;
  if (percentile === 'p50') return new LatencyTable(subnets, batches, medians, undefined, loads);
  const tail = new LatencyTable(subnets, batches, tails, undefined, loads);
  return percentile === 'p99' ? tail : new LatencyTable(subnets, batches, medians, tail, loads);
}
