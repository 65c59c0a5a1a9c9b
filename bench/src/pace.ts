/** How long things take. */

export interface Pace {
  /** A step that counts, in seconds. */
  readonly stepSeconds: number;
  /** One that finds the neighbourhood. */
  readonly probeSeconds: number;
  /** Of all rates of a warm-up together. */
  readonly warmUpSeconds: number;
  /** How often slackline and the ceiling take turns; fewer where the time does not suffice. */
  readonly rounds: number;
  /** Rates of a round; one that fails by little is asked again. */
  readonly stepsARound: number;
  /** Before every step: what the last one left behind is gone by then. */
  readonly pauseMs: number;
  /** Of the measurements at a rate that is known: latency, overhead, processor time, profiles. */
  readonly measureSeconds: number;
}

/** Ten seconds a step. */
export const full: Pace = {
  ...{
    stepSeconds: 10,
    probeSeconds: 2,
    warmUpSeconds: 6,
    rounds: 3,
    stepsARound: 3,
    measureSeconds: 4,
    pauseMs: 300,
  },
};
/** Everything once, in a minute: does it run? */
export const quick: Pace = {
  ...{ stepSeconds: 2, probeSeconds: 1, warmUpSeconds: 2, rounds: 1, stepsARound: 2, measureSeconds: 1, pauseMs: 200 },
};
/** Of the parts beside the main one, where searches are many. What warms up takes as long as ever. */
export function shortened({ stepSeconds, probeSeconds, measureSeconds, ...pace }: Pace): Pace {
  return {
    ...{ ...pace, rounds: 1, stepsARound: 2 },
    ...{ stepSeconds: 0.35 * stepSeconds, probeSeconds: 0.6 * probeSeconds, measureSeconds: 0.3 * measureSeconds },
  };
}
