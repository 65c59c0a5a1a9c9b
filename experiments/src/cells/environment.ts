/**
 * How a simulated system differs from its profile: one setting for every simulated figure and every policy, and another one
 * for what is simulated beside a live run.
 */
import type { SimulationOptions } from '@slackline/simulator';

/** 99th percentile over median of a batch's time in the executor: inference on a GPU of its own is steady (Clockwork, OSDI'20). */
export const tailFactor = 1.02;

/** Of one command, one completion: half of them take less than p50, one in a hundred more than p99. Milliseconds, local network. */
const busDelayMs = { p50: 0.2, p99: 0.6 };

/** Simulated time from asking for a plan to having it. Fixed, because the same seed shall give the same figures. */
export const planDelayMs = 100;

export type SurroundingsName = 'dedicated' | 'shared';

export const surroundings = {
  /** A core for each process. */
  dedicated: { noise: { kind: 'profile' }, busDelayMs, conditions: 'estimated' },
  /**
   * Producer, broker, services and emulated workers on a quiet machine of two cores: as the test of agreement between
   * simulator and system has it (test/e2e/agreement.ts).
   */
  shared: {
    noise: { kind: 'factor', factor: { sorted: [1, 1.005] } },
    intakeDelayMs: { p50: 1.5, p99: 10 },
    busDelayMs: { p50: 0.5, p99: 5 },
    conditions: 'estimated',
  },
} as const satisfies Record<SurroundingsName, Partial<SimulationOptions>>;

/** For reports. */
export const environmentText =
  `Every simulation has the same surroundings: batches take the profiled time times a lognormal factor (median 1, 99th ` +
  `percentile ${tailFactor}); each message between scheduler and worker takes ${busDelayMs.p50} ms in the median and ` +
  `${busDelayMs.p99} ms at the 99th percentile; the scheduler reckons with what it measures of both, by the code of the ` +
  `service; a plan is there ${planDelayMs} ms after it was asked for. All policies get the same expiry, the same batching up ` +
  'to what waits and the same guard against the tail of the profile (docs/policies.md).';
