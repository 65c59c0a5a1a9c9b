import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { againstFixed, type Scored } from './against-fixed.js';
import { type ComparedCell, criterion } from './criterion.js';

const point = (policy: string, accuracy: number, attainment: number): Scored => ({ policy, accuracy, attainment });
const fixed = [point('small', 0.7, 1), point('middle', 0.75, 0.9), point('large', 0.8, 0.3)];

describe('against fixed subnets', () => {
  test('accuracy counts against the most accurate one that attains as much', () => {
    const { equalAttainment } = againstFixed(point('ours', 0.78, 0.9), fixed);
    expect(equalAttainment?.against).toBe('middle');
    expect(equalAttainment?.gain).toBeCloseTo(0.03);
    expect(againstFixed(point('ours', 0.78, 0.95), fixed).equalAttainment?.against).toBe('small');
  });

  test('attainment counts against the one that attains most of those as accurate', () => {
    const { equalAccuracy } = againstFixed(point('ours', 0.78, 0.9), fixed);
    expect(equalAccuracy?.against).toBe('large');
    expect(equalAccuracy?.factor).toBeCloseTo(3);
    expect(againstFixed(point('ours', 0.75, 0.99), fixed).equalAccuracy?.factor).toBeCloseTo(1.1);
  });

  test('on the line between two subnets, both are measured at just that point', () => {
    const { onLine } = againstFixed(point('ours', 0.775, 0.95), fixed);
    expect(onLine.gain).toBeCloseTo(0.775 - 0.725);
    expect(onLine.factor).toBeCloseTo(0.95 / 0.6);
  });

  test('says nothing where there is nothing to compare with', () => {
    const better = againstFixed(point('ours', 0.9, 1), [point('large', 0.8, 0.9)]);
    expect(better).toEqual({
      equalAttainment: undefined,
      equalAccuracy: undefined,
      onLine: { gain: undefined, factor: undefined },
    });
    expect(againstFixed(point('ours', 0.7, 0.5), [point('none', 0.8, 0)]).equalAccuracy).toBeUndefined();
  });

  test('a fixed subnet gains nothing over itself', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(unit, unit), { minLength: 1, maxLength: 6 }), (pairs) => {
        const points = pairs.map(([accuracy, attainment], i) => point(`s${i}`, accuracy, attainment));
        for (const each of points) {
          const result = againstFixed(each, points);
          expect(result.equalAttainment?.gain ?? 0).toBeLessThanOrEqual(0);
          expect(result.equalAccuracy?.factor ?? 1).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});

const unit = fc.double({ min: 0.01, max: 1, noNaN: true });

describe('the criterion for the default policy', () => {
  const cell = (ours: [number, number], slackfit: [number, number], smallest = 1): ComparedCell => ({
    name: `cell ${ours}`,
    ours: { attainment: ours[0], effectiveAccuracy: ours[1] },
    slackfit: { attainment: slackfit[0], effectiveAccuracy: slackfit[1] },
    smallest: { attainment: smallest, effectiveAccuracy: 0.7 },
  });

  test('holds with more accuracy and all deadlines', () => {
    const result = criterion('ours', [cell([1, 0.78], [1, 0.77]), cell([0.9995, 0.76], [0.9999, 0.76])]);
    expect(result).toMatchObject({ accuracyHolds: true, attainmentHolds: true, bearableHolds: true, cellsWithMore: 1 });
    // More in one of two cells is not most.
    expect(result.holds).toBe(false);
    expect(criterion('ours', [cell([1, 0.78], [1, 0.77])]).holds).toBe(true);
  });

  test('one cell with less accuracy, less attainment, or a missed load that could be borne, and it does not hold', () => {
    const good = [1, 2, 3].map(() => cell([1, 0.78], [1, 0.77]));
    expect(criterion('ours', [...good, cell([1, 0.7699], [1, 0.77])])).toMatchObject({
      accuracyHolds: false,
      holds: false,
    });
    expect(criterion('ours', [...good, cell([0.9992, 0.78], [0.9998, 0.77])])).toMatchObject({
      attainmentHolds: false,
      holds: false,
    });
    const missed = cell([0.9985, 0.78], [0.9985, 0.77]);
    expect(criterion('ours', [...good, missed])).toMatchObject({ bearableHolds: false, holds: false });
    expect(
      criterion('ours', [...good, { ...missed, smallest: { attainment: 0.99, effectiveAccuracy: 0.7 } }]).holds,
    ).toBe(true);
  });
});
