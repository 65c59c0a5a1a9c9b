import { type NatsServer, startNatsServer } from '@slackline/local';
import { type Bus, connectBus, pack, Subjects } from '@slackline/shared';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Tables } from './tables.js';

let server: NatsServer;
let bus: Bus;
beforeAll(async () => {
  server = await startNatsServer();
  bus = await connectBus({ url: server.url, name: 'tables' });
});
afterAll(async () => {
  await bus.close();
  await server.close();
});

const subjects = new Subjects();
const ingest = (instanceId: string, inFlight: number) =>
  pack({ v: 1, instanceId, accepted: 1, refused: {}, unconfirmed: 0, inFlight, retried: 0, models: 1 });
const scheduler = pack({
  ...{ v: 1, queued: 5, inFlight: 3, workers: 2, workersLost: 0, unreadable: 0, subnets: {}, meanBatch: 1 },
  outcomes: { ok: 0, late: 0, expired: 0, failed: 0 },
});

it('adds up what all processes say that they hold, and forgets who speaks no more', async () => {
  let nowMs = 0;
  const tables = new Tables(bus, subjects, () => nowMs);
  try {
    bus.publish(subjects.telemetry('ingest'), ingest('a', 2));
    bus.publish(subjects.telemetry('ingest'), ingest('b', 3));
    bus.publish(subjects.telemetry('ingest'), ingest('a', 4));
    bus.publish(subjects.telemetry('scheduler'), scheduler);
    bus.publish(subjects.telemetry('scheduler'), Buffer.from('garbage'));
    await bus.flush();
    const held = { ingestInFlight: 7, schedulerQueued: 5, schedulerInFlight: 3, workers: 2, hasLeader: true };
    expect(tables.sample()).toMatchObject(held);

    nowMs = 2_000;
    bus.publish(subjects.telemetry('ingest'), ingest('b', 1));
    await bus.flush();
    nowMs = 4_000;
    expect(tables.sample()).toMatchObject({ ingestInFlight: 1, schedulerQueued: 0, workers: 0, hasLeader: false });
  } finally {
    await tables.stop();
  }
});
