import { expect, it } from 'vitest';
import { Peers } from './peers.js';

it('counts the ingests that were heard lately, and itself before any was', () => {
  const peers = new Peers();
  expect(peers.count).toBe(1);
  peers.heard('a', 0);
  peers.heard('b', 500);
  peers.heard('a', 1_000);
  expect(peers.count).toBe(2);
  peers.heard('a', 5_000);
  expect(peers.count).toBe(1);
});
