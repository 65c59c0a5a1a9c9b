import fc from 'fast-check';
import { beforeEach, expect, it } from 'vitest';
import { LaterEnds } from './later-ends.js';
import { ManualClock } from './leadership-testing.js';

let clock: ManualClock;
let said: { end: number; atMs: number }[];
let ends: LaterEnds<number>;

beforeEach(() => {
  clock = new ManualClock();
  said = [];
  ends = new LaterEnds(clock.of({ isPaused: false }), (end) => said.push({ end, atMs: clock.ms }));
});

const pass = async (ms: number) => {
  for (let passed = 0; passed < ms; passed += 5) await clock.pass(5);
};

it('says each end once, after its deadline, and within 50 ms of that', () =>
  fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 70 }), { minLength: 1, maxLength: 400 }), async (lefts) => {
      said = [];
      const fromMs = clock.ms;
      for (const [end, leftMs] of lefts.entries()) ends.add(end, leftMs);
      await pass(200);
      expect(said.map(({ end }) => end).sort((a, b) => a - b)).toEqual([...lefts.keys()]);
      for (const { end, atMs } of said) {
        const lateMs = atMs - fromMs - (lefts[end] ?? 0);
        expect(lateMs).toBeGreaterThan(0);
        expect(lateMs).toBeLessThan(50);
      }
    }),
  ));

it('says few at a time where the deadlines allow', async () => {
  for (let end = 0; end < 2_000; end += 1) ends.add(end, 300 + (end % 500));
  await pass(500);
  const atOnce = new Map<number, number>();
  for (const { atMs } of said) atOnce.set(atMs, (atOnce.get(atMs) ?? 0) + 1);
  expect(said).toHaveLength(2_000);
  expect(Math.max(...atOnce.values())).toBeLessThan(100);
  expect(said[0]?.end).toBe(0);
});

it('says those with time left no sooner because one has none', async () => {
  for (let end = 0; end < 2_000; end += 1) ends.add(end, 300);
  await pass(95);
  ends.add(2_000, -100);
  await pass(10);
  expect(said[0]?.end).toBe(2_000);
  expect(said.length).toBeLessThan(200);
});

it('waits no longer than a tenth of a second for a deadline that is far off', async () => {
  ends.add(0, 10_000);
  await pass(95);
  expect(said).toEqual([]);
  await pass(10);
  expect(said).toHaveLength(1);
});

it('says all at once when it must, nothing twice, and what comes then as ever', async () => {
  for (let end = 0; end < 100; end += 1) ends.add(end, 10);
  ends.flush();
  expect(said).toHaveLength(100);
  await pass(200);
  expect(said).toHaveLength(100);
  ends.add(100, 10);
  await pass(200);
  expect(said).toHaveLength(101);
});

it('forgets what waits when it is stopped', async () => {
  ends.add(0, 10);
  ends.stop();
  await pass(200);
  expect(said).toEqual([]);
});
