import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generate } from './generate.js';
import { reshaped } from './reshape.js';
import { countsPer, summarize } from './summary.js';
import type { Trace } from './trace.js';

describe('a trace of another shape', () => {
  it('has exactly the queries and the length that were asked for, in order', () => {
    const shape = fc.record(
      {
        seconds: fc.double({ min: 0.01, max: 100, noNaN: true }),
        rate: fc.double({ min: 0.5, max: 2_000, noNaN: true }),
        seed: fc.integer(),
      },
      { requiredKeys: [] },
    );
    const trace = generate({ kind: 'gamma', rate: 100, cv2: 4, seconds: 5 });
    fc.assert(
      fc.property(shape, ({ seconds, rate, seed }) => {
        const { arrivalsMs, durationMs } = reshaped(trace, { seconds, rate, seed });
        expect(durationMs).toBe(seconds === undefined ? trace.durationMs : seconds * 1_000);
        const wanted = rate === undefined ? trace.arrivalsMs.length : Math.round((rate * durationMs) / 1_000);
        expect(arrivalsMs.length).toBe(wanted);
        arrivalsMs.forEach((atMs, i) => {
          if (!(atMs >= (arrivalsMs[i - 1] ?? 0) && atMs < durationMs)) expect.fail(`${atMs} ms is out of order`);
        });
      }),
      { seed: 6, numRuns: 150 },
    );
  });

  it('keeps its profile, and what is known of its queries', () => {
    const trace: Trace = generate({ kind: 'accelerating', from: 200, to: 2_000, tau: 100, cv2: 1, seconds: 20 });
    // A column that tells from where each query was taken.
    trace.sloMs = trace.arrivalsMs.slice();
    trace.priority = Uint8Array.from(trace.arrivalsMs, (_, i) => i % 3);
    for (const factor of [0.25, 3.5]) {
      const rate = summarize(trace).meanRate * factor;
      const other = reshaped(trace, { rate, seed: 2 });
      const before = countsPer(trace, 1_000);
      countsPer(other, 1_000).forEach((count, second) => {
        const expected = (before[second] ?? 0) * factor;
        expect(Math.abs(count - expected), `second ${second}`).toBeLessThan(5 * Math.sqrt(expected));
      });
      const originals = new Set(trace.sloMs);
      other.arrivalsMs.forEach((atMs, i) => {
        const from = other.sloMs?.[i] ?? -1;
        if (!originals.has(from) || atMs < from) expect.fail(`${atMs} ms was taken from ${from} ms`);
      });
    }
    expect(reshaped(trace, { rate: 50 }).note).toBe('scaled to 50 queries/s (seed 1)');
  });

  it('leaves poisson arrivals poisson when it takes some away', () => {
    const trace = generate({ kind: 'poisson', rate: 2_000, seconds: 100 });
    expect(summarize(reshaped(trace, { rate: 500 })).gapCv2).toBeCloseTo(1, 1);
  });

  it('is refused of nothing, and for numbers that make none', () => {
    const empty = generate({ kind: 'poisson', rate: 0.001, seconds: 0.001 });
    expect(() => reshaped(empty, { rate: 1 })).toThrow(expect.objectContaining({ code: 'invalid_trace' }));
    expect(() => reshaped(empty, { seconds: -1 })).toThrow('The seconds of a trace takes a number above 0');
  });
});
