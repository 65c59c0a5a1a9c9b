import { type Bus, HeaderLines, type PubAck, SlacklineError } from '@slackline/shared';
import pino from 'pino';
import { expect, it } from 'vitest';
import { AnswerStore } from './answer-store.js';

/** A stream that answers what the test says, and a clock that it moves on. */
function setUp() {
  const published: { id: string; resolve(ack: PubAck): void; reject(error: Error): void }[] = [];
  const timers: (() => void)[] = [];
  const bus = {
    publishToStream: (_subject: string, _data: Uint8Array, { id }: { id: string }) =>
      new Promise<PubAck>((resolve, reject) => published.push({ id, resolve, reject })),
  } as Pick<Bus, 'publishToStream'> as Bus;
  const clock = {
    now: () => 0,
    after: (_ms: number, callback: () => void) => {
      timers.push(callback);
      return () => void timers.splice(timers.indexOf(callback), 1);
    },
  };
  const store = new AnswerStore(bus, clock, pino({ level: 'silent' }), (act, given) => act(given));
  const stored: string[] = [];
  const add = (id: string, bytes = 10) =>
    store.add({
      subject: 'results.m.k',
      id,
      message: { headers: HeaderLines.none, data: new Uint8Array(bytes) },
      onStored: () => stored.push(id),
    });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return { store, add, published, stored, timers, settle };
}

const ack = { sequence: 1, duplicate: false };
const full = new SlacklineError('stream_full', 'No room');

it('has a bounded number of publishes under way', async () => {
  const { add, published, stored, settle } = setUp();
  for (let i = 0; i < 1_000; i++) add(String(i));
  expect(published).toHaveLength(256);
  for (let i = 0; i < published.length; i++) {
    published[i]?.resolve(ack);
    await settle();
    expect(published.length - (i + 1)).toBeLessThanOrEqual(256);
  }
  expect(stored).toHaveLength(1_000);
});

it('stores everything, under the same ids, once a full stream has room', async () => {
  const { add, published, stored, timers, settle } = setUp();
  for (let i = 0; i < 400; i++) add(String(i));
  for (const each of published.splice(0)) each.reject(full);
  await settle();
  // One pause for all of them, not an attempt each.
  expect(published).toEqual([]);
  expect(timers).toHaveLength(1);
  timers.shift()?.();
  expect(published).toHaveLength(256);
  while (published.length > 0) {
    for (const each of published.splice(0)) each.resolve(ack);
    await settle();
  }
  expect(new Set(stored)).toEqual(new Set(Array.from({ length: 400 }, (_, i) => String(i))));
  expect(stored).toHaveLength(400);
});

it('has room for a bound of bytes, but always for a word, and again for all once something was stored', async () => {
  const { add, store, published, settle } = setUp();
  add('large', 60 << 20);
  expect(store.hasRoomFor(8 << 20)).toBe(false);
  expect(store.hasRoomFor(200)).toBe(true);
  published[0]?.resolve(ack);
  await settle();
  expect(store.hasRoomFor(8 << 20)).toBe(true);
});

it('tells when all is stored, or nothing will be any more', async () => {
  const { add, store, published, settle } = setUp();
  const told: string[] = [];
  store.onceIdle(() => told.push('nothing to store'));
  for (let i = 0; i < 300; i++) add(String(i));
  store.onceIdle(() => told.push('stored'));
  expect(told).toEqual(['nothing to store']);
  while (published.length > 0) {
    expect(told).toEqual(['nothing to store']);
    for (const each of published.splice(0)) each.resolve(ack);
    await settle();
  }
  expect(told).toEqual(['nothing to store', 'stored']);
  add('a');
  store.onceIdle(() => told.push('stopped'));
  store.stop();
  expect(told.at(-1)).toBe('stopped');
});

it('says nothing more once it was stopped', async () => {
  const { add, store, published, stored, timers, settle } = setUp();
  for (let i = 0; i < 300; i++) add(String(i));
  published[0]?.reject(full);
  await settle();
  store.stop();
  published[1]?.resolve(ack);
  await settle();
  expect({ stored, timers, published: published.length }).toEqual({ stored: [], timers: [], published: 256 });
});
