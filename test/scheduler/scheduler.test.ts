/** The scheduler on a real broker, with workers and producers played by the test. */
import { type BatchCommand, encode, headerNames, parseAnswer } from '@slackline/shared';
import { describe, expect, it } from 'vitest';
import { ask, bus, running, scheduler, store, subjects, TestWorker, waiting } from './harness.js';

describe('the scheduler', () => {
  it('answers a query through a worker, says what it ran on, and acks it', async () => {
    await scheduler();
    const worker = await TestWorker.join('w1');
    const answer = ask('q1', 10_000);
    const command = await worker.command();
    expect(command).toMatchObject({ model: 'm', subnet: 'large', epoch: 'e1' });
    expect(Buffer.from(command.queries[0]?.payload ?? []).toString()).toBe('q1');
    await worker.finish();
    expect(await answer).toMatchObject({
      queryId: 'q1',
      outcome: 'ok',
      subnet: 'large',
      accuracy: 0.9,
      batchSize: 1,
      deadlineMet: true,
      body: Buffer.from('answer to q1'),
    });
    await expect.poll(waiting).toBe(0);
  });

  it('has a worker fetch the body of a claim', async () => {
    await scheduler();
    const worker = await TestWorker.join('w1');
    const answer = ask('q1', 20_000, subjects.claims('m'));
    const [query] = (await worker.command()).queries;
    expect(query).toMatchObject({ id: 'q1', payload: null });
    const stored = await bus.readMessage(subjects.stores.claims, query?.sequence ?? 0);
    expect(Buffer.from(stored?.data ?? []).toString()).toBe('q1');
    await worker.finish();
    expect(await answer).toMatchObject({ outcome: 'ok', queryId: 'q1' });
    await expect.poll(waiting).toBe(0);
  });

  it('expires what no worker could answer in time, without waiting for one', async () => {
    await scheduler();
    expect(await ask('q1', 30)).toMatchObject({ queryId: 'q1', outcome: 'expired', code: 'expired', status: 504 });
    await expect.poll(waiting).toBe(0);
  });

  it('says late of an answer after its deadline', async () => {
    await scheduler();
    const worker = await TestWorker.join('w1');
    const answer = ask('q1', 60);
    const { queries } = await worker.command();
    expect(queries).toHaveLength(1);
    // Another query's deadline is the clock: it lies behind the first one's.
    await ask('q2', 80);
    await worker.finish();
    expect(await answer).toMatchObject({ outcome: 'late', deadlineMet: false });
  });

  it('gives the batch of a worker whose connection is gone to another', async () => {
    await scheduler();
    const first = await TestWorker.join('w1');
    const answer = ask('q1', 20_000);
    await first.command();
    const second = await TestWorker.join('w2');
    await first.leave();
    expect((await second.command()).queries.map((query) => query.id)).toEqual(['q1']);
    await second.finish();
    expect(await answer).toMatchObject({ outcome: 'ok', queryId: 'q1' });
  });

  it('fails a query that two workers were lost with', async () => {
    await scheduler();
    const answer = ask('q1', 20_000);
    for (const id of ['w1', 'w2']) {
      const worker = await TestWorker.join(id);
      await worker.command();
      await worker.leave();
    }
    expect(await answer).toMatchObject({ outcome: 'failed', code: 'worker_lost' });
    await expect.poll(waiting).toBe(0);
  });

  it('is not moved by the word of another epoch, another token or an unknown batch', async () => {
    await scheduler();
    const worker = await TestWorker.join('w1');
    const answer = ask('q1', 20_000);
    const command = await worker.command();
    for (const wrong of [{ epoch: 'other' }, { token: command.token - 1 }, { batchId: 'none' }]) {
      const forged = { ...command, ...wrong, queries: [{ ...command.queries[0], id: 'forged' }] };
      await worker.finish(forged as Partial<BatchCommand>);
      worker.commands.push(command);
    }
    await worker.finish();
    expect(await answer).toMatchObject({ body: Buffer.from('answer to q1') });
  });

  it('leaves what it held to the next one, which leads with a larger token', async () => {
    const first = await scheduler({ DRAIN_MS: '0' });
    const worker = await TestWorker.join('w1');
    const answer = ask('q1', 30_000);
    const before = await worker.command();
    await first.stop();
    running.splice(0);
    worker.commands.shift();
    await scheduler();
    const after = await worker.command();
    expect(after.token).toBeGreaterThan(before.token);
    await worker.finish();
    expect(await answer).toMatchObject({ outcome: 'ok' });
    await expect.poll(waiting).toBe(0);
  });

  it('stores the answer of a query without a reply subject', async () => {
    await scheduler();
    const worker = await TestWorker.join('w1');
    await store('q1', 20_000, { [headerNames.resultKey]: 'mine' });
    await worker.finish();
    await expect.poll(waiting).toBe(0);
    const stored = await bus.readMessage(subjects.stores.results, 1);
    expect(stored?.subject).toBe(subjects.results('m', 'mine'));
    expect(stored && parseAnswer(stored)).toMatchObject({ queryId: 'q1', outcome: 'ok' });
  });

  it('stops once the answers that came last are stored, so that nobody else gives them again', async () => {
    let storing = () => {};
    const isStoring = new Promise<void>((resolve) => {
      storing = resolve;
    });
    let goOn = () => {};
    const mayStore = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const service = await scheduler({ DRAIN_MS: '20000' }, (its) => {
      const publish = its.publishToStream.bind(its);
      its.publishToStream = async (...given) => {
        storing();
        await mayStore;
        return publish(...given);
      };
    });
    const worker = await TestWorker.join('w1');
    await store('q1', 20_000, { [headerNames.resultKey]: 'mine' });
    await worker.command();
    running.splice(0);
    const stopped = service.stop();
    await worker.finish();
    await isStoring;
    goOn();
    await stopped;
    expect(await waiting()).toBe(0);
  });

  it('gets over messages that it cannot read, in the stream and from workers', async () => {
    await scheduler();
    await bus.publishToStream(subjects.queries('m'), Buffer.from('no headers'), { id: 'x', timeoutMs: 2_000 });
    for (const subject of [subjects.batchesDone, subjects.workersAvailable, subjects.heartbeat('w9')]) {
      bus.publish(subject, Buffer.from('not msgpack \xff'));
      bus.publish(subject, encode({ v: 2, workerId: 7 }));
    }
    const worker = await TestWorker.join('w1');
    const answer = ask('q1', 20_000);
    await worker.finish();
    expect(await answer).toMatchObject({ outcome: 'ok' });
    await expect.poll(waiting).toBe(0);
  });
});
