import { encode, pack } from '@slackline/shared';
import { describe, expect, it } from 'vitest';
import { Listener } from './listener.js';
import { since } from './witnessed.js';

const headers = (values: Record<string, string> = {}) => ({ get: (name: string) => values[name] });
const message = (subject: string, value: object, values?: Record<string, string>) => ({
  ...{ subject, headers: headers(values), data: encode(value) },
});

function listening() {
  const clock = { nowMs: 1_000 };
  return { clock, listener: new Listener(() => clock.nowMs) };
}

const command = (batchId: string, token: number, ids: string[]) =>
  pack({
    v: 1,
    batchId,
    token,
    epoch: 'e',
    model: 'm',
    subnet: 's',
    queries: ids.map((id) => ({ id, payload: null })),
  });

describe('a witness', () => {
  it('notes when a query, its batch and the batch’s end were seen first', () => {
    const { clock, listener } = listening();
    listener.query(message('queries.m', {}, { 'Nats-Msg-Id': 'q-1' }));
    clock.nowMs = 1_010;
    listener.query(message('queries.m', {}, { 'Nats-Msg-Id': 'q-1' }));
    listener.batch({ subject: 'a.workers.w-1.batch', headers: headers(), data: command('b-1', 5, ['q-1']) });
    clock.nowMs = 1_020;
    const done = { batchId: 'b-1', workerId: 'w-1', answers: [{ outputs: new Uint8Array() }] };
    listener.done(message('batches.done', done));
    clock.nowMs = 1_030;
    listener.done(message('batches.done', done));
    listener.done(message('batches.done', { ...done, workerId: 'other' }));
    const seen = since(1_000, listener.witnessed());
    expect(seen.queries).toEqual(new Map([['q-1', 0]]));
    expect(seen.batches).toEqual([
      { id: 'b-1', worker: 'w-1', token: 5, atMs: 10, queries: ['q-1'], doneMs: 20, runs: 2 },
    ]);
  });

  it('notes when an outcome was first said, and no refusal, result or other reply', () => {
    const { clock, listener } = listening();
    const [id, outcome] = ['Query-Id', 'Outcome'];
    listener.answer(message('_INBOX.a.1', {}, { [id]: 'q-1', [outcome]: 'late' }));
    clock.nowMs = 1_010;
    listener.answer(message('_INBOX.a.1', {}, { [id]: 'q-1', [outcome]: 'expired' }));
    listener.answer(message('_INBOX.a.2', {}, { [id]: 'q-2', 'Error-Code': 'overloaded' }));
    listener.answer(message('_INBOX.b', {}));
    listener.answer(message('_INBOX.c', {}, { [id]: 'q-3', [outcome]: 'ok', 'Nats-Stream': 'RESULTS' }));
    expect(since(1_000, listener.witnessed()).outcomes).toEqual(new Map([['q-1', 0]]));
  });

  it('does not count a refused batch as run', () => {
    const { listener } = listening();
    listener.batch({ subject: 'workers.w-1.batch', headers: headers(), data: command('b-1', 5, ['q-1']) });
    listener.done(message('batches.done', { batchId: 'b-1', workerId: 'w-1', answers: { refused: 'stale_token' } }));
    expect(listener.witnessed().batches).toMatchObject([{ runs: 0, doneMs: 1_000 }]);
  });

  it('hears workers come, fall silent and come back', () => {
    const { clock, listener } = listening();
    for (const nowMs of [0, 100, 200, 1_000, 1_100]) {
      clock.nowMs = nowMs;
      listener.heartbeat(message('workers.w-1.heartbeat', { workerId: 'w-1' }));
    }
    expect(listener.witnessed().workers).toEqual([
      { worker: 'w-1', fromMs: 0, untilMs: 200 },
      { worker: 'w-1', fromMs: 1_000, untilMs: 1_100 },
    ]);
  });

  it('notes terms, not renewals, and when it was itself cut off', () => {
    const { clock, listener } = listening();
    const lease = (scheduler: string, token: number) =>
      listener.lease(Buffer.from(JSON.stringify({ scheduler, token })));
    lease('s-0', 5);
    lease('s-0', 5);
    listener.lease(undefined);
    listener.connection('disconnected');
    clock.nowMs = 1_500;
    listener.connection('reconnected');
    lease('', 5);
    lease('s-1', 6);
    const { terms, gaps } = listener.witnessed();
    expect(terms.map(({ scheduler, token }) => `${scheduler}:${token}`)).toEqual(['s-0:5', ':5', 's-1:6']);
    expect(gaps).toEqual([{ fromMs: 1_000, untilMs: 1_500 }]);
  });

  it('counts what it cannot read, and goes on', () => {
    const { listener } = listening();
    const garbage = { subject: 'workers.w-1.batch', headers: headers(), data: new Uint8Array([0xc1, 0xff, 0x00]) };
    listener.batch(garbage);
    listener.done(garbage);
    listener.heartbeat(garbage);
    listener.query(garbage);
    listener.lease(new Uint8Array([0x7b]));
    listener.done(message('batches.done', { batchId: 7 }));
    expect(listener.witnessed()).toMatchObject({ unreadable: 6, batches: [], terms: [] });
  });
});
