/** Stores without room: the producer is told, nothing accepted is lost, and service resumes by itself when there is room. */
import { inCheckout } from '@slackline/local';
import { type Bus, parseAnswer } from '@slackline/shared';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withNatsServer } from '../harness/nats-server.js';
import { type Deployment, newDeployment, row } from '../ingest/deployment.js';

const nats = withNatsServer({ configFile: inCheckout('test/broker/small-store.conf') });
const bounds = {
  MAX_QUEUED_BYTES: String(1 << 20),
  MAX_CLAIMED_BYTES: String(1 << 20),
  MAX_RESULTS_BYTES: String(1 << 20),
};
const patience = { timeout: 10_000 };

describe.each(['file', 'memory'] as const)('a broker without any room for %s storage', (storage) => {
  let deployment: Deployment;
  let bus: Bus;
  beforeEach(async () => {
    deployment = await newDeployment(nats.url, storage);
    bus = deployment.bus;
  });
  afterEach(() => deployment.close());

  const state = async () => {
    const { messages, lastSequence } = await bus.streamState(deployment.subjects.stores.queries);
    return { messages, lastSequence };
  };
  /** Sends a query; resolves with its refusal, or undefined where it was accepted: nobody would answer it. */
  const ask = () =>
    bus.request(deployment.subjects.infer('m'), row, { timeoutMs: 1_000 }).then(parseAnswer, () => undefined);
  /** Takes all the room that is left, with objects; resolves with what gives it back. */
  async function fill(): Promise<() => Promise<void>> {
    const objects = await bus.objects(`fill-${storage}`, { storage, replicas: 1 });
    const names: string[] = [];
    let refusal: unknown;
    for (const size of [1 << 20, 1 << 16, 1 << 12, 1 << 8]) {
      for (refusal = undefined; refusal === undefined; ) {
        const name = `o${names.length}`;
        names.push(name);
        refusal = await objects.put(name, Buffer.alloc(size)).catch((error: unknown) => error);
      }
      // Whoever stores an object is told that there is no room for it, and no part of it stays.
      expect(refusal).toMatchObject({ code: 'stream_full' });
      expect(await objects.size(names.pop() ?? '')).toBeUndefined();
    }
    return async () => {
      if (storage === 'memory' || !bus.serverVersion.startsWith('2.9.')) {
        for (const name of names) await objects.delete(name);
        return;
      }
      // This one takes deleted objects off its account only when it starts, and has no room for the word that they are deleted.
      for (const name of names) await objects.delete(name).catch(() => undefined);
      await nats.server.restart();
      await expect
        .poll(() =>
          bus.streamState(deployment.subjects.stores.queries).then(
            () => true,
            () => false,
          ),
        )
        .toBe(true);
    };
  }

  it('refuses queries as overloaded, with a hint, and takes them again when there is room', async () => {
    await deployment.ingest(bounds);
    deployment.send();
    await deployment.stored(1);
    const release = await fill();
    const before = await state();
    // Small ones may still find a place.
    const answers = await Promise.all(Array.from({ length: 20 }, ask));
    const refused = answers.filter((answer) => answer !== undefined);
    expect(refused.length).toBeGreaterThan(0);
    for (const answer of refused) {
      expect(answer).toMatchObject({ outcome: 'refused', code: 'overloaded', retryAfterMs: 100 });
    }
    const accepted = answers.length - refused.length;
    expect(await state()).toEqual({
      messages: before.messages + accepted,
      lastSequence: before.lastSequence + accepted,
    });
    const keys = await bus.keys(deployment.subjects.stores.profiles, { storage, replicas: 1 });
    await expect(keys.put('model.m2', Buffer.alloc(1_000))).rejects.toMatchObject({ code: 'stream_full' });
    await release();
    await expect.poll(ask, patience).toBeUndefined();
  });

  it('refuses to start with bounds that it cannot hold, and says which', async () => {
    const failure = await deployment.ingest({ MAX_QUEUED_BYTES: String(64 << 20) }).catch((error: unknown) => error);
    expect(String(failure)).toMatch(/QUERIES.*67108864 bytes.*max_(file|memory)_store/);
  });
});
