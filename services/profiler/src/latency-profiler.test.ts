/** Timing workers: whom, how often, beside what; on a real nats-server, the workers are stand-ins. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type LatencyProfile, latencyProfile, pack, remeasureReply, requestReply } from '@slackline/shared';
import { expect, test } from 'vitest';
import {
  batches,
  bus,
  deviceClass,
  kept,
  keys,
  profileOf,
  publishedModel,
  start,
  startElsewhere,
  subjects,
  subnetIds,
  told,
  work,
} from './testing/resident-profiler.js';
import type { StandInWorker } from './testing/stand-in-worker.js';

test('times the workers of a class together, once enough of them have come', async () => {
  await start({ WORKERS_EXPECTED: '2', WORKERS_WAIT_MS: '20000' });
  const first = await work('a');
  const second = await work('b');
  const profile = await profileOf();

  expect(profile).toMatchObject({
    model: 'fashion',
    deviceClass,
    executor: 'cpu',
    concurrency: 2,
    batches,
  });
  expect(profile.digest).toBe((await publishedModel()).digest);
  expect(profile.subnets.map(({ id, accuracy }) => [id, accuracy])).toEqual([
    ['small', 0.81],
    ['medium', 0.86],
    ['large', 0.91],
  ]);
  expect(profile.subnets[1]?.p50Ms).toEqual([2.25, 4.25, 8.25, 16.25, 32.25]);
  expect(first.requests).toHaveLength(second.requests.length);
  for (const [i, request] of first.requests.entries()) {
    const other = second.requests[i];
    expect(other?.subnet).toBe(request.subnet);
    expect(request.startedAtMs).toBeLessThan(other?.endedAtMs ?? 0);
    expect(other?.startedAtMs).toBeLessThan(request.endedAtMs);
  }
  await bus.flush();
  expect(told.at(-1)).toMatchObject({ stage: 'ready', model: 'fashion', deviceClass });
  expect(told.filter(({ stage }) => stage === 'latency').map(({ done, total }) => [done, total])).toEqual(
    [1, 2, 3, 4, 5, 6].map((done) => [done, 6]),
  );
});

test('keeps profiles in a readable file and measures nothing when that still fits', async () => {
  const service = await start();
  const worker = await work('a');
  const measured = await profileOf();
  const path = join(kept, `fashion.${deviceClass}.json`);
  const text = await readFile(path, 'utf8');
  expect(latencyProfile.parse(JSON.parse(text))).toEqual(measured);
  expect(text.split('\n').length).toBeGreaterThan(10);
  expect(await readdir(kept)).toEqual([`fashion.${deviceClass}.json`]);
  await worker.die();
  await service.stop();

  await startElsewhere();
  const idle = await work('b');
  expect(await profileOf()).toEqual(measured);
  expect(idle.requests).toEqual([]);
});

test.each([
  ['another version', (profile: LatencyProfile) => ({ ...profile, digest: '0'.repeat(64) })],
  ['another number of workers', (profile: LatencyProfile) => ({ ...profile, concurrency: 3 })],
  ['other batch sizes', (profile: LatencyProfile) => ({ ...profile, batches: [1, 2, 4, 8, 32] })],
])('measures again when the kept profile is of %s', async (_what, change) => {
  const service = await start();
  const first = await work('a');
  const path = join(kept, `fashion.${deviceClass}.json`);
  const measured = await profileOf();
  await first.die();
  await service.stop();
  await writeFile(path, JSON.stringify({ ...change(measured), measuredAt: 'before' }));

  await startElsewhere();
  const second = await work('b');
  const { measuredAt: _, ...profile } = await profileOf();
  expect(measured).toMatchObject(profile);
  expect(second.requests).not.toEqual([]);
});

test('goes on with those that remain when a worker dies while it is timed', async () => {
  await start({ WORKERS_EXPECTED: '2', WORKERS_WAIT_MS: '1000' });
  const survivor = await work('a');
  const mortal = await work('b', { behave: ({ requests }) => (requests.length === 2 ? 'die' : 'measure') });
  const profile = await profileOf();
  expect(profile.concurrency).toBe(1);
  expect(mortal.requests).toHaveLength(2);
  // Samples that were taken beside the dead one are not in the profile: the whole grid was timed again.
  expect(survivor.requests.slice(-6).map(({ subnet }) => subnet)).toEqual([...subnetIds, ...subnetIds]);
  expect(profile.subnets).toHaveLength(3);
});

test('asks again a worker that was busy', async () => {
  await start();
  const worker = await work('a', { behave: ({ requests }) => (requests.length === 0 ? 'refuse' : 'measure') });
  expect((await profileOf()).subnets).toHaveLength(3);
  expect(worker.requests).toHaveLength(7);
});

/** Says what a scheduler says while it serves, until `stop`. */
function pretendTraffic(): { stop: () => void } {
  let ok = 0;
  const tell = () => {
    ok += 1;
    const outcomes = { ok, late: 0, expired: 0, failed: 0 };
    const summary = { v: 1, queued: 1, inFlight: 0, workers: 2, workersLost: 0, outcomes, subnets: {}, meanBatch: 1 };
    bus.publish(subjects.telemetry('scheduler'), pack(summary as { v: 1 }));
  };
  tell();
  const timer = setInterval(tell, 100);
  return { stop: () => clearInterval(timer) };
}

test('leaves one worker to the queries while they are served', async () => {
  await start({ WORKERS_EXPECTED: '2', WORKERS_WAIT_MS: '20000' });
  const traffic = pretendTraffic();
  await bus.flush();
  const workers = [await work('a'), await work('b')];
  try {
    expect(await profileOf()).toMatchObject({ concurrency: 1 });
    expect(workers.map(({ requests }) => requests.length).sort()).toEqual([0, 6]);
  } finally {
    traffic.stop();
  }
});

test('times the only worker of a class in pieces while queries are served', async () => {
  await start();
  const traffic = pretendTraffic();
  await bus.flush();
  const worker = await work('a');
  try {
    expect((await profileOf()).subnets.map(({ p50Ms }) => p50Ms.length)).toEqual([5, 5, 5]);
    // Each cell alone, in two rounds.
    expect(worker.requests).toHaveLength(2 * subnetIds.length * batches.length);
  } finally {
    traffic.stop();
  }
});

test('begins again with a worker less when queries come while all are timed', async () => {
  await start({ WORKERS_EXPECTED: '2', WORKERS_WAIT_MS: '20000' });
  let traffic: ReturnType<typeof pretendTraffic> | undefined;
  const behave = () => {
    traffic ??= pretendTraffic();
    return 'measure' as const;
  };
  await work('a', { behave });
  await work('b', { behave });
  try {
    expect(await profileOf()).toMatchObject({ concurrency: 1 });
  } finally {
    traffic?.stop();
  }
});

function resolvable() {
  let resolve: () => void = () => {};
  const promise = new Promise<void>((onResolve) => {
    resolve = onResolve;
  });
  return { promise, resolve };
}

test('gives up what it measures of a version that is not served any more', async () => {
  await start();
  const bucket = await keys();
  const entry = (await bucket.get('model.fashion'))?.value ?? new Uint8Array();
  const { promise: begun, resolve: begin } = resolvable();
  const behave = ({ requests }: StandInWorker) => {
    if (requests.length === 1) begin();
    return 'measure' as const;
  };
  const worker = await work('a', { behave });
  await begun;
  await bucket.delete('model.fashion');
  await bucket.put('model.fashion', entry);
  expect((await profileOf()).subnets).toHaveLength(3);
  expect(worker.requests.length).toBeGreaterThan(6);
});

test('measures anew when asked to, while what was measured before stands', async () => {
  await start();
  const worker = await work('a');
  const before = await profileOf();
  const ask = (message: object) =>
    requestReply(bus, subjects.profiler('measure'), { v: 1, ...message } as { v: 1 }, {
      ...{ kind: 'measure reply', schema: remeasureReply, timeoutMs: 5_000 },
    });
  expect(await ask({ name: 'fashion' })).toMatchObject({ deviceClasses: [deviceClass] });
  expect(await profileOf()).toEqual(before);
  await expect.poll(profileOf).not.toEqual(before);
  expect(worker.requests).toHaveLength(12);
  await expect(ask({ name: 'fashion', deviceClass: 'other' })).rejects.toMatchObject({ code: 'unavailable' });
  await expect(ask({ name: 'unheard-of' })).rejects.toMatchObject({ code: 'unknown_model' });
});

test('measures once for all who ask while it is under way', async () => {
  await start();
  const worker = await work('a');
  let known = await profileOf();
  const reply = { kind: 'measure reply', schema: remeasureReply, timeoutMs: 5_000 };
  const ask = () => requestReply(bus, subjects.profiler('measure'), { v: 1, name: 'fashion' } as { v: 1 }, reply);
  const untilAnew = async () => {
    const before = known;
    await expect.poll(profileOf).not.toEqual(before);
    known = await profileOf();
  };
  await Promise.all(Array.from({ length: 20 }, ask));
  await untilAnew();
  // Behind whatever else was begun.
  await ask();
  await untilAnew();
  expect(worker.requests).toHaveLength(18);
});

test('counts workers of different hosts apart', async () => {
  await start({ WORKERS_EXPECTED: '3', WORKERS_WAIT_MS: '20000' });
  await work('a', { host: 'one' });
  await work('b', { host: 'two' });
  await work('c', { host: 'two' });
  expect((await profileOf()).concurrency).toBe(2);
});

test('never times emulated workers', async () => {
  await start();
  const emulated = await work('e', { executor: 'emulated' });
  await work('a');
  await profileOf();
  expect(emulated.requests).toEqual([]);
});
