import { expect, test } from 'vitest';
import { ManualClock } from './leadership-testing.js';
import { WakeUps } from './wake-ups.js';

test('it runs at the time that was said last, be it earlier or later than the one before', async () => {
  const clock = new ManualClock();
  const ranAtMs: number[] = [];
  const wakeUps = new WakeUps(
    clock.of({ isPaused: false }),
    () => clock.ms,
    () => ranAtMs.push(clock.ms),
  );
  for (const atMs of [20, 10, 30]) wakeUps.at(atMs);
  await clock.pass(25);
  expect(ranAtMs).toEqual([]);
  await clock.pass(10);
  expect(ranAtMs).toEqual([30]);
  wakeUps.at(50);
  wakeUps.at(Number.POSITIVE_INFINITY);
  await clock.pass(100);
  expect(ranAtMs).toEqual([30]);
});
