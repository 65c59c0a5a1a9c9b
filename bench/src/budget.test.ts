import { describe, expect, test } from 'vitest';
import { Budget } from './budget.js';
import { OutOfTime, oneByOne } from './context.js';

test('parts share the time that is left by their weights, and what one does not use the others get', () => {
  let nowMs = 5_000;
  const budget = new Budget(100, () => nowMs);
  const first = budget.part(1, 3);
  expect(first.left()).toBe(25);
  expect([first.has(25), first.has(26)]).toEqual([true, false]);
  nowMs += 10_000;
  expect(first.left()).toBe(15);
  const second = budget.part(2, 1);
  expect(second.left()).toBe(60);
  nowMs += 70_000;
  expect(second.has(0)).toBe(false);
  expect(budget.part(1, 0).left()).toBe(20);
});

describe('one by one', () => {
  const context = (ended?: AbortController) => {
    const troubles: string[] = [];
    const trouble = (text: string) => void troubles.push(text);
    return { signal: (ended ?? new AbortController()).signal, trouble, troubles };
  };

  test('what was found before the time was over stays', async () => {
    const stop = new AbortController();
    const late = async (n: number) => {
      if (n > 2) stop.abort(new OutOfTime());
      stop.signal.throwIfAborted();
      return n;
    };
    const { troubles, ...given } = context(stop);
    expect(await oneByOne([1, 2, 3, 4], given, late)).toEqual([1, 2]);
    expect(troubles).toEqual([]);
    await expect(oneByOne([3], given, late)).rejects.toThrow('the time of the run was over');
  });

  test('what fails is told, and the others go on; nothing but failures is a failure', async () => {
    const { troubles, ...given } = context();
    const odd = async (n: number) => {
      if (n % 2 === 0) throw new Error(`${n} is even`);
      return n;
    };
    expect(await oneByOne([1, 2, 3, 4], given, odd)).toEqual([1, 3]);
    expect(troubles).toEqual(['2 is even', '4 is even']);
    await expect(oneByOne([2, 4], given, odd)).rejects.toThrow('2 is even');
    expect(await oneByOne([1, 2, 3], given, async (n) => (n < 2 ? n : undefined))).toEqual([1]);
  });

  test('an interruption ends all', async () => {
    const stop = new AbortController();
    const work = async (n: number) => {
      if (n === 2) {
        stop.abort(new Error('interrupted'));
        throw new Error('broken off');
      }
      return n;
    };
    await expect(oneByOne([1, 2, 3], context(stop), work)).rejects.toThrow('interrupted');
  });
});
