/** An ingest on a real broker, under a subject prefix of its own, with a producer and an onlooker played by the test. */
import { ingestConfig, startIngest } from '@slackline/ingest';
import {
  acceptedQueries,
  type Bus,
  type BusMessage,
  type Clock,
  connectBus,
  HeaderLines,
  type HeaderReader,
  type IngestTelemetry,
  ingestTelemetry,
  type ModelEntry,
  profileKeys,
  type RunningService,
  readConfig,
  type StreamWord,
  Subjects,
  systemClock,
  unpack,
} from '@slackline/shared';
import pino from 'pino';
import { vi } from 'vitest';

/** Takes two floats, gives three. */
export const model: ModelEntry = {
  v: 1,
  name: 'm',
  digest: '0'.repeat(64),
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
  outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 3] }],
  sloMs: 1_000,
  subnets: [{ id: 's', accuracy: 0.9 }],
};
export const row = new Uint8Array(new Float32Array([1, 2]).buffer);

let deployments = 0;

export interface Deployment {
  bus: Bus;
  subjects: Subjects;
  /** Starts an ingest; `wrap` may stand between it and the broker. */
  ingest(env?: Record<string, string>, wrap?: (bus: Bus) => Bus, clock?: Clock): Promise<RunningService>;
  serve(entry: ModelEntry): Promise<void>;
  withdraw(name: string): Promise<void>;
  /** Sends a query that is to be refused, and gives the refusal. */
  ask(options?: { data?: Uint8Array; headers?: Record<string, string>; model?: string }): Promise<BusMessage>;
  /** Sends a query that is to be accepted. */
  send(options?: { data?: Uint8Array; headers?: Record<string, string>; reply?: string }): void;
  /** Resolves when the streams have stored this many queries since the start. */
  stored(count: number): Promise<void>;
  /** A stored query: its headers as they are, and its body. @param stream default: QUERIES */
  query(sequence: number, stream?: string): Promise<StoredQuery>;
  /** The next summary that `fits`. */
  telemetry(fits: (summary: IngestTelemetry) => boolean): Promise<IngestTelemetry>;
  close(): Promise<void>;
}

export interface StoredQuery {
  subject: string;
  headers: Record<string, string>;
  data: Uint8Array;
}

/** A deployment with the model `m` and no ingest yet. */
export async function newDeployment(url: string, storage: 'memory' | 'file' = 'memory'): Promise<Deployment> {
  const subjects = new Subjects(`t${++deployments}`);
  const bus = await connectBus({ url, name: 'test' });
  const profiles = await bus.keys(subjects.stores.profiles, { storage, replicas: 1 });
  const running: RunningService[] = [];
  const serve = async (entry: ModelEntry) => {
    await profiles.put(profileKeys.model(entry.name), Buffer.from(JSON.stringify(entry)));
  };
  await serve(model);
  return {
    bus,
    subjects,
    serve,
    withdraw: (name) => profiles.delete(profileKeys.model(name)),
    async ingest(env = {}, wrap = (own) => own, clock = systemClock) {
      const config = readConfig(ingestConfig, { SUBJECT_PREFIX: subjects.prefix, STORAGE: storage, ...env });
      const own = wrap(await connectBus({ url, name: 'ingest' }));
      const service = await startIngest(config, { bus: own, clock, log: pino({ level: 'silent' }) });
      running.push(service);
      return service;
    },
    ask: ({ data = row, headers = {}, model: name = 'm' } = {}) =>
      bus.request(subjects.infer(name), data, { timeoutMs: 5_000, headers }),
    send({ data = row, headers = {}, reply } = {}) {
      bus.publish(subjects.infer('m'), data, { headers, ...(reply !== undefined && { reply }) });
    },
    async stored(count) {
      await vi.waitFor(
        async () => {
          const { ever } = await acceptedQueries(bus, subjects);
          if (ever < count) throw new Error(`${ever} of ${count} queries are stored`);
        },
        { timeout: 10_000, interval: 10 },
      );
    },
    query: (sequence, stream = subjects.stores.queries) => readQuery(bus, stream, sequence),
    telemetry: (fits) =>
      new Promise((resolve) => {
        const subscription = bus.subscribe(subjects.telemetry('ingest'), (message) => {
          const summary = unpack('telemetry', ingestTelemetry, message.data);
          if (fits(summary)) void subscription.drain().then(() => resolve(summary));
        });
      }),
    async close() {
      for (const service of running.splice(0)) await service.stop();
      await bus.close();
    },
  };
}

/** Reads a stored message past the Bus, which tells headers only by name: here all of them count. */
async function readQuery(bus: Bus, stream: string, sequence: number): Promise<StoredQuery> {
  const request = Buffer.from(JSON.stringify({ seq: sequence }));
  const reply = await bus.request(`$JS.API.STREAM.MSG.GET.${stream}`, request, { timeoutMs: 5_000 });
  const { message } = JSON.parse(Buffer.from(reply.data).toString());
  const lines = Buffer.from(message.hdrs, 'base64')
    .toString()
    .split('\r\n')
    .slice(1)
    .filter((line) => line !== '');
  const headers = Object.fromEntries(lines.map((line) => line.split(/: ?(.*)/s).slice(0, 2)));
  return { subject: message.subject, headers, data: Buffer.from(message.data ?? '', 'base64') };
}

/** A message on its way into the stream, and how it goes on. */
export interface Publish {
  /** 1 for the first of this bus. */
  number: number;
  headers: HeaderReader;
  /** Sends it; what the broker says of it is told, unless `loseWord` was called. */
  send(): void;
  /** What the broker says of it is not told. */
  loseWord(): void;
  /** Says something in the broker's place. */
  say(word: StreamWord): void;
}

/** A bus whose publishes to streams go through `onPublish`; all else is the real one's. */
export function withPublish(bus: Bus, onPublish: (publish: Publish) => void): Bus {
  const streamPublisher: Bus['streamPublisher'] = (listener) => {
    const lost = new Set<number>();
    const real = bus.streamPublisher({
      said: (token, word) => {
        if (!lost.has(token)) listener.said(token, word);
      },
      denied: listener.denied,
    });
    let number = 0;
    return {
      send(subject, data, options) {
        onPublish({
          number: ++number,
          headers: HeaderLines.of(options.headers ?? {}),
          send: () => real.send(subject, data, options),
          loseWord: () => lost.add(options.token),
          say: (word) => listener.said(options.token, word),
        });
      },
      close: () => real.close(),
    };
  };
  // The clock's and the answers' way stays open: only the publishing of queries is disturbed.
  return new Proxy(bus, {
    get(target, name) {
      if (name === 'streamPublisher') return streamPublisher;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
