/** A real broker with schedulers on it, and workers and producers played by the test. */
import { type NatsServer, startNatsServer } from '@slackline/local';
import { schedulerConfig, startScheduler } from '@slackline/scheduler';
import {
  acceptedQueries,
  type BatchCommand,
  type Bus,
  type BusMessage,
  batchCommand,
  connectBus,
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
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';

const log = pino({ level: process.env.TEST_LOG ?? 'silent' });
export const profile: LatencyProfile = {
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

export let server: NatsServer;
export let bus: Bus;
export let subjects: Subjects;
let deployment = 0;
export const running: RunningService[] = [];
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

/** @param onBus is handed the scheduler's own connection first, to look at what it says or to put something in its way */
export async function scheduler(
  env: Record<string, string> = {},
  onBus: (bus: Bus) => void = () => {},
): Promise<RunningService> {
  const config = readConfig(schedulerConfig, {
    NATS_URL: server.url,
    SUBJECT_PREFIX: subjects.prefix,
    STORAGE: 'memory',
    ...env,
  });
  const its = await connectBus({ url: config.NATS_URL, name: 's' });
  onBus(its);
  const service = await startScheduler(config, { bus: its, log });
  running.push(service);
  return service;
}

/** A worker with a connection of its own; it runs what it is given when the test says so. */
export class TestWorker {
  readonly commands: BatchCommand[] = [];
  #arrived: () => void = () => {};
  #beat: NodeJS.Timeout;

  private constructor(
    readonly id: string,
    private readonly own: Bus,
    public epoch: string,
    private readonly slots: number,
  ) {
    own.subscribe(subjects.batch(id), (m) => {
      this.commands.push(unpack('batch', batchCommand, m.data));
      this.#arrived();
    });
    own.subscribe(subjects.ping(id), (m) => m.reply && own.publish(m.reply, new Uint8Array()));
    this.#beat = setInterval(() => this.report(), 100);
    this.report();
  }

  static async join(id: string, { epoch = 'e1', slots = 1 } = {}): Promise<TestWorker> {
    const worker = new TestWorker(id, await connectBus({ url: server.url, name: id }), epoch, slots);
    workers.push(worker);
    return worker;
  }

  report(): void {
    const status = {
      v: 1 as const,
      workerId: this.id,
      epoch: this.epoch,
      deviceClass: 'test',
      executor: 'test',
      host: 'test',
      models: { m: 'd' },
      slots: this.slots,
      freeSlots: this.slots - this.commands.length,
      batchId: this.commands[0]?.batchId ?? null,
      draining: false,
    };
    this.own.publish(subjects.heartbeat(this.id), pack(status));
  }

  /** The batch that it holds, or the one behind it. */
  async command(place = 0): Promise<BatchCommand> {
    for (;;) {
      const command = this.commands[place];
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
export async function ask(
  id: string,
  budgetMs: number,
  subject = subjects.queries('m'),
): Promise<ReturnType<typeof parseAnswer>> {
  const replyTo = bus.newInbox();
  const answer = new Promise<BusMessage>((resolve) => {
    bus.subscribe(replyTo, resolve);
  });
  await store(id, budgetMs, { [headerNames.replyTo]: replyTo }, subject);
  return parseAnswer(await answer);
}

export function store(id: string, budgetMs: number, headers: Record<string, string>, subject = subjects.queries('m')) {
  return bus.publishToStream(subject, Buffer.from(id), {
    id,
    timeoutMs: 2_000,
    headers: { [headerNames.budgetMs]: String(budgetMs), ...headers },
  });
}

export const waiting = async () => (await acceptedQueries(bus, subjects)).waiting;
