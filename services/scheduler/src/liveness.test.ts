import type { Batch } from '@slackline/scheduling';
import { type Bus, SlacklineError, Subjects } from '@slackline/shared';
import { expect, test } from 'vitest';
import type { HeldQuery } from './held-query.js';
import { ManualClock } from './leadership-testing.js';
import { Liveness } from './liveness.js';

const everyMs = 25;
const timeoutMs = 250;

/**
 * A worker that holds a batch from the beginning on, and what it does with each ping: answers it, takes it along into its
 * death (nobody answers), or is gone already.
 */
function watched(pings: (number: number) => 'answer' | 'silence' | 'nobody') {
  const clock = new ManualClock();
  const owned = clock.of({ isPaused: false });
  const lost: { reason: string; atMs: number; batchId?: string }[] = [];
  let asked = 0;
  const request = () =>
    new Promise((resolve, reject) => {
      const what = pings(asked++);
      if (what === 'answer') resolve({});
      else if (what === 'nobody') reject(new SlacklineError('no_responders', 'Nobody'));
      else owned.after(timeoutMs, () => reject(new SlacklineError('timeout', 'No answer')));
    });
  let unheard: (message: { subject: string; data: Uint8Array }) => void = () => {};
  const subscribe = (_subject: string, handler: typeof unheard) => {
    unheard = handler;
    return { drain: () => Promise.resolve() };
  };
  const batch = { id: 'b-1', sentAtMs: 0, workerId: 'w-1', epoch: 'e' } as Batch<HeldQuery>;
  const liveness = new Liveness(
    { request, newInbox: () => 'inbox', subscribe } as unknown as Bus,
    new Subjects(),
    owned,
    { PROBE_EVERY_MS: everyMs, WORKER_DEAD_AFTER_MS: 500 },
    {
      findLost: () => [],
      inFlight: () => [batch][Symbol.iterator](),
      doubted: () => [][Symbol.iterator](),
      shiftTimes: () => {},
    },
    () => clock.ms,
    (_worker, _epoch, reason, batchId) => lost.push({ reason, atMs: clock.ms, ...(batchId && { batchId }) }),
    () => {},
  );
  liveness.start();
  return {
    clock,
    lost,
    liveness,
    asked: () => asked,
    unheard: (subject: string, data = new Uint8Array()) => unheard({ subject, data }),
  };
}

test('a worker that dies over a ping is found by the next one, not by the time-out of the first', async () => {
  const { clock, lost, liveness } = watched((number) => (number === 0 ? 'silence' : 'nobody'));
  await clock.pass(timeoutMs - 1);
  await liveness.stop();
  expect(lost[0]).toMatchObject({ reason: 'its connection is gone' });
  expect(lost[0]?.atMs).toBeLessThanOrEqual(4 * everyMs);
});

test('a worker that answers is asked again in every round, and one that is slow in every other', async () => {
  const quick = watched(() => 'answer');
  await quick.clock.pass(40 * everyMs);
  await quick.liveness.stop();
  expect(quick.asked()).toBe(40);
  const slow = watched(() => 'silence');
  await slow.clock.pass(40 * everyMs);
  await slow.liveness.stop();
  expect(slow.asked()).toBe(20);
  // That it does not answer says little.
  expect(slow.lost).toEqual([]);
});

test('a silent worker is lost as soon as the broker says that nobody listened for its batch, whoever is asked', async () => {
  const { lost, liveness, unheard } = watched(() => 'answer');
  const replyOf = (id: string, silentMs: number) => liveness.replyOf({ id, silentMs } as Batch<HeldQuery>) ?? '';
  // Heartbeats come every 100 ms.
  expect(replyOf('b-1', 120)).toBe('');
  const subject = replyOf('b-1', 130);
  unheard(replyOf('b-2', 130));
  unheard(subject, Buffer.from('somebody'));
  expect(lost).toEqual([]);
  unheard(subject);
  expect(lost).toEqual([{ reason: 'nobody listened for its batch', atMs: 0, batchId: 'b-1' }]);
  await liveness.stop();
  unheard(subject);
  expect(lost).toHaveLength(1);
});
