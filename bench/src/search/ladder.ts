/**
 * The rates that are tried: rungs 5 % apart, so that a rate is tried again in another round and not one beside it. Rung 0 is
 * 8,750 queries a second, the peak of the paper's trace; rungs below are negative.
 */
const anchor = 8_750;
const factor = 1.05;

/** Where searches begin of which nothing is known: small bodies, in queries a second. */
export const beginning = { slackline: anchor, ceiling: 14_000 };

/** Queries a second, in round numbers: whole below 1,000, tens above. */
export function rateAt(rung: number): number {
  const rate = anchor * factor ** rung;
  return rate < 1_000 ? Math.max(1, Math.round(rate)) : Math.round(rate / 10) * 10;
}

/** The rung nearest to a rate. @param rate above 0 */
export function rungOf(rate: number): number {
  return Math.round(Math.log(rate / anchor) / Math.log(factor));
}
