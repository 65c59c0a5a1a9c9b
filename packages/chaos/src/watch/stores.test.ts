import { type NatsServer, startNatsServer } from '@slackline/local';
import { type Bus, connectBus, ensureStreams, Subjects, streamsConfig } from '@slackline/shared';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sampleStores } from './stores.js';

let server: NatsServer;
let bus: Bus;
beforeAll(async () => {
  server = await startNatsServer();
  bus = await connectBus({ url: server.url, name: 'stores' });
});
afterAll(async () => {
  await bus.close();
  await server.close();
});

it('tells what each stream and bucket of one deployment holds, and who consumes it', async () => {
  const subjects = new Subjects('soaked');
  const storage = { storage: 'memory', replicas: 1 } as const;
  await ensureStreams(bus, subjects, { ...streamsConfig.parse({}), STORAGE: 'memory', REPLICAS: 1 });
  // Somebody else's, with the same names but for the prefix.
  await ensureStreams(bus, new Subjects(), { ...streamsConfig.parse({}), STORAGE: 'memory', REPLICAS: 1 });
  const profiles = await bus.keys(subjects.stores.profiles, storage);
  await profiles.put('model.a', Buffer.from('1'));
  await profiles.put('model.a', Buffer.from('2'));
  await bus.publishToStream(subjects.queries('a'), Buffer.alloc(100), { id: 'one', timeoutMs: 5_000 });
  const consumer = { stream: subjects.stores.queries, name: 'scheduler-7', ackWaitMs: 10_000, maxAckPending: 10 };
  const consumption = await bus.consume({ ...consumer, prefetch: 1 }, () => {});
  try {
    const samples = await sampleStores(bus, subjects);
    expect(samples.map(({ name, kind, messages }) => [name, kind, messages])).toEqual([
      [subjects.stores.queries, 'stream', 1],
      [subjects.stores.claims, 'stream', 0],
      [subjects.stores.results, 'stream', 0],
      [subjects.stores.clock, 'stream', 0],
      [subjects.stores.profiles, 'keys', 1],
    ]);
    expect(samples[0]?.bytes).toBeGreaterThan(100);
    expect(samples[0]?.consumers).toEqual(['scheduler-7']);
    expect(samples[4]?.lastSequence).toBe(2);
  } finally {
    await consumption.stop();
  }
});
