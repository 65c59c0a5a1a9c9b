/**
 * How the highest rate that passes is looked for. Both searches ask the same question of a rung of the ladder, does it pass?,
 * and differ in what an answer costs: `climb` finds the neighbourhood with short probes, `edge` walks it with steps that count.
 * What failed is asked once more: a system that is still warming up fails where it later passes, and at these rates a machine that
 * stands still for a twentieth of a second fails a step. Beyond that neither believes that a rung above a failed one could pass.
 */
export interface Asking {
  /** Whether the rate of a rung passes. */
  passes(rung: number): Promise<boolean>;
  /** Asked before every step: whether there is time for another one. */
  isEnough(): boolean;
}

/** Upwards by a third at a time; what lies between is halved until it is known to so many rungs, 16 %. */
const stride = 6;
const nearby = 3;
/** Nothing is served slower than this: below, a search gives up. Some 2 queries a second. */
const lowestRung = -170;

/**
 * Finds about where rates stop to pass. Returns the highest rung that passed; where none did, the lowest that was tried, less
 * one. @param from the rung to begin with
 */
export async function climb(from: number, asking: Asking): Promise<number> {
  let passed: number | undefined;
  let failed: number | undefined;
  let at = from;
  let step = stride;
  while (!asking.isEnough() && (failed === undefined || failed > lowestRung)) {
    if (await passesOnce(at, asking)) passed = at;
    else failed = at;
    if (passed !== undefined && failed !== undefined) {
      if (failed - passed <= nearby) break;
      at = Math.floor((passed + failed) / 2);
    } else {
      at = Math.max(lowestRung, passed === undefined ? at - step : at + stride);
      // Far too high is left sooner than far too low: steps of an overloaded system are slow ones.
      if (passed === undefined) step *= 2;
    }
  }
  return passed ?? (failed ?? from) - 1;
}

/**
 * One round around the edge: up from a rung that passed by 1, 2, 4 … rungs, down from one that failed by 2, 4, 8 …, until there
 * is one of each, then in between. Returns the highest that passed; undefined when there was no time to find one.
 * @param steps how many rungs the round has; more only until one has passed
 */
export async function edge(from: number, steps: number, asking: Asking): Promise<number | undefined> {
  let passed: number | undefined;
  let failed: number | undefined;
  let at = from;
  let step = 1;
  for (let n = 0; (n < steps || passed === undefined) && at > lowestRung && !asking.isEnough(); n++) {
    if (await passesOnce(at, asking)) passed = at;
    else failed = at;
    if (passed !== undefined && failed !== undefined) {
      if (failed - passed <= 1) break;
      at = Math.floor((passed + failed) / 2);
    } else {
      at += passed === undefined ? -2 * step : step;
      step *= 2;
    }
  }
  return passed;
}

/** Of two tries, where there is time for two. */
async function passesOnce(rung: number, asking: Asking): Promise<boolean> {
  return (await asking.passes(rung)) || (!asking.isEnough() && (await asking.passes(rung)));
}

/** The middle of the rounds' results, the lower of two: a rate that really passed. Undefined when there are none. */
export function middle(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)];
}
