/**
 * Services that are cut off from their broker, one cut after the other, under load: whatever was accepted has one outcome,
 * nobody is answered twice, and afterwards the system is itself again.
 */
import { randomUUID } from 'node:crypto';
import { type Cut, FaultProxy } from '@slackline/chaos';
import { connect } from '@slackline/client';
import { acceptedQueries, type BusMessage, parseAnswer } from '@slackline/shared';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { Spy } from '../harness/spy.js';
import { atRest, Commands, type CutPlant, cutFor, pause, startCutPlant, underLoad, victim } from './system.js';

const workers = 3;
const deaf: Cut = { kind: 'half-open', silent: 'in' };
const mute: Cut = { kind: 'half-open', silent: 'out' };
const all: readonly Cut[] = [{ kind: 'delay', delayMs: 100 }, { kind: 'drop' }, { kind: 'reset' }, deaf, mute];
/** Beyond the limit, where some queries never get an answer: it need not be waited for long. */
const graceMs = 5_000;

let plant: CutPlant;
beforeAll(async () => {
  plant = await startCutPlant({ workers, schedulers: 2, ingests: 2 });
});
afterEach(async () => {
  await atRest(plant, workers);
  const client = await connect({ url: plant.system.natsUrl });
  for (let i = 0; i < 20; i++) {
    expect(await client.infer('imagenet', new Uint8Array(784), { sloMs: 5_000 })).toMatchObject({ outcome: 'ok' });
  }
  await client.close();
});
afterAll(() => plant?.stop());

it('a worker, while it holds a batch', async () => {
  const worker = await victim(plant, 'worker', 'gpu-worker-1');
  const commands = new Commands(plant, worker.name);
  const sentTo: Record<string, number> = {};
  const account = await underLoad(plant, { rate: 250, sloMs: 400 }, async () => {
    const cuts: Record<string, Cut> = {
      ...{ short: { kind: 'delay', delayMs: 30 }, long: { kind: 'delay', delayMs: 2_000 }, drop: { kind: 'drop' } },
      ...{ reset: { kind: 'reset' }, deaf, mute },
    };
    for (const [name, cut] of Object.entries(cuts)) {
      await commands.next();
      const before = commands.batchIds.length;
      const heal = worker.cut(cut);
      await pause(1_300);
      sentTo[name] = commands.batchIds.length - before;
      heal();
      // It is given work again.
      await commands.next();
    }
  });
  expect(account).toMatchObject({ waiting: 0, outcomes: account.accepted, second: 0 });
  expect(account.ends).not.toHaveProperty('failed');
  expect(account.ends).not.toHaveProperty('unanswered');
  // Whoever hears nothing is not sent one batch after the other (dispatcher.test.ts says how few).
  expect(sentTo.deaf).toBeLessThan(sentTo.short ?? 0);
}, 120_000);

it('the leader, past its lease, with a standby there', async () => {
  const spy = await Spy.listen(plant);
  const account = await underLoad(plant, { rate: 150, sloMs: 1_000 }, async () => {
    const delay: Cut = { kind: 'delay', delayMs: 120 };
    for (const cut of [{ kind: 'drop' } as const, delay, { kind: 'reset' } as const, deaf, mute]) {
      const leader = await victim(plant, 'scheduler');
      expect(leader.leads).toBe(true);
      const { token } = spy;
      const served = spy.doneAfter(token);
      await cutFor(leader, cut, { cutMs: 2_500, healedMs: 500 });
      await served;
      // Whoever leads now is not the one that was cut off, and stays when that one comes back.
      if (cut.kind !== 'reset') expect((await victim(plant, 'scheduler')).name).not.toBe(leader.name);
    }
  });
  expect(account).toMatchObject({ waiting: 0, outcomes: account.accepted });
  expect(account.ends).not.toHaveProperty('failed');
  expect(account.ends).not.toHaveProperty('unanswered');
}, 90_000);

it('an ingest, in the midst of publishes', async () => {
  const account = await underLoad(plant, { rate: 250, sloMs: 600, graceMs }, async () => {
    const ingest = await victim(plant, 'ingest', 'ingest-0');
    for (const cut of all) {
      await cutFor(ingest, cut, { cutMs: 1_200, healedMs: 500 });
    }
  });
  // What it swallowed was never accepted; what it had accepted, or may have, was not answered as refused.
  expect(account).toMatchObject({ waiting: 0, outcomes: account.accepted, second: 0 });
  expect(account.accepted).toBeLessThan(account.sent);
  expect(account.ends).not.toHaveProperty('failed');
}, 60_000);

it('everybody at once: the broker has lost its network', async () => {
  const account = await underLoad(plant, { rate: 150, sloMs: 600, graceMs }, async () => {
    const nats = await victim(plant, 'nats');
    for (const cut of [
      { kind: 'delay', delayMs: 30 } as const,
      { kind: 'drop' } as const,
      { kind: 'reset' } as const,
    ]) {
      await cutFor(nats, cut, { cutMs: 1_200, healedMs: 1_000 });
    }
  });
  expect(account).toMatchObject({ waiting: 0, outcomes: account.accepted });
  expect(account.ends).not.toHaveProperty('failed');
}, 60_000);

it('a producer: it is told the outcome of all that was accepted, each once, though answers went to nobody', async () => {
  const proxy = await FaultProxy.start({ target: new URL(plant.system.natsUrl).host });
  const answered: string[] = [];
  const heard = plant.bus.subscribe('_INBOX.>', (message) => {
    const { outcome, queryId } = outcomeOf(message);
    if (outcome !== undefined && outcome !== 'refused') answered.push(queryId ?? '');
  });
  try {
    const account = await underLoad(plant, { rate: 150, sloMs: 400, graceMs: 8_000, url: proxy.url }, async () => {
      for (const cut of all) {
        const heal = proxy.apply(cut);
        await pause(1_000);
        heal();
        await pause(500);
      }
    });
    expect(account).toMatchObject({ waiting: 0, outcomes: account.accepted });
    expect(new Set(answered).size).toBe(account.accepted);
    // What went to nobody was asked for, and said again.
    expect(answered.length).toBeGreaterThan(account.accepted);
    const { ok = 0, late = 0, expired = 0, failed = 0, unanswered = 0, ...refused } = account.ends;
    expect(refused).toEqual({});
    expect(ok + late + expired + failed + unanswered).toBe(account.sent);
  } finally {
    await heard.drain();
    await proxy.close();
  }
}, 60_000);

it('a producer of queries whose answers are stored: it reads each of them once', async () => {
  const proxy = await FaultProxy.start({ target: new URL(plant.system.natsUrl).host });
  const client = await connect({ url: proxy.url });
  const resultKey = randomUUID();
  const { ever: before } = await acceptedQueries(plant.bus, plant.subjects);
  const publish = async (count: number) => {
    for (let i = 0; i < count; i++) {
      client.publish('imagenet', new Uint8Array(784), { sloMs: 2_000, resultKey });
      await pause(5);
    }
  };
  try {
    for (const cut of [{ kind: 'reset' } as const, deaf, mute]) {
      await publish(20);
      const heal = proxy.apply(cut);
      await publish(60);
      heal();
    }
    await publish(20);
    // The connection that was mute may be given up only now, and a flush with it.
    await vi.waitFor(() => client.flush(), { timeout: 20_000 });
    await atRest(plant, workers);
    const accepted = (await acceptedQueries(plant.bus, plant.subjects)).ever - before;
    const ids: string[] = [];
    for await (const { queryId } of client.results('imagenet', resultKey, { waitMs: 1_000 })) ids.push(queryId);
    expect(new Set(ids).size).toBe(accepted);
    expect(ids).toHaveLength(accepted);
  } finally {
    await client.close();
    await proxy.close();
  }
}, 60_000);

function outcomeOf(message: BusMessage): { outcome?: string; queryId?: string | undefined } {
  try {
    return parseAnswer(message);
  } catch {
    return {};
  }
}
