/** The scheduler on a real broker, with workers and producers played by the test. */
import { type NatsServer, startNatsServer } from '@slackline/local';
import { schedulerConfig, startScheduler } from '@slackline/scheduler';
import {
  type BatchCommand,
  type Bus,
  type BusMessage,
  batchCommand,
  connectBus,
  encode,
  headerNames,
  type LatencyProfile,
  pack,
  parseAnswer,
  type RunningService,
  readConfig,
  Subjects,
  unpack,
} from '@slackline/shared';
import pino from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const log = pino({ level: 'silent' });
const profile: LatencyProfile = {
  v: 1,
  model: 'm',
  digest: 'd',
  deviceClass: 'test',
  executor: 'test',
  concurrency: 1,
  measuredAt: '2026-01-01T00:00:00Z',
  batches: [1, 2, 4],
  subnets: [
    { id: 'small', accuracy: 0.7, p50Ms: [1, 2, 4], p99Ms: [1, 2, 4] },
    { id: 'large', accuracy: 0.9, p50Ms: [4, 8, 16], p99Ms: [4, 8, 16] },
  ],
};

let server: NatsServer;
let bus: Bus;
let subjects: Subjects;
let deployment = 0;
const running: RunningService[] = [];
const workers: TestWorker[] = [];

beforeAll(async () => {
  server = await startNatsServer();
});
afterAll(() => server.close());

beforeEach(async () => {
  deployment += 1;
  subjects = new Subjects(`t${deployment}`);
  bus = await connectBus({ url: server.url, name: 'test' });
  const profiles = await bus.keys(subjects.stores.profiles, { storage: 'memory', replicas: 1 });
  await profiles.put('latency.m.test', Buffer.from(JSON.stringify(profile)));
});
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.leave()));
  await Promise.all(running.splice(0).map((service) => service.stop()));
  await bus.close();
});

async function scheduler(env: Record<string, string> = {}): Promise<RunningService> {
  const config = readConfig(schedulerConfig, {
    NATS_URL: server.url,
    SUBJECT_PREFIX: subjects.prefix,
    STORAGE: 'memory',
    ...env,
  });
  const service = await startScheduler(config, { bus: await connectBus({ url: server.url, name: 's' }), log });
  running.push(service);
  return service;
}

/** A worker with a connection of its own; it runs what it is given when the test says so. */
class TestWorker {
  readonly commands: BatchCommand[] = [];
  #arrived: () => void = () => {};
  #beat: NodeJS.Timeout;

  private constructor(
    readonly id: string,
    private readonly own: Bus,
    public epoch: string,
  ) {
    own.subscribe(subjects.batch(id), (m) => {
      this.commands.push(unpack('batch', batchCommand, m.data));
      this.#arrived();
    });
    own.subscribe(subjects.ping(id), (m) => m.reply && own.publish(m.reply, new Uint8Array()));
    this.#beat = setInterval(() => this.report(), 100);
    this.report();
  }

  static async join(id: string, epoch = 'e1'): Promise<TestWorker> {
    const worker = new TestWorker(id, await connectBus({ url: server.url, name: id }), epoch);
    workers.push(worker);
    return worker;
  }

  report(): void {
    const busy = this.commands.length > 0;
    const status = {
      v: 1 as const,
      workerId: this.id,
      epoch: this.epoch,
      deviceClass: 'test',
      executor: 'test',
      host: 'test',
      models: { m: 'd' },
      freeSlots: busy ? 0 : 1,
      batchId: this.commands[0]?.batchId ?? null,
      draining: false,
    };
    this.own.publish(subjects.heartbeat(this.id), pack(status));
  }

  async command(): Promise<BatchCommand> {
    for (;;) {
      const command = this.commands[0];
      if (command !== undefined) return command;
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
  }

  /** Ends the batch it holds. */
  async finish(change: Partial<BatchCommand> = {}): Promise<void> {
    const command = { ...(await this.command()), ...change };
    this.commands.shift();
    this.own.publish(
      subjects.batchesDone,
      pack({
        v: 1,
        workerId: this.id,
        epoch: command.epoch,
        token: command.token,
        batchId: command.batchId,
        answers: command.queries.map((query) => ({ outputs: Buffer.from(`answer to ${query.id}`) })),
        actuationMs: 0,
        inferenceMs: 1,
        heldMs: 1,
        freeSlots: 1,
      }),
    );
    await this.own.flush();
  }

  /** Drops its connection, as a killed process does. */
  async leave(): Promise<void> {
    clearInterval(this.#beat);
    await this.own.close();
  }
}

/** Publishes as ingest does; resolves with the answer. */
async function ask(id: string, budgetMs: number): Promise<ReturnType<typeof parseAnswer>> {
  const replyTo = bus.newInbox();
  const answer = new Promise<BusMessage>((resolve) => {
    bus.subscribe(replyTo, resolve);
  });
  await store(id, budgetMs, { [headerNames.replyTo]: replyTo });
  return parseAnswer(await answer);
}

function store(id: string, budgetMs: number, headers: Record<string, string>) {
  return bus.publishToStream(subjects.queries('m'), Buffer.from(id), {
    id,
    timeoutMs: 2_000,
    headers: { [headerNames.budgetMs]: String(budgetMs), ...headers },
  });
}

const waiting = async () => (await bus.streamState(subjects.stores.queries)).messages;

describe('the scheduler', () => {
  it('answers a query through a worker, says what it ran on, and acks it', async () => {
    await scheduler();
    const worker = await TestWorker.join('w1');
    const answer = ask('q1', 10_000);
    const command = await worker.command();
    expect(command).toMatchObject({ model: 'm', subnet: 'large', epoch: 'e1' });
    expect(Buffer.from(command.queries[0]?.payload ?? []).toString()).toBe('q1');
    await worker.finish();
    expect(await answer).toMatchObject({
      queryId: 'q1',
      outcome: 'ok',
      subnet: 'large',
      accuracy: 0.9,
      batchSize: 1,
      deadlineMet: true,
      body: Buffer.from('answer to q1'),
    });
    await expect.poll(waiting).toBe(0);
  });

  it('expires what no worker could answer in time, without waiting for one', async () => {
    await scheduler();
    expect(await ask('q1', 30)).toMatchObject({ queryId: 'q1', outcome: 'expired', code: 'expired', status: 504 });
    await expect.poll(waiting).toBe(0);
  });

  it('says late of an answer after its deadline', async () => {
    await scheduler();
    const worker = await TestWorker.join('w1');
    const answer = ask('q1', 60);
    const { queries } = await worker.command();
    expect(queries).toHaveLength(1);
    // Another query's deadline is the clock: it lies behind the first one's.
    await ask('q2', 80);
    await worker.finish();
    expect(await answer).toMatchObject({ outcome: 'late', deadlineMet: false });
  });

  it('gives the batch of a worker whose connection is gone to another', async () => {
    await scheduler();
    const first = await TestWorker.join('w1');
    const answer = ask('q1', 20_000);
    await first.command();
    const second = await TestWorker.join('w2');
    await first.leave();
    expect((await second.command()).queries.map((query) => query.id)).toEqual(['q1']);
    await second.finish();
    expect(await answer).toMatchObject({ outcome: 'ok', queryId: 'q1' });
  });

  it('fails a query that two workers were lost with', async () => {
    await scheduler();
    const answer = ask('q1', 20_000);
    for (const id of ['w1', 'w2']) {
      const worker = await TestWorker.join(id);
      await worker.command();
      await worker.leave();
    }
    expect(await answer).toMatchObject({ outcome: 'failed', code: 'worker_lost' });
    await expect.poll(waiting).toBe(0);
  });

  it('is not moved by the word of another epoch, another token or an unknown batch', async () => {
    await scheduler();
    const worker = await TestWorker.join('w1');
    const answer = ask('q1', 20_000);
    const command = await worker.command();
    for (const wrong of [{ epoch: 'other' }, { token: command.token - 1 }, { batchId: 'none' }]) {
      const forged = { ...command, ...wrong, queries: [{ ...command.queries[0], id: 'forged' }] };
      await worker.finish(forged as Partial<BatchCommand>);
      worker.commands.push(command);
    }
    await worker.finish();
    expect(await answer).toMatchObject({ body: Buffer.from('answer to q1') });
  });

  it('leaves what it held to the next one, which leads with a larger token', async () => {
    const first = await scheduler({ DRAIN_MS: '0' });
    const worker = await TestWorker.join('w1');
    const answer = ask('q1', 30_000);
    const before = await worker.command();
    await first.stop();
    running.splice(0);
    worker.commands.shift();
    await scheduler();
    const after = await worker.command();
    expect(after.token).toBeGreaterThan(before.token);
    await worker.finish();
    expect(await answer).toMatchObject({ outcome: 'ok' });
    await expect.poll(waiting).toBe(0);
  });

  it('stores the answer of a query without a reply subject', async () => {
    await scheduler();
    const worker = await TestWorker.join('w1');
    await store('q1', 20_000, { [headerNames.resultKey]: 'mine' });
    await worker.finish();
    await expect.poll(waiting).toBe(0);
    const stored = await bus.readMessage(subjects.stores.results, 1);
    expect(stored?.subject).toBe(subjects.results('m', 'mine'));
    expect(stored && parseAnswer(stored)).toMatchObject({ queryId: 'q1', outcome: 'ok' });
  });

  it('gets over messages that it cannot read, in the stream and from workers', async () => {
    await scheduler();
    await bus.publishToStream(subjects.queries('m'), Buffer.from('no headers'), { id: 'x', timeoutMs: 2_000 });
    for (const subject of [subjects.batchesDone, subjects.workersAvailable, subjects.heartbeat('w9')]) {
      bus.publish(subject, Buffer.from('not msgpack \xff'));
      bus.publish(subject, encode({ v: 2, workerId: 7 }));
    }
    const worker = await TestWorker.join('w1');
    const answer = ask('q1', 20_000);
    await worker.finish();
    expect(await answer).toMatchObject({ outcome: 'ok' });
    await expect.poll(waiting).toBe(0);
  });
});
