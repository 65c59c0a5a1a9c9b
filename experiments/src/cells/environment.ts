/**
 * How a simulated system differs from its profile: one setting for every simulated figure and every policy, and another one
 * for what is simulated beside a live run. They are assumptions, not measurements; `maf` tells how much hangs on them.
 */
import type { SimulationOptions } from '@slackline/simulator';

/** 99th percentile over median of a batch's time in the executor. Assumed: on a GPU of its own inference is steady (Clockwork, OSDI'20). */
export const tailFactor = 1.02;

/** Of one command, one completion: half of them take less than p50, one in a hundred more than p99. Milliseconds, local network. */
export const busDelayMs = { p50: 0.2, p99: 0.6 };
export const slowBusDelayMs = { p50: 0.5, p99: 2 };

/** Simulated time from asking for a plan to having it. Fixed, because the same seed shall give the same figures. */
export const planDelayMs = 100;

/** Of one way between two processes, and of the way through ingest and the stream, where all share two cores. Milliseconds. */
const sharedBusDelayMs = { p50: 0.5, p99: 5 };
const sharedIntakeDelayMs = { p50: 1.5, p99: 10 };
/** An emulated device holds a batch for between once and so many times its profiled time. */
const sharedFactor = 1.005;

export type SurroundingsName = 'dedicated' | 'shared' | 'slowBus';

export const surroundings = {
  /** A core for each process. */
  dedicated: { noise: { kind: 'profile' }, busDelayMs, conditions: 'estimated' },
  /** The same with messages that take about three times as long: what the first one's results owe to a fast network. */
  slowBus: { noise: { kind: 'profile' }, busDelayMs: slowBusDelayMs, conditions: 'estimated' },
  /** Producer, broker, services and emulated workers on a quiet machine of two cores. */
  shared: {
    noise: { kind: 'factor', factor: { sorted: [1, sharedFactor] } },
    intakeDelayMs: sharedIntakeDelayMs,
    busDelayMs: sharedBusDelayMs,
    conditions: 'estimated',
  },
} as const satisfies Record<SurroundingsName, Partial<SimulationOptions>>;

/** For reports. */
export const environmentText =
  `All simulations have the same surroundings, which are assumed, unless something else is said beside one: batches take the profiled time times a lognormal factor (median 1, 99th ` +
  `percentile ${tailFactor}); each message between scheduler and worker takes ${busDelayMs.p50} ms in the median and ` +
  `${busDelayMs.p99} ms at the 99th percentile; the scheduler reckons with what it measures of both, by the code of the ` +
  `service; a plan is there ${planDelayMs} ms after it was asked for. All policies get the same expiry, the same batching up ` +
  'to what waits and the same guard against the tail of the profile (docs/policies.md).';

/** For reports of live runs. */
export const sharedText =
  `The simulation beside it assumes a shared machine: ${sharedBusDelayMs.p50} ms in the median and ${sharedBusDelayMs.p99} ms at the ` +
  `99th percentile for each message between scheduler and worker, ${sharedIntakeDelayMs.p50} and ${sharedIntakeDelayMs.p99} ms from the ` +
  `producer to the queue, and devices that hold a batch for 1 to ${sharedFactor} times its profiled time.`;
