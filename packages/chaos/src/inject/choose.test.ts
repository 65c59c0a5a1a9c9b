import { expect, test } from 'vitest';
import type { Victim } from '../target/target.js';
import { choose } from './choose.js';

const victim = (name: string, leads = false): Victim => ({
  ...{ role: 'worker' as const, name, pid: 1, leads, pause: () => {}, resume: () => {}, cut: () => () => {} },
  ...{ kill: async () => {}, stop: async () => {}, start: async () => {} },
});
const all = ['gpu-worker-10', 'gpu-worker-2', 'gpu-worker-0'].map((name) => victim(name));

test('a draw means the same process however the living are listed', () => {
  const names = [0, 1, 2, 3].map((draw) => choose(all, { victim: { draw } })?.name);
  expect(names).toEqual(['gpu-worker-0', 'gpu-worker-2', 'gpu-worker-10', 'gpu-worker-0']);
  expect([0, 1, 2, 3].map((draw) => choose([...all].reverse(), { victim: { draw } })?.name)).toEqual(names);
});

test('the leader is who leads, and nobody where none does', () => {
  expect(choose([victim('scheduler-0'), victim('scheduler-1', true)], { victim: 'leader' })?.name).toBe('scheduler-1');
  expect(choose([victim('scheduler-0')], { victim: 'leader' })).toBeUndefined();
  expect(choose([], { victim: { draw: 5 } })).toBeUndefined();
});
