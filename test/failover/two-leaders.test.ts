/** Two schedulers that both believe they lead: the old one is paused past its lease, while it holds batches, and goes on. */
import { acceptedQueries } from '@slackline/shared';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { leaderName, type Plant, startPlant } from '../harness/plant.js';
import { Producer } from '../harness/producer.js';
import { Spy } from '../harness/spy.js';
import { type Said, Tap } from '../harness/tap.js';

/** `PAUSES=30` is the nightly size. */
const pauses = Number(process.env.PAUSES ?? 4);
/** Beyond the lease, so that a standby leads. */
const pauseMs = 1_000;
const afterwardsMs = 400;

const taps = new Map<string, Tap>();
let plant: Plant;
beforeAll(async () => {
  plant = await startPlant({
    schedulers: 2,
    ingests: 1,
    workers: 1,
    env: { 'gpu-worker': { WORKERS_PER_PROCESS: '4' } },
    natsUrlOf: async (name, natsUrl) => {
      if (!name.startsWith('scheduler')) return natsUrl;
      const tap = await Tap.start(natsUrl);
      taps.set(name, tap);
      return tap.url;
    },
  });
});
afterAll(async () => {
  await plant?.stop();
  await Promise.all([...taps.values()].map((tap) => tap.close()));
});

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const isAnswer = ({ headers }: Said) => headers.includes('Outcome: ');
const isAck = ({ subject }: Said) => subject.startsWith('$JS.ACK.');
const isBatch = ({ subject }: Said) => /^workers\..+\.batch$/.test(subject);

describe('a leader that is paused past its lease', () => {
  it('does no harm when it goes on', async () => {
    const { system, bus, subjects } = plant;
    const before = await acceptedQueries(bus, subjects);
    const spy = await Spy.listen(plant);
    const producer = await Producer.start(system.natsUrl, { rate: 300, sloMs: 1_500 });
    const after = { answers: 0, acks: 0, batches: 0 };
    for (let i = 0; i < pauses; i++) {
      const name = await leaderName(plant);
      const tap = taps.get(name);
      if (tap === undefined) throw new Error('every scheduler has a tap');
      await wait(afterwardsMs);
      const { token } = spy;
      system.signal(name, 'SIGSTOP');
      await spy.doneAfter(token);
      await wait(pauseMs);
      const saidBefore = tap.said.length;
      system.signal(name, 'SIGCONT');
      await wait(afterwardsMs);
      // It stands by now: whatever of these it said, it said after its lease.
      const late = tap.said.slice(saidBefore);
      after.answers += late.filter(isAnswer).length;
      after.acks += late.filter(isAck).length;
      after.batches += late.filter(isBatch).length;
    }
    await producer.finish();
    const { ever, waiting } = await acceptedQueries(bus, subjects);
    const { ok = 0, late = 0, expired = 0, ...others } = producer.counts();
    const executions = new Map<number, number>();
    for (const { sequences } of spy.commands) {
      for (const sequence of sequences) executions.set(sequence, (executions.get(sequence) ?? 0) + 1);
    }
    const twice = [...executions.values()].filter((times) => times > 1).length;
    console.log(
      `${pauses} leaders paused past their lease, ${producer.sent} queries: ${JSON.stringify(producer.counts())}; ` +
        `sent to workers more than once: ${twice}; second answers on the wire: ${producer.second.length}; ` +
        `said after the lease: ${JSON.stringify(after)}`,
    );
    expect(others).toEqual({});
    expect(ok + late + expired).toBe(producer.sent);
    expect(ever - before.ever).toBe(producer.sent);
    expect(waiting).toBe(0);
    expect(spy.rollCalls.length).toBeGreaterThanOrEqual(pauses);
    // What lay between the look at the lease and the write may be said late, and nothing more than once.
    expect(new Set(producer.second.map(({ id }) => id)).size).toBe(producer.second.length);
    const commandsOf = new Map(spy.commands.map(({ batchId, token }) => [batchId, token]));
    for (const { batchId, token } of spy.done) expect(commandsOf.get(batchId)).toBe(token);
  }, 300_000);
});
