/**
 * Who is let in while a model is overloaded. The scheduler tells what waits and how fast it is carried at best; a query that
 * would only be done after its deadline by that is refused here, before it costs the stream and the scheduler anything. Of what waits
 * only that is in its way which was given no longer than itself.
 * Without word from the scheduler, and where everything can be carried, all are let in. All times are the broker's.
 */
import { type BacklogReport, type Priority, priorities, SlacklineError } from '@slackline/shared';

/** A scheduler that has said nothing for so long carries nothing either: what waited then waits still. */
const silentAfterMs = 250;
/** What was said is forgotten after this: who comes then may wait for the next leader. */
const validMs = 5_000;
/** Limits of the first part that is told are called this, and those of the last one are at least half of that. */
const leastPartMs = 8;
const mostPartMs = 2 ** 18;

/** Made once: refusing must be cheap. */
const hopeless = new SlacklineError('overloaded', 'More waits than can be answered before the deadline of the query');

export class Door {
  readonly #gates = new Map<string, Gate>();

  /** @param ingests how many ingests share the queries: the others let as many in as this one */
  constructor(private readonly ingests: () => number) {}

  /** The scheduler has spoken. */
  told({ models }: BacklogReport, nowMs: number): void {
    this.#gates.clear();
    for (const model of models) this.#gates.set(model.model, new Gate(model, this.ingests, nowMs));
  }

  /** Before a model that is overloaded; undefined: all are let in. @param time read only where there is one */
  gate(model: string, time: { brokerNowMs: number }): Gate | undefined {
    const gate = this.#gates.get(model);
    if (gate === undefined || !gate.isOutdated(time.brokerNowMs)) return gate;
    this.#gates.delete(model);
    return undefined;
  }
}

type ModelBacklog = BacklogReport['models'][number];

/** The door of one model. */
export class Gate {
  /** By class, what waits of it and of those above it, from the moment of the last reckoning; changed in place. */
  readonly #ahead: Record<Priority, ModelBacklog[Priority]>;
  readonly #capacityPerMs: number;
  #reckonedAtMs: number;

  constructor(
    { low, normal, high, capacityPerMs }: ModelBacklog,
    private readonly ingests: () => number,
    private readonly saidAtMs: number,
  ) {
    this.#ahead = { low: structuredClone(low), normal: structuredClone(normal), high: structuredClone(high) };
    this.#capacityPerMs = capacityPerMs;
    this.#reckonedAtMs = saidAtMs;
  }

  isOutdated(nowMs: number): boolean {
    return nowMs - this.saidAtMs > validMs;
  }

  /** Why a query is not let in, and in how many milliseconds what waits now will be done; undefined when it may come in. */
  refusal(
    priority: Priority,
    deadlineMs: number,
    nowMs: number,
  ): { error: SlacklineError; retryAfterMs: number } | undefined {
    this.#reckon(nowMs);
    const all = this.#ahead[priority];
    const limitMs = deadlineMs - nowMs;
    // Parts are told by limits twice as long as those of the one before: the query's own may be called nearly twice its limit.
    const own = Math.max(leastPartMs, 2 * limitMs);
    const tooMuch = [...all.within, all].findLast(
      (part) => Math.min(part.sloMs, mostPartMs) <= own && nowMs + part.takesMs > Math.max(deadlineMs, part.latestMs),
    );
    return tooMuch && { error: hopeless, retryAfterMs: tooMuch.takesMs };
  }

  /** A query was let in. */
  entered(priority: Priority, deadlineMs: number, nowMs: number): void {
    this.#reckon(nowMs);
    const takesMs = this.ingests() / this.#capacityPerMs;
    for (const each of priorities) {
      const all = this.#ahead[each];
      if (deadlineMs - nowMs > all.sloMs) addPart(all, deadlineMs - nowMs);
      for (const part of [...all.within, all].filter(({ sloMs }) => deadlineMs - nowMs <= sloMs)) {
        part.takesMs += takesMs;
        part.latestMs = Math.max(part.latestMs, deadlineMs);
      }
      if (each === priority) break;
    }
  }

  /** Takes off what was carried since it was said. */
  #reckon(nowMs: number): void {
    const carriedUntilMs = Math.min(nowMs, this.saidAtMs + silentAfterMs);
    const passedMs = Math.max(0, carriedUntilMs - this.#reckonedAtMs);
    this.#reckonedAtMs = Math.max(this.#reckonedAtMs, carriedUntilMs);
    for (const each of priorities) {
      const all = this.#ahead[each];
      for (const part of [...all.within, all]) part.takesMs = Math.max(0, part.takesMs - passedMs);
    }
  }
}

/** What was all becomes a part: something comes in that was given longer, and is in the way of less. */
function addPart(all: ModelBacklog[Priority], limitMs: number): void {
  const { sloMs, takesMs, latestMs } = all;
  if (takesMs > 0) all.within.push({ sloMs, takesMs, latestMs });
  // As the scheduler tells them; so there are never many.
  all.sloMs = 2 ** Math.ceil(Math.log2(limitMs));
}
