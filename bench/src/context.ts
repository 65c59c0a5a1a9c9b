/** What every part of the bench gets. */
import type { PartTime } from './budget.js';
import type { Pace } from './pace.js';
import type { SlacklineChoices } from './slackline/settings.js';

export interface PartContext {
  readonly time: PartTime;
  readonly pace: Pace;
  readonly choices: SlacklineChoices;
  /** Aborts on Ctrl-C, and with an `OutOfTime` when the run must end: whatever the part started must then end. */
  readonly signal: AbortSignal;
  /** Says what is under way: a line that stays. */
  say(text: string): void;
  /** Something failed, and the part goes on without it: it is told in the document. */
  trouble(text: string): void;
}

/** A part cannot be run here; the reason goes into the document. That is no failure. */
export class Skipped extends Error {
  override readonly name: string = 'Skipped';
}

/** The time of the run is over: what is under way is broken off. */
export class OutOfTime extends Skipped {
  override readonly name = 'OutOfTime';

  constructor() {
    super('the time of the run was over');
  }
}

/**
 * The results of `work` for each item, less those that failed; where the time of the run ends on the way, or `work` returns
 * nothing, those that are there by then.
 * @throws the reason of the signal; where there is no result, what `work` threw first
 */
export async function oneByOne<T, R>(
  items: readonly T[],
  { signal, trouble }: Pick<PartContext, 'signal' | 'trouble'>,
  work: (item: T, place: number) => Promise<R | undefined>,
): Promise<R[]> {
  const results: R[] = [];
  const errors: unknown[] = [];
  for (const [place, item] of items.entries()) {
    try {
      const result = await work(item, place);
      if (result === undefined) break;
      results.push(result);
    } catch (error) {
      errors.push(error);
      if (!signal.aborted) continue;
      if (!(signal.reason instanceof OutOfTime)) throw signal.reason;
      break;
    }
  }
  if (results.length === 0 && errors.length > 0) throw errors[0];
  for (const error of errors) if (!(error instanceof OutOfTime)) trouble(textOf(error));
  return results;
}

export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
