/**
 * Rates that change over time, by the inverse of their integral: a renewal process of rate 1, mapped through it,
 * arrives at that rate and keeps the CV² of its gaps (time rescaling).
 */

/** @returns when, in milliseconds, so many queries are due in the mean */
export type InverseIntensity = (queries: number) => number;

export function steady(rate: number): InverseIntensity {
  // In this order whole milliseconds stay whole.
  return (queries) => (queries * 1_000) / rate;
}

export interface Ramp {
  /** Queries a second, above 0. */
  from: number;
  to: number;
  /** Queries/s², above 0, up or down. */
  tau: number;
  /** When the change begins, in seconds. */
  at: number;
}

export function ramp({ from, to, tau, at }: Ramp): InverseIntensity {
  const before = from * at;
  const seconds = Math.abs(to - from) / tau;
  const during = ((from + to) / 2) * seconds;
  const slope = Math.sign(to - from) * tau;
  return (queries) => {
    if (queries <= before) return (queries * 1_000) / from;
    const beyond = queries - before;
    if (beyond >= during) return 1_000 * (at + seconds + (beyond - during) / to);
    // The root of from·s + slope·s²/2 = beyond, in the form that loses no digits for a small slope.
    return 1_000 * (at + (2 * beyond) / (from + Math.sqrt(from * from + 2 * slope * beyond)));
  };
}

export interface Wave {
  /** Queries a second: `low` 0 or more, and reached at the start. */
  low: number;
  high: number;
  /** In seconds. */
  period: number;
}

export function wave({ low, high, period }: Wave): InverseIntensity {
  const middle = (low + high) / 2;
  const omega = (2 * Math.PI) / period;
  const swing = (high - low) / 2;
  const expected = (t: number) => middle * t - (swing / omega) * Math.sin(omega * t);
  const rateAt = (t: number) => middle - swing * Math.cos(omega * t);
  // The wave is never further than this from the straight line through its middle.
  const reach = Math.abs(swing) / omega / middle;
  return (queries) =>
    1_000 * rootOf((t) => expected(t) - queries, rateAt, queries / middle - reach, queries / middle + reach);
}

const steps = 60;

/**
 * Root of an ascending function between `low` and `high`: Newton's steps, halving where one would leave the bracket.
 */
function rootOf(value: (t: number) => number, slope: (t: number) => number, low: number, high: number): number {
  let [least, most] = [low, high];
  let t = (low + high) / 2;
  for (let step = 0; step < steps; step++) {
    const error = value(t);
    if (error > 0) most = t;
    else least = t;
    const newton = t - error / slope(t);
    const next = newton > least && newton < most ? newton : (least + most) / 2;
    if (Math.abs(next - t) <= 1e-12 * Math.max(1, Math.abs(t))) return next;
    t = next;
  }
  return t;
}
