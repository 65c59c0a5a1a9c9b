/** How wrong a predictor is on samples that it was not fitted to. Pure. */

export interface PredictionError {
  /** Samples compared. */
  samples: number;
  /** Mean absolute error, in the unit of the values. */
  mae: number;
  /** Mean absolute error relative to the true value. */
  mape: number;
  /** Kendall's rank correlation (tau-b): 1 when every pair is in the right order, 0 for a guess. */
  tau: number;
}

export function predictionError(predicted: readonly number[], actual: readonly number[]): PredictionError {
  const off = actual.map((value, i) => Math.abs(value - (predicted[i] ?? Number.NaN)));
  return {
    samples: actual.length,
    mae: mean(off),
    mape: mean(off.map((error, i) => error / Math.abs(actual[i] ?? Number.NaN))),
    tau: kendallTau(predicted, actual),
  };
}

/** Kendall's tau-b: pairs in the same order less those in opposite order, of the pairs that are tied in neither. */
export function kendallTau(a: readonly number[], b: readonly number[]): number {
  let agreement = 0;
  let [untiedA, untiedB] = [0, 0];
  for (let i = 1; i < a.length; i++) {
    for (let j = 0; j < i; j++) {
      const signA = Math.sign((a[i] ?? 0) - (a[j] ?? 0));
      const signB = Math.sign((b[i] ?? 0) - (b[j] ?? 0));
      agreement += signA * signB;
      untiedA += Math.abs(signA);
      untiedB += Math.abs(signB);
    }
  }
  return untiedA * untiedB === 0 ? 0 : agreement / Math.sqrt(untiedA * untiedB);
}

/**
 * What a model says of each sample when it is fitted to the samples of all other folds (sample `i` lies in fold
 * `i % folds`), in the order of the samples.
 */
export function crossPredicted<X>(
  inputs: readonly X[],
  values: readonly number[],
  folds: number,
  fit: (inputs: readonly X[], values: readonly number[]) => (input: X) => number,
): number[] {
  const predicted: number[] = new Array(inputs.length).fill(Number.NaN);
  for (let fold = 0; fold < Math.min(folds, inputs.length); fold++) {
    const outside = (_: unknown, i: number) => i % folds !== fold;
    const predict = fit(inputs.filter(outside), values.filter(outside));
    for (let i = fold; i < inputs.length; i += folds) {
      const input = inputs[i];
      if (input !== undefined) predicted[i] = predict(input);
    }
  }
  return predicted;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
