/** The whole load against a real broker, with a stand-in behind `infer.fashion` whose answers the test knows. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type NatsServer, startNatsServer } from '@slackline/local';
import {
  type Bus,
  type BusMessage,
  connectBus,
  frameAnswer,
  frameError,
  headerNames,
  SlacklineError,
} from '@slackline/shared';
import { dump } from 'npyjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateLoad } from './generate.js';
import type { LoadOptions } from './options.js';

const model = {
  v: 1 as const,
  name: 'fashion',
  digest: '0'.repeat(64),
  inputs: [{ name: 'image', datatype: 'UINT8' as const, shape: [-1, 1, 2, 2] }],
  outputs: [{ name: 'logits', datatype: 'FP32' as const, shape: [-1, 10] }],
  sloMs: 36,
  subnets: [{ id: 'only', accuracy: 0.9 }],
};
const unseen = 10;
const seen = 100;
const rows = seen + unseen;

let server: NatsServer;
let bus: Bus;
let modelDir: string;

beforeAll(async () => {
  server = await startNatsServer();
  bus = await connectBus({ url: server.url, name: 'test' });
  modelDir = await mkdtemp(join(tmpdir(), 'slackline-load-'));
  // The first byte of an unseen row is its number; its label is that number too.
  const images = new Uint8Array(rows * 4);
  const labels = new Uint8Array(rows);
  for (let i = 0; i < unseen; i++) {
    images[(seen + i) * 4] = i;
    labels[seen + i] = i;
  }
  const write = (name: string, data: Uint8Array, shape: number[]) => {
    const npy = new Uint8Array(dump(data, shape));
    return writeFile(join(modelDir, name), name.endsWith('.gz') ? gzipSync(npy) : npy);
  };
  await write('test-images.npy.gz', images, [rows, 1, 2, 2]);
  await write('test-labels.npy', labels, [rows]);
  const test = { images: 'test-images.npy.gz', labels: 'test-labels.npy', range: [0, seen] };
  await writeFile(join(modelDir, 'model.json'), JSON.stringify({ name: 'fashion', test }));
});

afterAll(async () => {
  await bus?.close();
  await server?.close();
  if (modelDir !== undefined) await rm(modelDir, { recursive: true });
});

function options(seconds: number): LoadOptions {
  const arrivals = { kind: 'constant', rate: 200, seconds, seed: 1 } as const;
  return { natsUrl: server.url, subjectPrefix: '', models: [{ entry: model, modelDir }], arrivals };
}

/** Right for every row but 3; row 7 is refused, row 8 expires, row 9 is answered twice. */
function answerOf(message: BusMessage): ReturnType<typeof frameAnswer> {
  const row = message.data[0] ?? -1;
  if (row === 7)
    return frameError('application/octet-stream', new SlacklineError('overloaded', 'Full'), { retryAfterMs: 1 });
  if (row === 8) {
    return frameError('application/octet-stream', new SlacklineError('expired', 'Too late'), { outcome: 'expired' });
  }
  const logits = new Float32Array(10);
  logits[row === 3 ? 4 : row] = 1;
  const facts = {
    queryId: 'q',
    model: 'fashion',
    outcome: 'ok' as const,
    subnet: 'only',
    accuracy: 0.9,
    batchSize: 1,
    queueMs: 0,
    inferenceMs: 0,
    deadlineMet: true,
    executor: 'cpu',
  };
  return frameAnswer('application/octet-stream', facts, new Uint8Array(logits.buffer));
}

function reply(message: BusMessage): void {
  const { data, headers } = answerOf(message);
  const times = message.data[0] === 9 ? 2 : 1;
  for (let i = 0; i < times; i++) bus.publish(message.reply ?? '', data, { headers });
}

describe('a load', () => {
  it('sends every unseen row in turn with the SLO and enters what comes back', async () => {
    const slos = new Set<string | undefined>();
    const subscription = bus.subscribe('infer.fashion', (message) => {
      slos.add(message.headers.get(headerNames.sloMs));
      reply(message);
    });
    await bus.flush();
    const figures = await generateLoad(options(1), () => {}, new AbortController().signal);
    await subscription.drain();

    const each = figures.published / unseen;
    expect(figures.published).toBe(200);
    expect(slos).toEqual(new Set(['36']));
    expect(figures.outcomes).toEqual({ ok: 8 * each, late: 0, expired: each, failed: 0 });
    expect(figures.refused).toEqual({ overloaded: each, other: 0 });
    expect(figures.duplicates).toBe(each);
    expect(figures.unanswered).toBe(0);
    expect(figures.checked).toBe(8 * each);
    expect(figures.right).toBe(7 * each);
    expect(figures.executors).toEqual(['cpu']);
  });

  it('records each query by its id on the bus, and the second answers that its client drops', async () => {
    const ids: (string | undefined)[] = [];
    const subscription = bus.subscribe('infer.fashion', (message) => {
      const queryId = message.headers.get(headerNames.queryId);
      ids.push(queryId);
      const error = new SlacklineError('expired', 'Too late');
      const answer = frameError('application/json', error, { outcome: 'expired', queryId });
      for (let i = 0; i < (message.data[0] === 9 ? 2 : 1); i++) {
        bus.publish(message.reply ?? '', answer.data, { headers: answer.headers });
      }
    });
    await bus.flush();
    const beganMs = Number(process.hrtime.bigint()) / 1e6;
    const load = { ...options(0.1), records: true };
    const { records, startedAtMonotonicMs } = await generateLoad(load, () => {}, new AbortController().signal);
    await subscription.drain();
    expect(records?.ids).toEqual(ids);
    expect([...(records?.replies ?? [])]).toEqual(ids.map(() => 1));
    const twice = records?.repeats.map(({ id, outcome }) => [id, outcome]);
    expect(twice).toEqual([9, 19].map((number) => [ids[number], 'expired']));
    expect(startedAtMonotonicMs).toBeGreaterThanOrEqual(beganMs);
  });

  it('tells refusals by the broker where nobody serves the model', async () => {
    const figures = await generateLoad(options(0.05), () => {}, new AbortController().signal);
    expect(figures.published).toBe(10);
    expect(figures.refusalCodes).toEqual({ no_responders: 10 });
  });

  it('stops when it is told to, and waits for what is under way', async () => {
    const stop = new AbortController();
    const subscription = bus.subscribe('infer.fashion', (message) => {
      reply(message);
      if (message.data[0] === 5) stop.abort();
    });
    await bus.flush();
    const figures = await generateLoad(options(3_600), () => {}, stop.signal);
    await subscription.drain();
    expect(figures.published).toBeGreaterThanOrEqual(6);
    expect(figures.unanswered).toBe(0);
  });

  it('asks for what the trace says of each query', async () => {
    const asked: unknown[] = [];
    const subscription = bus.subscribe('infer.*', (message) => {
      const { subject, headers, data } = message;
      const { sloMs, minAccuracy, priority } = headerNames;
      asked.push([subject, ...[sloMs, minAccuracy, priority].map((name) => headers.get(name)), data.length]);
      const error = new SlacklineError('expired', 'Too late');
      const { headers: answer, data: body } = frameError('application/json', error, { outcome: 'expired' });
      bus.publish(message.reply ?? '', body, { headers: answer });
    });
    await bus.flush();
    const other = { ...model, name: 'cars', sloMs: 50, inputs: [{ ...model.inputs[0], shape: [-1, 7] }] };
    const trace = {
      name: 'by hand',
      arrivalsMs: Float64Array.of(0, 1, 2),
      durationMs: 10,
      models: ['cars', 'fashion'],
      modelIndex: Uint16Array.of(0, 1, 0xffff),
      sloMs: Float64Array.of(Number.NaN, 20, 30),
      minAccuracy: Float64Array.of(0, 0.75, 0.1),
      priority: Uint8Array.of(1, 2, 0),
    };
    const models = [
      { entry: model, modelDir },
      { entry: other, share: 0 },
    ] as LoadOptions['models'];
    const load = { ...options(1), models, arrivals: trace, records: true };
    const figures = await generateLoad(load, () => {}, new AbortController().signal);
    await subscription.drain();
    expect(asked).toEqual([
      ['infer.cars', '50', undefined, undefined, 7],
      ['infer.fashion', '20', '0.75', 'high', 4],
      ['infer.fashion', '30', '0.1', 'low', 4],
    ]);
    expect([...(figures.records?.model ?? [])]).toEqual([1, 0, 0]);
    expect(figures.groups.map(({ model: name, priority, published }) => [name, priority, published])).toEqual([
      ['cars', 'normal', 1],
      ['fashion', 'high', 1],
      ['fashion', 'low', 1],
    ]);
  });
});
