/** `slackline up`: a system that other producers and other workers use, as they would from anywhere on the network. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type Answer, connect, type SlacklineClient } from '@slackline/client';
import { inCheckout, serviceEntry } from '@slackline/local';
import { type Bus, connectBus, contentTypes, encode, Subjects, unpack, workerStatus } from '@slackline/shared';
import { parse } from 'npyjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { because, reasonToSkip, Slackline } from './slackline.js';

const connection = z.object({
  natsUrl: z.string(),
  models: z.array(z.object({ name: z.string(), inputs: z.array(z.unknown()), sloMs: z.number() })),
});

/** Long enough that a busy machine answers on the most accurate subnet: these tests are about answers, not about time. */
const patient = { sloMs: 10_000 };
const rowBytes = 784;
const shape = [1, 1, 28, 28];

async function readArray(name: string): Promise<Uint8Array> {
  const { data } = parse(new Uint8Array(gunzipSync(await readFile(inCheckout(`models/fashion/${name}`)))).buffer);
  if (data instanceof Uint8Array) return data;
  throw new Error(`${name} holds no bytes`);
}

function classOf(answer: Answer): number {
  if (!('outputs' in answer)) throw new Error(`there is no answer: ${JSON.stringify(answer)}`);
  const logits = Array.from(answer.outputs[0]?.data ?? [], Number);
  expect(logits).toHaveLength(10);
  return logits.indexOf(Math.max(...logits));
}

describe.skipIf(reasonToSkip !== undefined)(`slackline up --json${because}`, () => {
  let system: Slackline;
  let natsUrl: string;
  let client: SlacklineClient;
  let bus: Bus;
  let images: Uint8Array;
  let labels: Uint8Array;
  const row = (index: number) => images.subarray(index * rowBytes, (index + 1) * rowBytes);

  beforeAll(async () => {
    system = await Slackline.start(['up', '--json']);
    const line = await system.line(/^\{.*natsUrl/);
    natsUrl = connection.parse(JSON.parse(line)).natsUrl;
    client = await connect({ url: natsUrl });
    bus = await connectBus({ url: natsUrl, name: 'onlooker' });
    images = await readArray('test-images.npy.gz');
    labels = await readArray('test-labels.npy.gz');
  }, 300_000);

  afterAll(async () => {
    await client?.close();
    await bus?.close();
    await system?.cleanUp();
  });

  /** Share of 60 unseen images whose class is right. */
  async function shareRight(ask: (image: Uint8Array) => Promise<Answer>): Promise<number> {
    const indices = Array.from({ length: 60 }, (_, i) => 5_000 + i);
    const answers = await Promise.all(indices.map((index) => ask(row(index))));
    return answers.filter((answer, i) => classOf(answer) === labels[5_000 + i]).length / answers.length;
  }

  it('tells where it is and what it serves, in one line', () => {
    expect(system.stdout).toHaveLength(1);
    expect(connection.parse(JSON.parse(system.stdout[0] ?? '')).models).toEqual([
      { name: 'fashion', inputs: [{ name: 'image', datatype: 'UINT8', shape: [-1, 1, 28, 28] }], sloMs: 36 },
    ]);
  });

  it.each<[string, (image: Uint8Array) => Promise<Answer>]>([
    ['raw bytes', (image) => client.infer('fashion', image, patient)],
    [
      'JSON',
      (image) => {
        const inputs = [{ name: 'image', shape, datatype: 'UINT8', data: [...image] }];
        return client.infer('fashion', { inputs }, patient);
      },
    ],
    [
      'msgpack',
      (image) => {
        const body = encode({ inputs: [{ name: 'image', shape, datatype: 'UINT8', data: image }] });
        return client.infer('fashion', body, { ...patient, contentType: contentTypes.msgpack });
      },
    ],
  ])('gives right answers to a producer that sends %s', async (_form, ask) => {
    // The smallest subnet is right on far more than eight of ten.
    expect(await shareRight(ask)).toBeGreaterThanOrEqual(0.8);
  });

  it('is joined by a worker that knows nothing but NATS_URL, which serves alone when the others are gone', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'slackline-lone-worker-'));
    const env = { PATH: process.env.PATH, TMPDIR: folder, NATS_URL: natsUrl, WORKER_ID: 'lone', LOG_LEVEL: 'silent' };
    const worker = spawn(process.execPath, [serviceEntry('gpu-worker')], { cwd: folder, env, stdio: 'ignore' });
    const ended = new Promise((resolve) => worker.once('close', resolve));
    try {
      await hosting('lone');
      for (const { pid, args } of system.descendants) if (args.includes('gpu-worker')) process.kill(pid, 'SIGKILL');
      expect(await shareRight((image) => client.infer('fashion', image, patient))).toBeGreaterThanOrEqual(0.8);
      worker.kill('SIGTERM');
      await ended;
      expect(worker.exitCode).toBe(0);
    } finally {
      worker.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true });
    }
  }, 120_000);

  /** Resolves when that worker has a model loaded and is free. */
  async function hosting(workerId: string): Promise<void> {
    let joined: () => void = () => {};
    const isHosting = new Promise<void>((resolve) => {
      joined = resolve;
    });
    const subscription = bus.subscribe(new Subjects().heartbeat(workerId), ({ data }) => {
      const status = unpack('worker status', workerStatus, data);
      if (status.freeSlots > 0 && status.models.fashion !== undefined) joined();
    });
    await isHosting;
    await subscription.drain();
  }
});
