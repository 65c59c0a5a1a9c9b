/** The latency profiles of the KV bucket as tables for the dispatcher, followed as they change. */

import { type LatencyTable, type PlanPercentile, tableOf } from '@slackline/scheduling';
import { type KeyBucket, type Log, latencyProfile, type Subscription } from '@slackline/shared';

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
      onTable(model, deviceClass, tableOf(profile, percentile), profile.digest);
    } catch (error) {
      // A wrong profile must not take the right one's place.
      log.error({ err: error, key }, 'a latency profile cannot be used');
    }
  });
}
