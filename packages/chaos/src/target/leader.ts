/** Which scheduler leads: whoever's id stands in the lease. */
import { type Bus, leaseKey, leaseValue, readKey, type Subjects } from '@slackline/shared';

/** The leader's id as its lease says it; undefined where nobody leads, or nobody can say. */
export async function leaderId(bus: Bus, { stores: { leader } }: Subjects): Promise<string | undefined> {
  try {
    if (!(await bus.hasKeys(leader))) return undefined;
    const bucket = await bus.keys(leader, { storage: 'file', replicas: 1 });
    const { scheduler = '' } = (await readKey(bucket, leaseKey, leaseValue)) ?? {};
    return scheduler === '' ? undefined : scheduler;
  } catch {
    // The broker may be what is broken at this moment.
    return undefined;
  }
}

/** The leader first, the others as they came. */
export function leaderFirst<T extends { readonly leads: boolean }>(victims: readonly T[]): T[] {
  return [...victims.filter(({ leads }) => leads), ...victims.filter(({ leads }) => !leads)];
}
