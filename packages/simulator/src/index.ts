/** Discrete-event time around packages/scheduling: a trace in, outcomes out. */
export {};
