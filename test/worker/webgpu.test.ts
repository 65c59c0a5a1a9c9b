/** A worker process on WebGPU: on whatever adapter the machine has, Mesa's software Vulkan included. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { serviceEntry } from '@slackline/local';
import { probeExecutionProvider } from '@slackline/supernet';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withNatsServer } from '../harness/nats-server.js';
import { Deployment } from './deployment.js';
import { floatsOf } from './harness.js';
import { publishServable, tinyServable } from './tiny-model.js';

const probe = await probeExecutionProvider('webgpu');
const because = probe.works ? '' : ` (skipped: ${probe.reason})`;

const nats = withNatsServer();
let deployment: Deployment;
const children: ChildProcess[] = [];
beforeEach(async () => {
  deployment = await Deployment.create(nats.url);
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await deployment.end();
});

function spawnWorker(env: Record<string, string>): ChildProcess {
  const child = spawn(process.execPath, [serviceEntry('gpu-worker')], {
    env: { NATS_URL: nats.url, SUBJECT_PREFIX: deployment.subjects.prefix, EXECUTOR: 'webgpu', ...env },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  children.push(child);
  return child;
}

describe.skipIf(!probe.works)(`a worker on webgpu${because}`, () => {
  it('answers on every subnet, is of a class of its own, and ends in order', async () => {
    const { bus, subjects, scheduler } = deployment;
    const published = await publishServable(bus, subjects, tinyServable());
    const child = spawnWorker({ DEAD_AFTER_MS: '20000' });
    child.stderr?.resume();
    const [ready] = await once(child, 'message');
    expect(ready).toMatchObject({ executor: 'webgpu', why: expect.stringContaining('asked for') });
    const worker = await scheduler.available.first(({ models }) => models.tiny === published);
    expect(worker).toMatchObject({ executor: 'webgpu', deviceClass: expect.stringMatching(/^webgpu-./) });

    expect(floatsOf(await scheduler.run(worker, { subnet: 'large' }))).toEqual([[40, -40]]);
    expect(floatsOf(await scheduler.run(worker, { subnet: 'small' }))).toEqual([[10, -10]]);
    expect(floatsOf(await scheduler.run(worker, { subnet: 'large' }))).toEqual([[40, -40]]);

    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  }, 120_000);
});

it.runIf(process.platform === 'linux')(
  'a worker that is told to use a device that does not work says why, and ends',
  async () => {
    const child = spawnWorker({ VK_DRIVER_FILES: '/nonexistent', VK_ICD_FILENAMES: '/nonexistent' });
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
    });
    expect(await once(child, 'close')).toEqual([1, null]);
    expect(said).toContain('"code":"invalid_config"');
    expect(said).toContain('EXECUTOR=webgpu cannot be used on this machine');
  },
);
