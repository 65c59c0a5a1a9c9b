/**
 * How the highest rate that passes is looked for. Both searches ask the same question of a rung of the ladder, does it pass?,
 * and differ in what an answer costs: `climb` finds the neighbourhood with short probes, `edge` walks it with steps that count.
 * What is unsure is asked once more. Beyond that neither believes that a rung above a failed one could pass.
 */
export interface Asking {
  /** Whether the rate of a rung passes, by all that was asked of it. */
  passes(rung: number): Promise<Verdict>;
  /** Asked before every step: whether there is time for another one. */
  isEnough(): boolean;
}

export type Verdict = 'passed' | 'failed' | 'unsure';

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
    if (await passesAtLast(at, asking)) passed = at;
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

/** Upwards by 10 %: what lies between is halved once a rung above has failed. */
const up = 2;

/**
 * One round around the edge: down from a rung that failed by 2, 3, 4 … rungs until one passes, from there up by 2 for as long
 * as the round has rungs; where there is one of each, in between.
 * @param steps how many rungs the round has; more only until one has passed
 */
export async function edge(from: number, steps: number, asking: Asking): Promise<void> {
  let passed: number | undefined;
  let failed: number | undefined;
  let at = from;
  let down = 2;
  for (let n = 0; (n < steps || passed === undefined) && (n === 0 || at > lowestRung) && !asking.isEnough(); n++) {
    if (await passesAtLast(at, asking)) passed = at;
    else failed = at;
    if (passed === undefined) at -= down++;
    else if (failed === undefined) at += up;
    else if (failed - passed <= 1) break;
    else at = Math.floor((passed + failed) / 2);
  }
}

/** After a second try, where the first leaves it open and there is time for two. */
async function passesAtLast(rung: number, asking: Asking): Promise<boolean> {
  const first = await asking.passes(rung);
  const last = first === 'unsure' && !asking.isEnough() ? await asking.passes(rung) : first;
  return last === 'passed';
}
