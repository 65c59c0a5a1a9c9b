import { expect, it } from 'vitest';
import { Peers } from './peers.js';

it('counts the others that were heard lately, and itself at all times', () => {
  const peers = new Peers('a');
  expect(peers.count).toBe(1);
  peers.heard('b', 500);
  expect(peers.count).toBe(2);
  peers.heard('a', 1_000);
  expect(peers.count).toBe(2);
  peers.heard('a', 5_000);
  expect(peers.count).toBe(1);
});
