/** How much a deployment keeps in its broker: streams, buckets of keys, object stores, and who consumes them. */
import { type Bus, hasCode, type Subjects } from '@slackline/shared';

export interface StoreSample {
  /** As the deployment calls it: `QUERIES`, `profiles`. */
  name: string;
  kind: 'stream' | 'keys' | 'objects';
  messages: number;
  bytes: number;
  /** Grows by one with each message that was ever stored. */
  lastSequence: number;
  /** Names of its consumers, durable and ephemeral: a watch of a bucket is one. */
  consumers: string[];
}

/**
 * Reads all of them, two round trips each. Those that nobody has made yet are left out. Throws what the bus throws, as
 * when the broker is away.
 */
export async function sampleStores(bus: Bus, subjects: Subjects): Promise<StoreSample[]> {
  const { queries, claims, results, clock, profiles, models, submissions, leader } = subjects.stores;
  const stores: { name: string; kind: StoreSample['kind']; stream: string }[] = [
    ...[queries, claims, results, clock].map((name) => ({ name, kind: 'stream' as const, stream: name })),
    ...[profiles, submissions, leader].map((name) => ({ name, kind: 'keys' as const, stream: `KV_${name}` })),
    ...[models, submissions].map((name) => ({ name, kind: 'objects' as const, stream: `OBJ_${name}` })),
  ];
  const samples: StoreSample[] = [];
  for (const { name, kind, stream } of stores) {
    const sample = await sampleStream(bus, stream);
    if (sample !== undefined) samples.push({ name, kind, ...sample });
  }
  return samples;
}

async function sampleStream(bus: Bus, stream: string): Promise<Omit<StoreSample, 'name' | 'kind'> | undefined> {
  try {
    const { messages, bytes, lastSequence } = await bus.streamState(stream);
    return { messages, bytes, lastSequence, consumers: await bus.consumers(stream) };
  } catch (error) {
    if (hasCode(error, 'bus_failed')) return undefined;
    throw error;
  }
}
