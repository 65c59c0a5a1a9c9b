/** What the scheduler reckons with: given, known, or estimated from every batch as the service does. */
import { type Conditions, ConditionsEstimate } from '@slackline/scheduling';
import { meanOf } from './distribution.js';
import type { SimulationOptions } from './options.js';

/** As in the service's configuration. */
const defaultFirstOverheadMs = 2;
/** How often the service reads its estimate when no batch makes it. */
export const refreshEveryMs = 1_000;

export class Reckoning {
  readonly #estimate: ConditionsEstimate | undefined;
  readonly #given: Conditions;

  constructor({ conditions = 'ideal', busDelayMs = 0, firstOverheadMs = defaultFirstOverheadMs }: SimulationOptions) {
    if (conditions === 'estimated') this.#estimate = new ConditionsEstimate(firstOverheadMs);
    const ideal = { slowdown: 1, overheadMs: 2 * meanOf(busDelayMs), reserveMs: 0 };
    this.#given = typeof conditions === 'object' ? conditions : ideal;
  }

  get isEstimated(): boolean {
    return this.#estimate !== undefined;
  }

  read(nowMs: number): Conditions {
    return this.#estimate?.read(nowMs) ?? this.#given;
  }

  /** A batch has come back. Returns whether it is time to read again. */
  add(nowMs: number, executorMs: number, { sentAtMs, expectedMs }: { sentAtMs: number; expectedMs: number }): boolean {
    if (this.#estimate === undefined) return false;
    return this.#estimate.add({ atMs: nowMs, roundTripMs: nowMs - sentAtMs, executorMs, expectedMs });
  }
}
