/** What is sent to workers that are not there to take it at once: because they are busy yet, or because they are gone. */
import { setTimeout as delay } from 'node:timers/promises';
import { type SchedulerTelemetry, schedulerTelemetry, unpack } from '@slackline/shared';
import { describe, expect, it } from 'vitest';
import { ask, bus, profile, scheduler, subjects, TestWorker, waiting } from './harness.js';

/** One query a batch, on a device that takes long for it. */
async function slowModel(): Promise<void> {
  const profiles = await bus.keys(subjects.stores.profiles, { storage: 'memory', replicas: 1 });
  const subnets = [{ id: 'only', accuracy: 0.7, p50Ms: [200], p99Ms: [200] }];
  await profiles.put('latency.m.test', Buffer.from(JSON.stringify({ ...profile, batches: [1], subnets })));
}

describe('a worker that takes a second batch', () => {
  it('gets it before it has ended the first, and a third only then', async () => {
    await slowModel();
    await scheduler({ OVERHEAD_MS: '50' });
    const worker = await TestWorker.join('w1', { slots: 2 });
    const answers = ['q1', 'q2', 'q3'].map((id) => ask(id, 20_000));
    const [first, second] = [await worker.command(0), await worker.command(1)];
    // Whatever was said before this answer was heard.
    await bus.flush();
    expect(worker.commands).toHaveLength(2);
    await worker.finish();
    // Its place is the next one's, whose turn has come.
    expect((await worker.command(1)).batchId).not.toBe(second.batchId);
    expect(worker.commands[0]).toBe(second);
    await worker.finish();
    await worker.finish();
    for (const answer of answers) expect(await answer).toMatchObject({ outcome: 'ok' });
    expect(first.queries).toHaveLength(1);
    await expect.poll(waiting).toBe(0);
  });

  it('takes both along when it goes, and others get them', async () => {
    await slowModel();
    await scheduler({ OVERHEAD_MS: '50' });
    const worker = await TestWorker.join('w1', { slots: 2 });
    const answers = ['q1', 'q2'].map((id) => ask(id, 20_000));
    await worker.command(1);
    await worker.leave();
    const others = [await TestWorker.join('w2'), await TestWorker.join('w3')];
    await Promise.all(others.map((other) => other.finish()));
    for (const answer of answers) expect(await answer).toMatchObject({ outcome: 'ok' });
  });
});

it('a worker that has fallen silent is known by the first batch that nobody hears, which costs its queries nothing', async () => {
  const telemetry = heard();
  await scheduler({ PROBE_EVERY_MS: '10000', WORKER_DEAD_AFTER_MS: '4000' });
  for (const id of ['w1', 'w2', 'w3']) await TestWorker.join(id).then((worker) => worker.leave());
  await telemetry.first(({ workers }) => workers === 3);
  // Longer than a quarter of what it takes to be lost by silence.
  await delay(1_100);
  const answer = ask('q1', 20_000);
  await telemetry.first(({ workersLost, workers }) => workersLost === 3 && workers === 0);
  const last = await TestWorker.join('w4');
  await last.finish();
  // Two lost with it would have been too many.
  expect(await answer).toMatchObject({ outcome: 'ok', queryId: 'q1' });
});

/** What the scheduler says of itself each second. */
function heard() {
  const all: SchedulerTelemetry[] = [];
  let check = () => {};
  bus.subscribe(subjects.telemetry('scheduler'), ({ data }) => {
    all.push(unpack('telemetry', schedulerTelemetry, data));
    check();
  });
  const first = async (matches: (each: SchedulerTelemetry) => boolean) => {
    while (!all.some(matches)) {
      await new Promise<void>((resolve) => {
        check = resolve;
      });
    }
  };
  return { first };
}
