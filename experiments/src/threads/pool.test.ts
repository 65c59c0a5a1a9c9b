import { afterEach, describe, expect, test } from 'vitest';
import type { Cell } from '../cells/cell.js';
import { TaskPool } from './pool.js';

const device = {
  model: 'm',
  deviceClass: 'd',
  batches: [1, 2],
  subnets: [
    { id: 'small', accuracy: 0.7, p50Ms: [1, 1.5], p99Ms: [1, 1.5] },
    { id: 'large', accuracy: 0.8, p50Ms: [3, 5], p99Ms: [3, 5] },
  ],
};
const cell = (policy: string): Cell => {
  const trace = { kind: 'poisson', rate: 100, seconds: 1, seed: 1 } as const;
  return { trace, device, workers: 1, sloMs: 20, policy, seed: 1 };
};
const policies = ['fixed:small', 'fixed:large', 'slackfit', 'maxacc', 'maxbatch'];

const pools: TaskPool[] = [];
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});
function pool(size: number, signal = new AbortController().signal): TaskPool {
  const made = new TaskPool(size, signal);
  pools.push(made);
  return made;
}

describe.each([0, 2])('with %i threads', (size) => {
  test('gives results in the order of the tasks, and says how many are done', async () => {
    const done: number[] = [];
    const results = await pool(size).map('cell', policies.map(cell), (count) => done.push(count));
    expect(results.map(({ policy }) => policy)).toEqual(policies);
    expect(done).toEqual([1, 2, 3, 4, 5]);
    expect(results[0]?.accuracy).toBeCloseTo(0.7);
    expect(results[1]?.accuracy).toBeCloseTo(0.8);
  });

  test('ends with the error of a task, and can be used again', async () => {
    const tasks = pool(size);
    await expect(tasks.map('cell', [cell('slackfit'), cell('nonsense')])).rejects.toThrow('nonsense');
    expect(await tasks.map('cell', [cell('slackfit')])).toHaveLength(1);
  });

  test('ends with the reason of an interruption', async () => {
    const stop = new AbortController();
    const running = pool(size, stop.signal).map('cell', policies.map(cell), () => stop.abort(new Error('enough')));
    await expect(running).rejects.toThrow('enough');
  });
});

test('threads find what the main thread finds', async () => {
  const plain = (results: readonly object[]) => results.map((result) => ({ ...result, wallMs: 0 }));
  const [inPlace, onThreads] = await Promise.all([0, 2].map((size) => pool(size).map('cell', policies.map(cell))));
  expect(plain(onThreads ?? [])).toEqual(plain(inPlace ?? []));
});
