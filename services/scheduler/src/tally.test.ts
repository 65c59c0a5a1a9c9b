import { expect, it } from 'vitest';
import { Tally } from './tally.js';

it('forgets workers of an earlier term, which may have left while another scheduler led', () => {
  const tally = new Tally();
  tally.executor('gpu-worker-0', 'cpu');
  tally.beginTerm();
  expect(tally.executorOf('gpu-worker-0')).toBe('');
  tally.executor('gpu-worker-1', 'cuda');
  expect(tally.executorOf('gpu-worker-1')).toBe('cuda');
  tally.forget('gpu-worker-1');
  expect(tally.executorOf('gpu-worker-1')).toBe('');
});
