import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Axis, axis, extentOf, fixedAxis, regroup, sizeOf } from './axes.js';
import { type Extent, fixed, inARow, ofGroup, rangesIn, runsOf, describe as say, scaled, sizeIn } from './extent.js';

const SIZES: Record<string, number[]> = { a: [4, 8, 12], b: [2, 6] };
const sizesOf = (group: string) => SIZES[group] ?? [];
const configs = (SIZES.a ?? []).flatMap((a) => (SIZES.b ?? []).map((b) => ({ a, b })));
const a = ofGroup('a', 12);
const b = ofGroup('b', 6);

/** Where the entries that a subnet keeps stand in the flattened largest tensor, with 2 rows. */
function kept(axes: readonly Axis[], config: Record<string, number>): number[] {
  let indices = [0];
  for (const factor of axes.flat()) {
    const full = factor === 'rows' ? 2 : factor.full;
    const ranges = factor === 'rows' ? [{ begin: 0, size: 2 }] : rangesIn(config, factor);
    const own = ranges.flatMap(({ begin, size }) => Array.from({ length: size }, (_, i) => begin + i));
    indices = indices.flatMap((index) => own.map((i) => index * full + i));
  }
  return indices;
}

const extent: fc.Arbitrary<Extent> = fc.oneof(
  fc.integer({ min: 1, max: 6 }).map(fixed),
  fc.constantFrom(a, b, scaled(a, 2), ofGroup('b', 6, 2), inARow([fixed(2), b, fixed(1)]), inARow([a, b])),
);
const anyAxes = fc.array(fc.oneof({ weight: 5, arbitrary: extent }, fc.constant('rows' as const)), { maxLength: 4 });

describe('an axis', () => {
  it('is the same however its factors are grouped', () => {
    expect(axis(a, fixed(2))).toEqual(axis(scaled(a, 2)));
    expect(axis(inARow([b, b, b]))).toEqual(axis(fixed(3), b));
    expect(axis(fixed(1))).toEqual([]);
    expect(sizeOf(axis(fixed(3), 'rows'))).toBe(-1);
  });

  it('of heads has as many as the channels make, and is made of channels again', () => {
    const heads = runsOf(a, 4, sizesOf);
    expect(heads && sizeIn({ a: 8 }, heads)).toBe(2);
    expect(heads && axis(heads, fixed(4))).toEqual(axis(a));
    expect(runsOf(a, 3, sizesOf)).toBeUndefined();
  });

  it('with a group inside is as many parts', () => {
    expect(say(extentOf(axis(fixed(2), b)) ?? fixed(0))).toBe('b (up to 6) + b (up to 6)');
    expect(() => extentOf(axis(fixed(5000), b))).toThrowError(/more than 1024 parts/);
  });
});

describe('regrouping axes', () => {
  it('never moves an entry, in any subnet', () => {
    let done = 0;
    const cuts = fc.array(fc.integer({ min: 1, max: 24 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(anyAxes, cuts, (factors, sizes) => {
        const from = factors.filter((f, i) => f !== 'rows' || factors.indexOf('rows') === i).map((f) => axis(f));
        const count = from.flat().reduce((n, f) => n * (f === 'rows' ? 1 : f.full), 1);
        const rows = from.flat().includes('rows');
        // Sizes that multiply to the whole: each the largest divisor of what is left that a drawn number has in common.
        let left = count;
        const to = sizes.map((size) => {
          const n = divisor(left, size);
          left /= n;
          return { n, rows: false };
        });
        const first = { n: 1, rows };
        const axes = regroup(from, [first, ...to, { n: left, rows: false }], sizesOf);
        if (typeof axes === 'string') return;
        done++;
        for (const config of configs) expect(kept(axes, config).join()).toBe(kept(from, config).join());
      }),
      { numRuns: 200, seed: 3 },
    );
    expect(done).toBeGreaterThan(40);
  });

  it('merges and splits attention heads', () => {
    const split = regroup(
      [axis('rows'), fixedAxis(5), axis(a)],
      [
        { n: 1, rows: true },
        { n: 5, rows: false },
        { n: 3, rows: false },
        { n: 4, rows: false },
      ],
      sizesOf,
    );
    expect(split).toEqual([axis('rows'), fixedAxis(5), axis(runsOf(a, 4, sizesOf) ?? fixed(0)), fixedAxis(4)]);
  });

  it('says why it cannot', () => {
    const to = (...sizes: number[]) => sizes.map((n) => ({ n, rows: false }));
    expect(regroup([axis(a)], to(3, 4), sizesOf)).toBeInstanceOf(Array);
    expect(regroup([axis(a)], to(2, 6), sizesOf)).toBe('a (up to 12) cannot be split into runs of 6 in every subnet');
    expect(regroup([axis(a)], to(5), sizesOf)).toBe('it cuts across an axis of a (up to 12)');
    expect(regroup([axis('rows'), axis(b)], to(6), sizesOf)).toMatch(/rows of the batch/);
  });
});

function divisor(of: number, wish: number): number {
  let n = Math.min(of, wish);
  while (of % n !== 0) n--;
  return n;
}
