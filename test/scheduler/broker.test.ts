/** What the scheduler does when its broker, its consumer or its connection is gone for a while. */
import { HeaderLines, headerNames } from '@slackline/shared';
import { describe, expect, it } from 'vitest';
import { ask, bus, scheduler, server, store, subjects, TestWorker, waiting } from './harness.js';

describe('the scheduler and its broker', () => {
  it('goes on with what a killed broker kept in its files', async () => {
    await scheduler({ STORAGE: 'file' });
    const worker = await TestWorker.join('w1');
    // Held by the worker, waiting in the queue, and stored for later reading: all accepted before the broker dies.
    const first = ask('q1', 60_000);
    const before = await worker.command();
    await store('q2', 60_000, { [headerNames.resultKey]: 'q2' });
    await server.kill();
    await server.restart();
    worker.commands.shift();
    const after = await worker.command();
    expect(after.token).toBeGreaterThan(before.token);
    expect(after.queries.map((query) => query.id)).toContain('q1');
    // Who asked hears again.
    const isBack = () =>
      bus.flush().then(
        () => true,
        () => false,
      );
    await expect.poll(isBack, { timeout: 20_000 }).toBe(true);
    await worker.finish();
    expect(await first).toMatchObject({ outcome: 'ok', queryId: 'q1' });
    if (after.queries.length === 1) await worker.finish();
    await expect.poll(waiting, { timeout: 20_000 }).toBe(0);
    expect((await bus.readMessage(subjects.stores.results, 1))?.subject).toBe(subjects.results('m', 'q2'));
  }, 60_000);

  it('serves again after a broker has forgotten everything', async () => {
    await scheduler();
    const worker = await TestWorker.join('w1');
    const first = ask('q1', 60_000);
    const before = await worker.command();
    await worker.finish();
    await first;
    await server.kill();
    await server.restart();
    await expect.poll(() => waiting().catch(() => undefined), { timeout: 30_000 }).toBe(0);
    const answer = ask('q2', 30_000);
    expect((await worker.command()).token).toBeGreaterThan(before.token);
    await worker.finish();
    expect(await answer).toMatchObject({ outcome: 'ok', queryId: 'q2' });
  }, 60_000);

  it('tells whose queries the broker has forgotten, also when the connection breaks twice before that is known', async () => {
    const ends: [to: string, code: string | undefined][] = [];
    await scheduler({}, (its) => {
      const onStatus = its.onStatus.bind(its);
      its.onStatus = (listener) =>
        onStatus((status) => {
          listener(status);
          if (status === 'disconnected') listener(status);
        });
      const publish = its.publish.bind(its);
      its.publish = (subject, data, options) => {
        ends.push([subject, HeaderLines.of(options?.headers ?? {}).get(headerNames.errorCode)]);
        publish(subject, data, options);
      };
    });
    const worker = await TestWorker.join('w1');
    await store('q1', 60_000, { [headerNames.replyTo]: '_INBOX.q1' });
    await worker.command();
    await server.kill();
    await server.restart();
    await expect.poll(() => ends, { timeout: 20_000 }).toContainEqual(['_INBOX.q1', 'query_lost']);
  }, 60_000);

  it.each(['with bodies', 'without'])(
    'makes a new consumer when somebody has deleted its own %s',
    async (kind) => {
      await scheduler();
      const worker = await TestWorker.join('w1');
      const isClaims = kind === 'without';
      const stream = isClaims ? subjects.stores.claims : subjects.stores.queries;
      await expect.poll(() => bus.consumers(stream)).toHaveLength(1);
      for (const name of await bus.consumers(stream)) await bus.deleteConsumer(stream, name);
      const answer = ask('q1', 60_000, isClaims ? subjects.claims('m') : subjects.queries('m'));
      await worker.finish();
      expect(await answer).toMatchObject({ outcome: 'ok' });
    },
    60_000,
  );

  it('expires a query whose time was used up before it was stored', async () => {
    await scheduler();
    await TestWorker.join('w1');
    expect(await ask('q1', 0)).toMatchObject({ outcome: 'expired' });
    await expect.poll(waiting).toBe(0);
  });

  it('answers each acceptance of a query id that is used again', async () => {
    await scheduler({ DUPLICATE_WINDOW_MS: '1000' });
    const worker = await TestWorker.join('w1');
    for (const key of ['one', 'two']) {
      // The broker forgets the id after its window.
      const accepted = () => store('again', 20_000, { [headerNames.resultKey]: key });
      await expect.poll(async () => (await accepted()).duplicate, { timeout: 10_000, interval: 200 }).toBe(false);
      await worker.finish();
      await expect.poll(waiting).toBe(0);
    }
    expect((await bus.streamState(subjects.stores.results)).messages).toBe(2);
  });

  it('stores the answers of an id that is used once for a small body and once for a large one', async () => {
    await scheduler();
    const worker = await TestWorker.join('w1');
    for (const subject of [subjects.queries('m'), subjects.claims('m')]) {
      // Both are the first of their stream.
      expect((await store('same', 20_000, {}, subject)).sequence).toBe(1);
      await worker.finish();
      await expect.poll(waiting).toBe(0);
    }
    expect((await bus.streamState(subjects.stores.results)).messages).toBe(2);
  });

  it('ends what an earlier version has left, which had both kinds of bodies in one stream', async () => {
    const { queries } = subjects.stores;
    const both = [subjects.queries('*'), subjects.claims('*')];
    const former = { name: queries, subjects: both, retention: 'workqueue', discard: 'new' } as const;
    await bus.ensureStream({ ...former, subjects: both, storage: 'memory', replicas: 1 });
    const consumer = { stream: queries, ackWaitMs: 60_000, maxAckPending: 10, prefetch: 10 };
    const consumption = await bus.consume({ ...consumer, name: 'scheduler-7-claims' }, () => {});
    const answer = ask('q1', 60_000, subjects.claims('m'));
    await expect.poll(async () => (await bus.streamState(queries)).messages).toBe(1);
    await scheduler();
    const worker = await TestWorker.join('w1');
    await worker.finish();
    expect(await answer).toMatchObject({ outcome: 'ok' });
    await expect.poll(waiting).toBe(0);
    expect(await bus.consumers(queries)).toHaveLength(1);
    await consumption.stop();
  });

  it('is not ended by a reply subject that no broker takes', async () => {
    await scheduler();
    await store('bad', 20_000, { [headerNames.replyTo]: 'two words' });
    const worker = await TestWorker.join('w1');
    const answer = ask('q1', 20_000);
    await worker.finish();
    expect(await answer).toMatchObject({ outcome: 'ok' });
    await expect.poll(waiting).toBe(0);
  });

  it('refuses a policy that does not exist before it leads', async () => {
    await expect(scheduler({ POLICY: 'typo' })).rejects.toThrow(/POLICY.*slackfit/);
  });
});
