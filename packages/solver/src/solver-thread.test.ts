import type { MixedIntegerProgram } from '@slackline/scheduling';
import { afterEach, describe, expect, it } from 'vitest';
import { SolverError } from './solver.js';
import { SolverThread } from './solver-thread.js';
import { marketSplit } from './testing.js';

const twoForOne = (first: number): MixedIntegerProgram => ({
  sense: 'max',
  variables: [first, 2].map((objective) => ({ lower: 0, upper: 1, integer: true, objective })),
  rows: [{ lower: 0, upper: 1, columns: [0, 1], values: [1, 1] }],
});
const nonsense = { ...twoForOne(1), rows: [{ lower: 0, upper: 1, columns: [7], values: [1] }] };

describe('solver thread', () => {
  let thread = new SolverThread();
  afterEach(async () => {
    await thread.close();
    thread = new SolverThread();
  });

  it('answers each program with its own solution', async () => {
    const [small, large] = await Promise.all([thread.solve(twoForOne(1)), thread.solve(twoForOne(3))]);
    expect([small.values, large.values]).toEqual([
      [0, 1],
      [1, 0],
    ]);
  });

  it('tells of a failure, and solves the next program', async () => {
    await expect(thread.solve(nonsense)).rejects.toThrow(SolverError);
    expect((await thread.solve(twoForOne(3))).objective).toBe(3);
  });

  it('ends, and lets nobody wait', async () => {
    const waiting = expect(thread.solve(twoForOne(1))).rejects.toThrow(/closed|ended/);
    await thread.close();
    await waiting;
    await expect(thread.solve(twoForOne(1))).rejects.toThrow(/closed/);
  });

  it('ends in the middle of a solve', async () => {
    // The thread is up when it has solved one; without a limit the next one takes hours.
    await thread.solve(twoForOne(1));
    const endless = expect(thread.solve(marketSplit(60, 6))).rejects.toThrow(/closed|ended/);
    await thread.close();
    await endless;
  });
});
