/**
 * Latency as a sum of what the parts of a network take: every coefficient is a time per unit of work and cannot be
 * negative. Fitted to relative errors, for a fast subnet's latency matters as much as a slow one's. Pure.
 */
import { fcnnlsVector } from 'ml-fcnnls';

/** Amounts of work, none negative; the same length for every subnet. */
export type Features = readonly number[];

export interface AdditiveModel {
  /** In the order of the features: the unit of what was fitted per unit of the feature. */
  coefficients: number[];
}

/** Pulls coefficients that the samples do not tell apart towards each other: a share of the fit, as an extra sample. */
const ridge = 1e-3;

/** Non-negative least squares of `features * coefficients / values` to 1. Values must be positive. */
export function fitAdditive(features: readonly Features[], values: readonly number[]): AdditiveModel {
  const count = features[0]?.length ?? 0;
  // Each feature in the unit of its own mean: amounts of work differ by many orders of magnitude.
  const units = Array.from({ length: count }, (_, k) => mean(features.map((row) => row[k] ?? 0)));
  const typical = mean(values);
  const rows = features.map((row, i) => {
    return row.map((amount, k) => (units[k] ? (amount / units[k]) * (typical / (values[i] ?? 1)) : 0));
  });
  const penalty = Math.sqrt(ridge * rows.length);
  for (let k = 0; k < count; k++) rows.push(units.map((_, other) => (other === k ? penalty : 0)));
  const targets = rows.map((_, i) => (i < features.length ? 1 : 0));
  const solved = fcnnlsVector(rows, targets).K.to1DArray();
  return { coefficients: solved.map((value, k) => (units[k] ? (value * typical) / units[k] : 0)) };
}

export function predictAdditive({ coefficients }: AdditiveModel, features: Features): number {
  return coefficients.reduce((sum, coefficient, k) => sum + coefficient * (features[k] ?? 0), 0);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
