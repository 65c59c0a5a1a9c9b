/** Discrete-event time around packages/scheduling: a trace in, outcomes out. */
export * from './distribution.js';
export { serviceLiveness } from './fleet.js';
export * from './options.js';
export * from './result.js';
export { simulate } from './simulate.js';
