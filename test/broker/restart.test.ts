/**
 * nats-server killed, stopped and paused under load, with real services: everybody comes back by itself, and what was accepted
 * with file storage has its outcome. With memory what was lost is said, and the system is made anew.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { type Plant, startPlant } from '../harness/plant.js';
import { Producer } from '../harness/producer.js';

let plant: Plant | undefined;
let producer: Producer | undefined;
afterEach(async () => {
  await producer?.finish();
  await producer?.client.close();
  await plant?.stop();
  plant = producer = undefined;
});

/** `NIGHTLY=1`: more rounds, longer pauses. */
const isNightly = process.env.NIGHTLY === '1';
const rounds = isNightly ? 6 : 1;
// What is sent while the broker is away gets no answer: it need not be waited for long.
const load = { rate: 200, sloMs: 1_000, graceMs: 5_000 };
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

async function start(storage: 'file' | 'memory') {
  const env = { 'gpu-worker': { WORKERS_PER_PROCESS: '4' } };
  plant = await startPlant({ storage, schedulers: 2, ingests: 2, workers: 1, env });
  const { system, bus, subjects } = plant;
  const { natsServer } = system;
  if (natsServer === undefined) throw new Error('the broker is not ours');
  const { lastSequence: before } = await bus.streamState(subjects.stores.queries);
  producer = await Producer.start(system.natsUrl, load);
  await served(producer, 100);
  const pids = () => system.processes().map(({ pid }) => pid);
  return { ...plant, natsServer, producer, before, pids };
}

/** Resolves when so many more queries were answered in time. */
async function served(by: Producer, more: number): Promise<void> {
  const before = by.count('ok');
  await expect.poll(() => by.count('ok'), { timeout: 60_000 }).toBeGreaterThanOrEqual(before + more);
}

/** What the producer was told, by kind. Each query has one end: `Producer` is told once of each. */
function ends(by: Producer) {
  const { ok = 0, late = 0, expired = 0, failed = 0, unanswered: _unanswered, ...refused } = by.counts();
  return { outcomes: ok + late + expired + failed, failed, refused };
}

const refusals = ['unavailable', 'overloaded', 'no_responders'];

/** Answers that may be under way inside the broker when it is killed: some milliseconds of 200 queries a second. */
const lostOnTheWay = 6 * rounds;

/** What was accepted has its outcome, and nobody had to be started again. */
async function expectAllEnded(started: Awaited<ReturnType<typeof start>>, running: readonly number[]): Promise<void> {
  const { producer, bus, subjects, before, pids } = started;
  await producer.finish();
  const { lastSequence, messages } = await bus.streamState(subjects.stores.queries);
  const { outcomes, failed, refused } = ends(producer);
  const accepted = lastSequence - before;
  // Of an answer that the broker had taken and not yet passed on nobody knows; all others reached the producer.
  expect(accepted).toBeGreaterThanOrEqual(outcomes);
  expect(accepted - outcomes - producer.client.counts.tooLate).toBeLessThanOrEqual(lostOnTheWay);
  expect({ messages, failed }).toEqual({ messages: 0, failed: 0 });
  expect(refusals).toEqual(expect.arrayContaining(Object.keys(refused)));
  expect(pids()).toEqual(running);
}

describe('with file storage', () => {
  it('a broker that is killed, and stopped, under load loses nothing that was accepted', async () => {
    const started = await start('file');
    const { natsServer, producer, pids } = started;
    const running = pids();
    for (let round = 1; round <= rounds; round++) {
      for (const end of ['kill', 'stop'] as const) {
        await natsServer[end]();
        await pause(100 * round);
        await natsServer.restart();
        await served(producer, 50);
      }
    }
    await expectAllEnded(started, running);
  }, 120_000);

  // Shorter and (nightly) longer than it takes to give a silent connection up.
  it.each([2_500, ...(isNightly ? [20_000] : [])])(
    'a broker that is paused for %d ms goes on, and so does everybody',
    async (ms) => {
      const started = await start('file');
      const { natsServer, producer, pids } = started;
      const running = pids();
      natsServer.signal('SIGSTOP');
      await pause(ms);
      natsServer.signal('SIGCONT');
      await served(producer, 50);
      await expectAllEnded(started, running);
    },
    120_000,
  );
});

describe('with memory', () => {
  it('says what was lost, makes streams and buckets anew, and serves again', async () => {
    const { system, natsServer, producer, bus, subjects, pids } = await start('memory');
    const running = pids();
    for (let round = 0; round < 2; round++) {
      await natsServer.kill();
      await natsServer.restart();
      await served(producer, 50);
    }
    expect(pids()).toEqual(running);
    const said = (name: string) => system.service(name).lastLines().join('\n');
    expect(said('profiler')).toContain('the broker had forgotten the catalog; it is written again');
    for (const name of ['ingest-0', 'ingest-1', 'scheduler-0', 'scheduler-1']) {
      expect(said(name)).toContain('the broker has lost a stream of accepted queries');
    }
    // Whoever starts now finds streams, lease and models too.
    for (const name of ['ingest-0', 'scheduler-0', 'gpu-worker-0']) await system.restart(name);
    await served(producer, 50);
    await producer.finish();
    expect((await bus.streamState(subjects.stores.queries)).messages).toBe(0);
  }, 120_000);
});
