/** The latency profiles of the KV bucket as tables for the dispatcher, followed as they change. */

import { type LatencyTable, type PlanPercentile, tableOf } from '@slackline/scheduling';
import { type Complaints, type KeyBucket, profileKeys, readLatencyProfile, type Subscription } from '@slackline/shared';

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
  complaints: Complaints,
  onTable: TableListener,
): Promise<Subscription> {
  return profiles.watch(({ key, value, lost }) => {
    // A lost profile is still true, and the profiler writes it again.
    const about = profileKeys.latencyOf(key);
    if (lost || about === undefined) return;
    const { model, deviceClass } = about;
    if (value === undefined) {
      onTable(model, deviceClass, undefined, undefined);
      return;
    }
    try {
      const profile = readLatencyProfile(key, value);
      onTable(model, deviceClass, tableOf(profile, percentile), profile.digest);
    } catch (error) {
      // A wrong profile must not take the right one's place.
      const why = error instanceof Error ? error.message.slice(0, 500) : String(error);
      complaints.warn('latency profile', { why, key }, 'a latency profile cannot be used');
    }
  });
}
