import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { beforeEach, expect, it } from 'vitest';
import { LaterEnds } from './later-ends.js';
import { ManualClock } from './leadership-testing.js';

/** Fewer are told of at once; not so many are. */
const many = 17;

let clock: ManualClock;
let said: { end: number; atMs: number }[];
let ends: LaterEnds<number>;
const add = (count: number) => {
  for (let end = 0; end < count; end += 1) ends.add(end);
};

beforeEach(() => {
  clock = new ManualClock();
  said = [];
  ends = new LaterEnds(clock.of({ isPaused: false }), (end) => said.push({ end, atMs: clock.ms }));
});

it('says few at the end of the turn', async () => {
  add(many - 1);
  expect(said).toEqual([]);
  await turn();
  expect(said.map(({ end }) => end)).toEqual([...Array(many - 1).keys()]);
});

it('says many after a while, and what comes meanwhile behind them', async () => {
  add(many);
  await turn();
  ends.add(many);
  await turn();
  await clock.pass(99);
  expect(said).toEqual([]);
  await clock.pass(50);
  expect(said.map(({ end }) => end)).toEqual([...Array(many + 1).keys()]);
  // The rush is over: few are few again.
  ends.add(many);
  await turn();
  expect(said).toHaveLength(many + 2);
});

it('says every end once, in order, a part at a time, within half a second', () =>
  fc.assert(
    fc.asyncProperty(fc.integer({ min: many, max: 50_000 }), async (count) => {
      clock = new ManualClock();
      said = [];
      ends = new LaterEnds(clock.of({ isPaused: false }), (end) => said.push({ end, atMs: clock.ms }));
      add(count);
      await turn();
      for (let ms = 0; ms < 500; ms += 5) await clock.pass(5);
      expect(said.map(({ end }) => end)).toEqual([...Array(count).keys()]);
      const sizes = new Map<number, number>();
      for (const { atMs } of said) sizes.set(atMs, (sizes.get(atMs) ?? 0) + 1);
      expect(Math.max(...sizes.values())).toBeLessThanOrEqual(Math.max(16, Math.ceil(count / 8)));
    }),
    { numRuns: 10 },
  ));

it('says all at once when it must, and nothing twice', async () => {
  add(100);
  await turn();
  ends.flush();
  expect(said).toHaveLength(100);
  await clock.pass(1_000);
  expect(said).toHaveLength(100);
});

it('says nothing once it is stopped', async () => {
  add(100);
  await turn();
  ends.stop();
  await clock.pass(1_000);
  expect(said).toEqual([]);
});
