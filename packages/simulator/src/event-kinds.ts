/** What can come up in a simulation, besides queries and the dispatcher's own wake-ups. */
export const eventKinds = {
  /** The end of a batch reaches the scheduler. */
  done: 0,
  /** What the options say happens to a worker. */
  happening: 1,
  /** A round of the scheduler's liveness, for one worker. */
  probe: 2,
  /** The scheduler gives a worker up. */
  lost: 3,
  /** The broker says that nobody listened for a batch: its worker is given up. */
  unheard: 10,
  /** A worker's first report reaches the scheduler. */
  report: 4,
  /** A worker's pause is over. */
  resume: 5,
  /** The scheduler reads the conditions anew, which it does every second whatever happens. */
  refresh: 6,
  /** The policy is asked whether a plan is due. */
  planCheck: 7,
  /** A plan is ready. */
  adopt: 8,
  /** A worker that joins later is there. */
  begin: 9,
} as const;
