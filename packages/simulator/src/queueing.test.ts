/** Against queueing theory, where it has closed forms: one worker, one query a batch, Poisson arrivals. */
import { LatencyTable } from '@slackline/scheduling';
import { expect, it } from 'vitest';
import type { Noise } from './options.js';
import { simulate } from './simulate.js';
import { always, poisson } from './testing.js';

const serviceMs = 10;
const seconds = 1_000;
const table = new LatencyTable([{ id: 'only', accuracy: 0.8 }], [1], [[serviceMs]]);

function queue(load: number, noise: Noise) {
  const ratePerS = (load * 1_000) / serviceMs;
  const { latencyMs, batchRecords, ok, accepted } = simulate({
    trace: { arrivalsMs: poisson(ratePerS, seconds), durationMs: seconds * 1_000 },
    models: [{ name: 'm', sloMs: 1e6, tables: { d: table } }],
    workers: [{ count: 1, deviceClass: 'd' }],
    policy: always(1, 0),
    noise,
    record: { batches: true },
  });
  expect(ok).toBe(accepted);
  const busyMs = (batchRecords ?? []).reduce(
    (sum, { startedMs, finishedMs }) => sum + (finishedMs ?? 0) - (startedMs ?? 0),
    0,
  );
  return { latencyMs: latencyMs.mean, utilisation: busyMs / (seconds * 1_000) };
}

it.each([0.3, 0.7])('M/D/1 at load %d', (load) => {
  const { latencyMs, utilisation } = queue(load, { kind: 'none' });
  expect(utilisation / load).toBeCloseTo(1, 1.3);
  const expectedMs = serviceMs + (load * serviceMs) / (2 * (1 - load));
  expect(Math.abs(latencyMs / expectedMs - 1)).toBeLessThan(0.04);
});

it('M/G/1 with lognormal service (Pollaczek and Khinchine)', () => {
  const load = 0.6;
  const p99 = 3;
  const sigma = Math.log(p99) / 2.3263478740408408;
  const meanMs = serviceMs * Math.exp(sigma ** 2 / 2);
  const meanSquare = serviceMs ** 2 * Math.exp(2 * sigma ** 2);
  const ratePerMs = load / serviceMs;
  const expectedMs = meanMs + (ratePerMs * meanSquare) / (2 * (1 - ratePerMs * meanMs));
  const { latencyMs } = queue(load, { kind: 'factor', factor: { p50: 1, p99 } });
  expect(Math.abs(latencyMs / expectedMs - 1)).toBeLessThan(0.05);
});
