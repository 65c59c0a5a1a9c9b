import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fitAdditive, predictAdditive } from './additive-model.js';
import { crossPredicted, kendallTau, predictionError } from './errors.js';
import { GaussianProcess } from './gaussian-process.js';
import { randomOf } from './random.js';

/** Amounts of work as unlike as blocks and multiply-accumulates are. */
function amounts(count: number, seed: number): number[][] {
  const random = randomOf(seed, 'amounts');
  return Array.from({ length: count }, () => [1, random.below(5), 1e6 * random.below(50), 1e4 * random.below(90)]);
}

test('finds the times per unit of work again, also under noise', () => {
  const truth = [0.05, 0.2, 3e-8, 4e-7];
  const fitted = amounts(60, 1);
  const time = (features: readonly number[]) => predictAdditive({ coefficients: truth }, features);
  const exact = fitAdditive(fitted, fitted.map(time));
  for (const [k, coefficient] of exact.coefficients.entries()) {
    expect(coefficient / (truth[k] ?? Number.NaN)).toBeCloseTo(1, 1);
  }
  const random = randomOf(1, 'noise');
  const noisy = fitAdditive(
    fitted,
    fitted.map((features) => time(features) * (0.95 + 0.1 * random.next())),
  );
  const others = amounts(60, 2);
  const error = predictionError(
    others.map((features) => predictAdditive(noisy, features)),
    others.map(time),
  );
  expect(error.mape).toBeLessThan(0.05);
  expect(error.tau).toBeGreaterThan(0.95);
});

test('never says that work takes negative time, whatever was measured', () => {
  const sample = fc.tuple(
    fc.array(fc.nat(9), { minLength: 3, maxLength: 3 }),
    fc.double({ min: 0.01, max: 9, noNaN: true }),
  );
  fc.assert(
    fc.property(fc.array(sample, { minLength: 1, maxLength: 12 }), (samples) => {
      const features = samples.map(([own]) => [1, ...own]);
      const { coefficients } = fitAdditive(
        features,
        samples.map(([, value]) => value),
      );
      expect(coefficients).toHaveLength(4);
      for (const coefficient of coefficients) expect(coefficient).toBeGreaterThanOrEqual(0);
    }),
  );
});

/** A smooth function of five sizes with an interaction. */
function landscape([a = 0, b = 0, c = 0, d = 0, e = 0]: readonly number[]): number {
  return 2 * a + b - 0.5 * c ** 2 + Math.sin(3 * d) * e;
}

function points(count: number, seed: number): number[][] {
  const random = randomOf(seed, 'points');
  return Array.from({ length: count }, () => Array.from({ length: 5 }, () => random.below(4) / 3));
}

test('a Gaussian process orders points that it was not shown', () => {
  const random = randomOf(3, 'noise');
  const shown = points(120, 1);
  const process = new GaussianProcess(
    shown,
    shown.map((point) => landscape(point) + 0.1 * (random.next() - 0.5)),
  );
  const others = points(100, 2);
  const error = predictionError(
    others.map((point) => process.predict(point).mean),
    others.map(landscape),
  );
  expect(error.tau).toBeGreaterThan(0.9);
  expect(error.mae).toBeLessThan(0.1);
});

test('a Gaussian process is less sure the farther it is from what it was shown', () => {
  const shown = [0, 0.1, 0.2, 0.3, 0.4].map((x) => [x]);
  const process = new GaussianProcess(
    shown,
    shown.map(([x = 0]) => Math.sin(9 * x)),
  );
  const [near, far] = [process.predict([0.25]), process.predict([1.5])];
  expect(far.deviation).toBeGreaterThan(2 * near.deviation);
});

test('a Gaussian process bears values that are all the same, and points that were shown twice', () => {
  const flat = new GaussianProcess([[0], [1], [1]], [0.5, 0.5, 0.5]);
  expect(flat.predict([0.3]).mean).toBeCloseTo(0.5);
  expect(flat.predict([0.3]).deviation).toBeCloseTo(0);
});

test('rank correlation is 1 in order, -1 in reverse, 0 where nothing differs', () => {
  expect(kendallTau([1, 2, 3, 4], [10, 20, 30, 40])).toBe(1);
  expect(kendallTau([1, 2, 3, 4], [4, 3, 2, 1])).toBe(-1);
  expect(kendallTau([1, 1, 1], [1, 2, 3])).toBe(0);
  expect(kendallTau([1, 2, 3, 4], [1, 2, 4, 3])).toBeCloseTo(4 / 6);
});

test('predicts every sample by a fit that has not seen it', () => {
  const inputs = Array.from({ length: 23 }, (_, i) => i);
  const seen = crossPredicted(inputs, inputs, 5, (shown) => (input) => (shown.includes(input) ? 1 : 0));
  expect(seen).toEqual(inputs.map(() => 0));
});
