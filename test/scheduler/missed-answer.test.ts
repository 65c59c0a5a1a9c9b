/**
 * An answer that is published while its producer's connection is away goes to nobody, and its query is acked. The producer
 * learns it all the same once it is back: it asks, and a scheduler that said it says it again.
 */
import { FaultProxy } from '@slackline/chaos';
import { connect, type RawAnswer, type SlacklineClient } from '@slackline/client';
import { ingestConfig, startIngest } from '@slackline/ingest';
import {
  connectBus,
  headerNames,
  leaseKey,
  type ModelEntry,
  profileKeys,
  readConfig,
  systemClock,
} from '@slackline/shared';
import pino from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import { bus, running, scheduler, server, subjects, TestWorker, waiting } from './harness.js';

const model: ModelEntry = {
  v: 1,
  name: 'm',
  digest: '0'.repeat(64),
  inputs: [{ name: 'x', datatype: 'UINT8', shape: [-1, 2] }],
  outputs: [{ name: 'y', datatype: 'UINT8', shape: [-1, 3] }],
  sloMs: 30_000,
  subnets: [
    { id: 'small', accuracy: 0.7 },
    { id: 'large', accuracy: 0.9 },
  ],
};

async function ingest(): Promise<void> {
  const profiles = await bus.keys(subjects.stores.profiles, { storage: 'memory', replicas: 1 });
  await profiles.put(profileKeys.model('m'), Buffer.from(JSON.stringify(model)));
  const config = readConfig(ingestConfig, { SUBJECT_PREFIX: subjects.prefix, STORAGE: 'memory' });
  const own = await connectBus({ url: server.url, name: 'i' });
  running.push(await startIngest(config, { bus: own, clock: systemClock, log: pino({ level: 'silent' }) }));
}

/** A producer whose connection can be cut. */
class CutProducer {
  private constructor(
    readonly proxy: FaultProxy,
    readonly client: SlacklineClient,
  ) {}

  static async start(): Promise<CutProducer> {
    const proxy = await FaultProxy.start({ target: new URL(server.url).host });
    const producer = new CutProducer(proxy, await connect({ url: proxy.url, prefix: subjects.prefix }));
    running.push(producer);
    return producer;
  }

  ask(queryId: string, timeoutMs = 30_000): Promise<RawAnswer> {
    const options = { sloMs: 30_000, queryId, timeoutMs };
    return new Promise((resolve) => this.client.send('m', new Uint8Array(2), options, resolve));
  }

  async stop(): Promise<void> {
    await this.client.close();
    await this.proxy.close();
  }
}

let producer: CutProducer;
let worker: TestWorker;
beforeEach(async () => {
  await scheduler();
  await ingest();
  worker = await TestWorker.join('w1');
  producer = await CutProducer.start();
});

/** Its answer is said, and its query acked, while the producer is away. */
async function answerUnheard(): Promise<() => void> {
  await worker.command();
  const heal = producer.proxy.apply({ kind: 'reset' });
  await worker.finish();
  await expect.poll(waiting).toBe(0);
  return heal;
}

describe('a producer that was cut off when its answer was said', () => {
  it('is told it when it is back', async () => {
    const answered = producer.ask('q1');
    const heal = await answerUnheard();
    heal();
    const answer = await answered;
    expect(answer).toMatchObject({ outcome: 'ok', queryId: 'q1' });
    expect('body' in answer && Buffer.from(answer.body).toString()).toBe('answer to q1');
  });

  it('is told it once, by whoever of several schedulers has said it', async () => {
    await scheduler();
    const answered = producer.ask('q1');
    const heal = await answerUnheard();
    // Who led has gone on to another term, or stands by: it remembers all the same.
    const leases = await bus.keys(subjects.stores.leader, { storage: 'memory', replicas: 1 });
    const lease = await leases.get(leaseKey);
    await leases.delete(leaseKey);
    await expect.poll(async () => (await leases.get(leaseKey))?.revision).toBeGreaterThan(lease?.revision ?? 0);
    heal();
    expect(await answered).toMatchObject({ outcome: 'ok' });
    expect(producer.client.counts).toMatchObject({ duplicates: 0, tooLate: 0 });
  });

  it('waits on for what was not said yet', async () => {
    const answered = producer.ask('q1');
    await worker.command();
    const again = new Promise<void>((resolve) => {
      bus.subscribe(subjects.outcomesAgain, () => resolve());
    });
    const heal = producer.proxy.apply({ kind: 'reset' });
    // A query that is sent meanwhile is not asked for: it leaves with the reconnect.
    await expect.poll(() => producer.proxy.connections).toBe(0);
    heal();
    await again;
    await worker.finish();
    expect(await answered).toMatchObject({ outcome: 'ok' });
    expect(producer.client.counts.duplicates).toBe(0);
  });

  it('is told that the connection was lost where nobody remembers', async () => {
    const answered = producer.ask('q1', 2_000);
    const heal = await answerUnheard();
    await running.shift()?.stop();
    heal();
    expect(await answered).toMatchObject({ outcome: 'unanswered', connectionLost: true });
  });
});

describe('a question for an outcome', () => {
  const ask = (headers: Record<string, string>) => bus.publish(subjects.infer('m'), new Uint8Array(0), { headers });

  it('is answered to the query’s own reply subject, and to no other', async () => {
    const [inbox, other] = [bus.newInbox(), bus.newInbox()];
    const heard: string[] = [];
    for (const subject of [inbox, other]) bus.subscribe(subject, (message) => heard.push(message.subject));
    bus.publish(subjects.infer('m'), new Uint8Array(2), {
      reply: inbox,
      headers: { [headerNames.queryId]: 'q1' },
    });
    await worker.finish();
    await expect.poll(() => heard).toEqual([inbox]);
    ask({ [headerNames.queryId]: 'q1', [headerNames.outcomeAgain]: other });
    ask({ [headerNames.queryId]: 'q2', [headerNames.outcomeAgain]: inbox });
    ask({ [headerNames.outcomeAgain]: inbox });
    ask({ [headerNames.queryId]: 'q1', [headerNames.outcomeAgain]: '$JS.API.STREAM.DELETE.x' });
    ask({ [headerNames.queryId]: 'q1', [headerNames.outcomeAgain]: inbox });
    await expect.poll(() => heard).toEqual([inbox, inbox]);
    expect(await waiting()).toBe(0);
  });
});
