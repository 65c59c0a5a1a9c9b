/** A supernet's way from its files to answers, and out again: real broker, profiler, worker, ingest and scheduler. */
import { follow } from '@slackline/cli';
import type { SlacklineClient } from '@slackline/client';
import { pack, removeReply, requestReply } from '@slackline/shared';
import { writeModel } from '@slackline/supernet';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { withNatsServer } from '../harness/nats-server.js';
import { network, parts } from './supernet.js';
import { row, System } from './system.js';

// Processes start and build here, and other tests do so beside them.
vi.setConfig({ testTimeout: 120_000 });
const nats = withNatsServer();
const never = new AbortController().signal;
let system: System;

beforeEach(async () => {
  system = await System.create(nats.url);
});
afterEach(() => system.end());

const remove = (name: string) => {
  const reply = { kind: 'remove reply', schema: removeReply, timeoutMs: 20_000 };
  return requestReply(system.bus, system.subjects.profiler('remove'), { v: 1, name } as { v: 1 }, reply);
};

async function publish(
  name: string,
  ...[given, more]: [Parameters<System['submit']>[1]?, Parameters<System['submit']>[2]?]
) {
  const { digest } = await system.submit(name, given, more);
  return follow(system, { name, digest }, () => {}, never);
}

const isAnswered = async (client: SlacklineClient, name: string) => {
  const { outcome } = await client.infer(name, row, { sloMs: 5_000 });
  return outcome;
};

it('is submitted, served, and removed without a restart of anything', async () => {
  await system.profiler();
  await system.worker();
  const client = await system.frontDoor();
  const before = await system.listing();
  const stages: string[] = [];
  const { digest, status } = await system.submit('net');
  expect(status).toBe('accepted');
  const entry = await follow(system, { name: 'net', digest }, ({ stage }) => stages.push(stage), never);

  expect(entry).toMatchObject({ name: 'net', submission: digest, sloMs: 5_000 });
  expect(entry.subnets.at(-1)?.accuracy).toBe(1);
  expect(stages).toEqual(expect.arrayContaining(['loading', 'latency']));
  const listing = await system.listing();
  expect(Object.keys(listing.profiles).sort()).toEqual(['latency.net.test', 'model.net']);
  expect(listing).toMatchObject({ records: {}, uploads: [], models: [entry.digest] });

  const answer = await client.infer('net', row, { sloMs: 5_000 });
  expect(answer).toMatchObject({ outcome: 'ok', subnet: entry.subnets.at(-1)?.id });

  expect(await remove('net')).toEqual({ v: 1, model: true, submission: false });
  expect(await system.listing()).toEqual(before);
  await system.statusThat(({ models, versions }) => models.net === undefined && versions.length === 0);
  expect(await client.infer('net', row, { sloMs: 500 })).toMatchObject({ outcome: 'refused', code: 'unknown_model' });
  await expect(remove('net')).rejects.toMatchObject({ code: 'unknown_model' });
});

it('submitted a second time, is followed while it is pending, and unchanged when it is served', async () => {
  await system.profiler();
  const first = await system.submit('net');
  const second = await system.submit('net');
  expect(second).toEqual({ v: 1, status: 'following', digest: first.digest });
  await follow(system, { name: 'net', digest: first.digest }, () => {}, never);
  const entry = await system.model('net');
  expect(await system.submit('net')).toEqual({ v: 1, status: 'unchanged', digest: first.digest });
  expect(await system.model('net')).toEqual(entry);
  expect(await system.listing()).toMatchObject({ records: {}, uploads: [] });
});

it('replaces a model of the same name only when told to, and no query is lost over it', async () => {
  await system.profiler();
  await system.worker('one');
  await system.worker('two');
  const client = await system.frontDoor();
  const first = await publish('net', parts('a'));
  await expect(system.submit('net', parts('b'))).rejects.toMatchObject({ code: 'model_exists' });
  expect((await system.listing()).uploads).toEqual([]);

  const outcomes: string[] = [];
  let asking = true;
  const load = (async () => {
    while (asking) outcomes.push(await isAnswered(client, 'net'));
  })();
  let second: Awaited<ReturnType<typeof publish>>;
  try {
    second = await publish('net', parts('b'), { replace: true });
  } finally {
    asking = false;
    await load;
  }
  expect(second.digest).not.toBe(first.digest);
  expect(new Set(outcomes)).toEqual(new Set(['ok']));
  expect(outcomes.length).toBeGreaterThan(1);
  expect((await system.listing()).models).toEqual([second.digest]);
  const latency = JSON.parse((await system.listing()).profiles['latency.net.test'] ?? '{}');
  expect(latency).toMatchObject({ digest: second.digest });
  await system.statusThat(({ versions }) => versions.length === 1 && versions[0] === second.digest);
  expect(await isAnswered(client, 'net')).toBe('ok');
});

it('takes the place only of a model with the same inputs and outputs', async () => {
  await system.profiler();
  const first = await publish('net', parts('a'));
  const onnx = writeModel(network('b', 'Relu', 'z'));
  const refused = system.submit('net', { ...parts('b'), onnx }, { replace: true });
  await expect(refused).rejects.toMatchObject({
    code: 'other_signature',
    message: expect.stringMatching(/z FP32.*x FP32/),
  });
  expect((await system.model('net'))?.digest).toBe(first.digest);
  expect(await system.listing()).toMatchObject({ records: {}, uploads: [] });
});

it('is published at once when there is no worker, and profiled when one comes', async () => {
  await system.profiler();
  await publish('net');
  expect(Object.keys((await system.listing()).profiles)).toEqual(['model.net']);
  const client = await system.frontDoor();
  await system.worker();
  expect(await isAnswered(client, 'net')).toBe('ok');
});

it('given up while it is made, leaves nothing', async () => {
  await system.profiler();
  const before = await system.listing();
  const { digest } = await system.submit('net');
  const followed = follow(system, { name: 'net', digest }, () => {}, never);
  followed.catch(() => {});
  expect(await remove('net')).toEqual({ v: 1, model: false, submission: true });
  await expect(followed).rejects.toMatchObject({ code: 'submission_abandoned' });
  expect(await system.listing()).toEqual(before);
});

it('waits for its turn behind others', async () => {
  await system.profiler();
  const [one, two] = [await system.submit('one', parts('a')), await system.submit('two', parts('b'))];
  await follow(system, { name: 'two', digest: two.digest }, () => {}, never);
  expect((await system.model('one'))?.submission).toBe(one.digest);
  expect(await system.listing()).toMatchObject({ records: {}, uploads: [] });
});

it('queries that wait for a model that is removed get their outcome', async () => {
  await system.profiler();
  await publish('net');
  const client = await system.frontDoor();
  // No worker: the query waits.
  const answer = client.infer('net', row, { sloMs: 20_000 });
  await expect.poll(async () => (await system.bus.streamState(system.subjects.stores.queries)).messages).toBe(1);
  await remove('net');
  expect(await answer).toMatchObject({ outcome: 'failed', code: 'model_removed' });
  expect((await system.bus.streamState(system.subjects.stores.queries)).messages).toBe(0);
});

it('whatever is asked in whatever way, the profiler answers nowhere but in inboxes, and goes on', async () => {
  await system.profiler();
  const before = await system.listing();
  const missing = pack({ v: 1, name: 'zz' } as { v: 1 });
  const reply = `$KV.${system.subjects.stores.profiles}.model.net`;
  for (const kind of ['submit', 'remove', 'measure'] as const) {
    const subject = system.subjects.profiler(kind);
    system.bus.publish(subject, missing);
    for (const to of [reply, system.subjects.queries('net')]) system.bus.publish(subject, missing, { reply: to });
  }
  await expect(remove('zz')).rejects.toMatchObject({ code: 'unknown_model' });
  const onnx = writeModel(network('a', 'X'.repeat(9_000_000)));
  await expect(system.submit('net', { ...parts(), onnx })).rejects.toMatchObject({ code: 'unknown_op' });
  expect(await system.listing()).toEqual(before);
});

it('requests that cannot be read are refused', async () => {
  await system.profiler();
  for (const kind of ['submit', 'remove', 'measure'] as const) {
    const answer = await system.bus.request(system.subjects.profiler(kind), pack({ v: 1 }), { timeoutMs: 5_000 });
    expect(answer.headers.get('Error-Code')).toBe('bad_message');
  }
});
