/** The latency profiles of the KV bucket as tables for the dispatcher, followed as they change. */

import { LatencyTable } from '@slackline/scheduling';
import { type KeyBucket, type LatencyProfile, type Log, latencyProfile, type Subscription } from '@slackline/shared';

const prefix = 'latency.';

/** Told of every table; undefined: the profile is gone. */
export type TableListener = (model: string, deviceClass: string, table: LatencyTable | undefined) => void;

/** @param percentile which of the profile's latencies to plan with */
export function watchLatencyTables(
  profiles: KeyBucket,
  percentile: 'p50' | 'p99',
  log: Log,
  onTable: TableListener,
): Promise<Subscription> {
  return profiles.watch(({ key, value }) => {
    if (!key.startsWith(prefix)) return;
    const [model = '', deviceClass = ''] = key.slice(prefix.length).split('.');
    if (value === undefined) {
      onTable(model, deviceClass, undefined);
      return;
    }
    try {
      const profile = latencyProfile.parse(JSON.parse(Buffer.from(value).toString()));
      onTable(model, deviceClass, toTable(profile, percentile));
    } catch (error) {
      // A wrong profile must not take the right one's place.
      log.error({ err: error, key }, 'a latency profile cannot be used');
    }
  });
}

function toTable(profile: LatencyProfile, percentile: 'p50' | 'p99'): LatencyTable {
  const rows = profile.subnets.map((subnet) => (percentile === 'p50' ? subnet.p50Ms : subnet.p99Ms));
  return new LatencyTable(
    profile.subnets.map(({ id, accuracy }) => ({ id, accuracy })),
    profile.batches,
    rows,
  );
}
