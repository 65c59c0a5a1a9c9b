import { expect, it } from 'vitest';
import { type Phase, spansOf, traceOfPhases } from './phases.js';
import { priorityNames } from './trace.js';

const phases: Phase[] = [
  { name: 'before', seconds: 20, rates: { low: 20, normal: 10, high: 0 } },
  { name: 'overload', seconds: 40, rates: { low: 200, normal: 10, high: 30 } },
];

it('has each class at its rate in each phase, in the order of time', () => {
  const { arrivalsMs, priority, durationMs } = traceOfPhases(phases, 1);
  expect(durationMs).toBe(60_000);
  expect([...arrivalsMs]).toEqual([...arrivalsMs].sort((a, b) => a - b));
  for (const { fromMs, toMs, seconds, rates } of spansOf(phases)) {
    for (const [code, name] of priorityNames.entries()) {
      const count = arrivalsMs.filter((ms, i) => ms >= fromMs && ms < toMs && priority?.[i] === code).length;
      const mean = rates[name] * seconds;
      // Four standard deviations of Poisson, and seeded.
      expect(Math.abs(count - mean)).toBeLessThanOrEqual(4 * Math.sqrt(mean));
    }
  }
});

it('is the same for the same seed, and another for another', () => {
  expect(traceOfPhases(phases, 7)).toEqual(traceOfPhases(phases, 7));
  expect(traceOfPhases(phases, 7).arrivalsMs).not.toEqual(traceOfPhases(phases, 8).arrivalsMs);
});
