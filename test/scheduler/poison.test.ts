/** Messages that no service of ours wrote, in the places that a scheduler reads: it must go on for everybody else. */
import { profileKeys, schedulerTelemetry, unpack } from '@slackline/shared';
import { describe, expect, it, vi } from 'vitest';
import { RawConnection } from '../fuzz/raw-connection.js';
import { ask, bus, scheduler, server, subjects, TestWorker, waiting } from './harness.js';

const bytes = (text: string) => Buffer.from(text, 'latin1');
const line = (text: string) => bytes(`NATS/1.0\r\n${text}\r\n\r\n`);

/** A good query is served. */
async function serves(worker: TestWorker): Promise<void> {
  const answer = ask(`good-${Math.random().toString(36).slice(2)}`, 20_000);
  await worker.finish();
  expect((await answer).outcome).toMatch(/^(ok|late)$/);
}

describe('in the stream', () => {
  const stamped = 'Budget-Ms: 60000\r\nReply-To: _INBOX.a.b';
  it.each([
    ['an id that no header of an answer can hold', line(`Nats-Msg-Id: a\nb\r\n${stamped}`)],
    ['a content type that none can hold', line(`Nats-Msg-Id: a1\r\nContent-Type: a\rb\r\n${stamped}`)],
    ['a name of a header that the client refuses', line(`n\xe4me: x\r\nNats-Msg-Id: a2\r\n${stamped}`)],
    ['thousands of headers', line(`Nats-Msg-Id: a3\r\n${stamped}\r\n${'h: x\r\n'.repeat(4_000)}h: x`)],
    ['no headers', undefined],
  ])('%s: the message is dropped and counted, and the next one served', async (_, headers) => {
    const summaries: { unreadable: number }[] = [];
    bus.subscribe(subjects.telemetry('scheduler'), ({ data }) =>
      summaries.push(unpack('telemetry', schedulerTelemetry, data)),
    );
    await scheduler();
    const worker = await TestWorker.join('w');
    const raw = await RawConnection.open(server.url);
    raw.publish(subjects.queries('m'), bytes('x'), { ...(headers !== undefined && { headers }) });
    await raw.flush();
    raw.end();
    await serves(worker);
    expect(await waiting()).toBe(0);
    await vi.waitFor(() => expect(summaries.at(-1)?.unreadable).toBe(1), { timeout: 10_000 });
  });

  it('any number of models that nobody serves does not slow the others down', async () => {
    await scheduler();
    const worker = await TestWorker.join('w');
    const raw = await RawConnection.open(server.url);
    for (let i = 0; i < 3_000; i++) {
      const headers = line(`Nats-Msg-Id: m${i}\r\nBudget-Ms: 1\r\nReply-To: _INBOX.nobody.there`);
      raw.publish(subjects.queries(`m${i}`), bytes('x'), { headers });
    }
    await raw.flush();
    raw.end();
    await serves(worker);
    await vi.waitFor(async () => expect(await waiting()).toBe(0), { timeout: 10_000 });
  });
});

it('a worker whose id would be a subject, or an end of a line, is no worker', async () => {
  await scheduler();
  const worker = await TestWorker.join('w');
  const heard: string[] = [];
  bus.subscribe('injected', ({ subject }) => heard.push(subject));
  const { pack } = await import('@slackline/shared');
  for (const workerId of ['x.fenced 0\r\n\r\nPUB injected 0\r\n\r\nPUB y', '*', 'a b', '']) {
    const status = {
      ...{ v: 1 as const, workerId, epoch: 'e', deviceClass: 'test', executor: 'x', host: 'x', models: { m: 'd' } },
      ...{ versions: ['d'], freeSlots: 1, batchId: null, draining: false },
    };
    bus.publish(subjects.workersAvailable, pack(status));
  }
  await bus.flush();
  await serves(worker);
  expect(heard).toEqual([]);
});

it.each([
  ['no JSON', 'NaN'],
  ['times that fall', { p50Ms: [2, 1, 4], p99Ms: [2, 1, 4] }],
  ['too few times', { p50Ms: [1], p99Ms: [1] }],
  ['times below zero', { p50Ms: [-1, 1, 2], p99Ms: [-1, 1, 2] }],
])('latencies that are %s leave those that were there', async (_, times) => {
  await scheduler();
  const worker = await TestWorker.join('w');
  const keys = await bus.keys(subjects.stores.profiles, { storage: 'memory', replicas: 1 });
  const profile = {
    ...{ v: 1, model: 'm', digest: 'd', deviceClass: 'test', executor: 'x', concurrency: 1, measuredAt: 'x' },
    ...{ batches: [1, 2, 4], subnets: [{ id: 'small', accuracy: 0.5, ...(typeof times === 'object' && times) }] },
  };
  const value = typeof times === 'string' ? times : JSON.stringify(profile);
  await keys.put(profileKeys.latency('m', 'test'), Buffer.from(value));
  // Nor do those of a longer key count for the shorter one.
  await keys.put('latency.m.test.x', Buffer.from('{}'));
  await serves(worker);
});
