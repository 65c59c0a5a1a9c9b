import { expect, it } from 'vitest';
import { ArrivalRate } from './arrival-rate.js';

it('goes on where the count of a model that was forgotten begins anew', () => {
  const rate = new ArrivalRate(60, 0, 0);
  let counted = 0;
  let nowMs = 0;
  const pass = (ms: number) => {
    for (const untilMs = nowMs + ms; nowMs < untilMs; nowMs += 1) {
      counted += 3;
      rate.observe(counted, nowMs);
    }
  };
  pass(1_000);
  expect(rate.perMs(nowMs)).toBeCloseTo(3, 1);
  counted = 0;
  pass(5);
  expect(rate.perMs(nowMs)).toBeCloseTo(3, 1);
});
