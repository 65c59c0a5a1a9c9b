/** A worker that models come to and go from does not grow with each. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { serviceEntry } from '@slackline/local';
import { profileKeys, unpack, workerTelemetry } from '@slackline/shared';
import type { Servable } from '@slackline/supernet';
import { writeModel } from '@slackline/supernet';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { withNatsServer } from '../harness/nats-server.js';
import { publishServable, tinyServable } from '../worker/tiny-model.js';
import { System } from './system.js';

vi.setConfig({ testTimeout: 120_000 });
const nats = withNatsServer();
let system: System;
let worker: ChildProcess;

beforeEach(async () => {
  system = await System.create(nats.url);
  const env = { ...process.env, ...system.env({ WORKER_ID: 'w', DEVICE_CLASS: 'test', LOG_LEVEL: 'silent' }) };
  worker = spawn(process.execPath, [serviceEntry('gpu-worker')], { env, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  await once(worker, 'message');
});
afterEach(async () => {
  worker.kill('SIGKILL');
  if (worker.exitCode === null && worker.signalCode === null) await once(worker, 'exit');
  await system.end();
});

const weightBytes = 16 * 2 ** 20;

/** Four inputs, hidden units of `weightBytes` together, one output. */
function largeServable(scale: number): Servable {
  const units = weightBytes / 4 / 5;
  const tensor = (dims: number[]) => {
    const values = new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(scale);
    return { type: 'float32' as const, dims, bytes: new Uint8Array(values.buffer) };
  };
  const node = (op: string, from: string[], to: string) => {
    return { op, domain: '', name: to, inputs: from, outputs: [to], attributes: {} };
  };
  const whole = Math.floor(units);
  const { subnets, ...tiny } = tinyServable({ name: 'large' });
  return {
    ...tiny,
    outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }],
    onnx: writeModel({
      irVersion: 8,
      opsets: new Map([['', 14]]),
      graph: {
        name: 'large',
        inputs: [{ name: 'x', type: 'float32', dims: ['n', 4] }],
        outputs: [{ name: 'y', type: 'float32', dims: ['n', 1] }],
        nodes: [node('MatMul', ['x', 'w1'], 'h'), node('Relu', ['h'], 'r'), node('MatMul', ['r', 'w2'], 'y')],
        initializers: new Map([
          ['w1', tensor([4, whole])],
          ['w2', tensor([whole, 1])],
        ]),
      },
    }),
    spec: { channels: { width: { layers: ['w1'], sizes: [whole] } }, depth: {} },
    subnets: subnets.slice(0, 1).map((subnet) => ({ ...subnet, config: { width: whole } })),
  };
}

/** Resident memory of the worker, from the next summary. */
function residentBytes(): Promise<number> {
  return new Promise((resolve) => {
    const subscription = system.bus.subscribe(system.subjects.telemetry('worker'), ({ data }) => {
      const { rssBytes } = unpack('telemetry', workerTelemetry, data);
      void subscription.drain().then(() => resolve(rssBytes));
    });
  });
}

async function comeAndGo(scale: number): Promise<void> {
  const digest = await publishServable(system.bus, system.subjects, largeServable(scale));
  await system.statusThat(({ models }) => models.large === digest);
  await system.profiles.delete(profileKeys.model('large'));
  await system.statusThat(({ versions }) => versions.length === 0);
  await system.models.delete(digest);
}

it('gives the memory of a removed model back', async () => {
  const rounds = 8;
  for (let round = 0; round < 3; round++) await comeAndGo(1 + round);
  const before = await residentBytes();
  for (let round = 0; round < rounds; round++) await comeAndGo(10 + round);
  const growth = (await residentBytes()) - before;
  // One that kept a copy of each would have grown by all of their weights; the heap and the allocator keep some in any case.
  expect(growth).toBeLessThan(0.75 * rounds * weightBytes);
});
