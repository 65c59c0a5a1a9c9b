/**
 * Regression by a Gaussian process (Rasmussen and Williams, 2006, algorithm 2.1): a linear trend plus smooth deviations
 * plus noise. Predicts a mean and how sure it is. The few hyperparameters are the most likely ones of a grid. Pure.
 */
import { CholeskyDecomposition, Matrix } from 'ml-matrix';

/** What the process says of a point. */
export interface Prediction {
  mean: number;
  /** Standard deviation of the function itself, without the noise of a measurement. */
  deviation: number;
}

interface Hyperparameters {
  /** Distance over which deviations are alike, in units of the root mean square distance between samples. */
  length: number;
  /** Variance of the linear trend and of the noise, as multiples of the deviations' variance. */
  trend: number;
  noise: number;
}

interface Fitted {
  weights: number[];
  /** Rows of the lower triangle of the covariance's Cholesky factor. */
  factor: Float64Array[];
  /** Variance of the deviations. */
  scale: number;
  logLikelihood: number;
}

const grid: readonly Hyperparameters[] = [0.35, 0.7, 1.4].flatMap((length) =>
  [0.3, 3, 30].flatMap((trend) => [0.003, 0.03, 0.1, 0.3, 1].map((noise) => ({ length, trend, noise }))),
);

/** Samples that hyperparameters are chosen on. */
const mostForChoice = 160;

export class GaussianProcess {
  readonly #inputs: readonly (readonly number[])[];
  readonly #mean: number;
  readonly #unit: number;
  readonly #kernel: (a: readonly number[], b: readonly number[]) => number;
  readonly #fitted: Fitted;

  /** Fits the process to `values` at `inputs`, of which there must be at least two. */
  constructor(inputs: readonly (readonly number[])[], values: readonly number[]) {
    if (inputs.length < 2 || inputs.length !== values.length) throw new RangeError('at least two samples are needed');
    this.#inputs = inputs;
    this.#mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    this.#unit = rootMeanSquareDistance(inputs);
    const centred = values.map((value) => value - this.#mean);
    // Hyperparameters are chosen on a part, for the time a fit takes grows with the cube of the samples.
    const stride = Math.ceil(inputs.length / mostForChoice);
    const part = <T>(all: readonly T[]) => all.filter((_, i) => i % stride === 0);
    let best: { own: Hyperparameters; logLikelihood: number } | undefined;
    for (const own of grid) {
      const tried = fit(part(inputs), part(centred), this.#kernelOf(own), own.noise);
      if (tried !== undefined && tried.logLikelihood > (best?.logLikelihood ?? Number.NEGATIVE_INFINITY)) {
        best = { own, logLikelihood: tried.logLikelihood };
      }
    }
    const fitted = best === undefined ? undefined : fit(inputs, centred, this.#kernelOf(best.own), best.own.noise);
    if (best === undefined || fitted === undefined) throw new RangeError('the samples admit no covariance');
    this.#kernel = this.#kernelOf(best.own);
    this.#fitted = fitted;
  }

  predict(input: readonly number[]): Prediction {
    const { weights, factor, scale } = this.#fitted;
    const covariances = this.#inputs.map((sample) => this.#kernel(sample, input));
    const mean = covariances.reduce((sum, value, i) => sum + value * (weights[i] ?? 0), this.#mean);
    const explained = forward(factor, covariances).reduce((sum, value) => sum + value * value, 0);
    const variance = scale * Math.max(0, this.#kernel(input, input) - explained);
    return { mean, deviation: Math.sqrt(variance) };
  }

  #kernelOf({ length, trend }: Hyperparameters): (a: readonly number[], b: readonly number[]) => number {
    const dimensions = this.#inputs[0]?.length ?? 1;
    const reach = 2 * (length * this.#unit) ** 2;
    return (a, b) => {
      let [dot, distance] = [0, 0];
      for (let i = 0; i < dimensions; i++) {
        const [x, y] = [a[i] ?? 0, b[i] ?? 0];
        dot += (x - 0.5) * (y - 0.5);
        distance += (x - y) ** 2;
      }
      return Math.exp(-distance / reach) + (trend * dot) / dimensions;
    };
  }
}

function fit(
  inputs: readonly (readonly number[])[],
  values: readonly number[],
  kernel: (a: readonly number[], b: readonly number[]) => number,
  noise: number,
): Fitted | undefined {
  const count = inputs.length;
  const covariance = Matrix.zeros(count, count);
  for (const [i, a] of inputs.entries()) {
    for (const [j, b] of inputs.entries()) {
      if (j > i) break;
      const value = kernel(a, b) + (i === j ? noise : 0);
      covariance.set(i, j, value);
      covariance.set(j, i, value);
    }
  }
  const cholesky = new CholeskyDecomposition(covariance);
  if (!cholesky.isPositiveDefinite()) return undefined;
  const weights = cholesky.solve(Matrix.columnVector([...values])).to1DArray();
  const scale = weights.reduce((sum, weight, i) => sum + weight * (values[i] ?? 0), 0) / count;
  const factor = cholesky.lowerTriangularMatrix.to2DArray().map((row) => Float64Array.from(row));
  const logDeterminant = factor.reduce((sum, row, i) => sum + 2 * Math.log(row[i] ?? 1), 0);
  const logLikelihood = -0.5 * (count * Math.log(Math.max(scale, 1e-12)) + logDeterminant);
  return { weights, factor, scale, logLikelihood };
}

/** Solves L x = b for a lower triangle. */
function forward(factor: readonly Float64Array[], b: readonly number[]): Float64Array {
  const x = new Float64Array(b.length);
  for (const [i, row] of factor.entries()) {
    let rest = b[i] ?? 0;
    for (let j = 0; j < i; j++) rest -= (row[j] ?? 0) * (x[j] ?? 0);
    x[i] = rest / (row[i] ?? 1);
  }
  return x;
}

function rootMeanSquareDistance(inputs: readonly (readonly number[])[]): number {
  const dimensions = inputs[0]?.length ?? 0;
  let variance = 0;
  for (let k = 0; k < dimensions; k++) {
    const column = inputs.map((input) => input[k] ?? 0);
    const mean = column.reduce((sum, value) => sum + value, 0) / column.length;
    variance += column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / column.length;
  }
  return Math.sqrt(2 * variance) || 1;
}
