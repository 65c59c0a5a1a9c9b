/** What the scheduler reckons with: given, known, or estimated from every batch as the service does. */
import { type Conditions, ConditionsEstimate, heldUpOf } from '@slackline/scheduling';
import { meanOf } from './distribution.js';
import type { SimulationOptions } from './options.js';
import type { Run } from './worker.js';

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
  add(nowMs: number, { batch, waitedMs, executorMs }: Run): boolean {
    if (this.#estimate === undefined) return false;
    const { sentAtMs, expectedMs } = batch;
    const roundTripMs = nowMs - sentAtMs - waitedMs;
    return this.#estimate.add({ atMs: nowMs, roundTripMs, heldUp: heldUpOf(batch, waitedMs), executorMs, expectedMs });
  }
}
