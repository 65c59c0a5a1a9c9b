/**
 * Who is let in while a model is overloaded. The scheduler tells what waits and how fast it is carried at best; a query that
 * would only be done after its deadline by that is refused here, before it costs the stream and the scheduler anything.
 * Without word from the scheduler, and where everything can be carried, all are let in.
 */
import { type BacklogReport, type Priority, priorities, SlacklineError } from '@slackline/shared';

/** A scheduler that has said nothing for so long carries nothing either: what waited then waits still. */
const silentAfterMs = 250;
/** What was said is forgotten after this: who comes then may wait for the next leader. */
const validMs = 5_000;

interface Ahead {
  /** From the moment of the last reckoning. */
  takesMs: number;
  /** Broker time. */
  latestMs: number;
}

interface ModelDoor {
  capacityPerMs: number;
  /** By class, what waits of it and of those above it. */
  ahead: Record<Priority, Ahead>;
  saidAtMs: number;
  reckonedAtMs: number;
}

/** A query at the door. Times are the broker's. */
export interface Candidate {
  model: string;
  priority: Priority;
  deadlineMs: number;
}

/** Made once: refusing must be cheap. */
const hopeless = new SlacklineError('overloaded', 'More waits than can be answered before the deadline of the query');

export class Door {
  #models = new Map<string, ModelDoor>();

  /** @param ingests how many ingests share the queries: the others let as many in as this one */
  constructor(private readonly ingests: () => number) {}

  /** The scheduler has spoken. @param nowMs broker time */
  told({ models }: BacklogReport, nowMs: number): void {
    this.#models = new Map(
      models.map(({ model, capacityPerMs, low, normal, high }) => [
        model,
        { capacityPerMs, ahead: { low, normal, high }, saidAtMs: nowMs, reckonedAtMs: nowMs },
      ]),
    );
  }

  /** Why a query is not let in, and in how many milliseconds what waits now will be done; undefined when it may come in. */
  refusal(
    { model, priority, deadlineMs }: Candidate,
    nowMs: number,
  ): { error: SlacklineError; retryAfterMs: number } | undefined {
    const door = this.#reckoned(model, nowMs);
    if (door === undefined) return undefined;
    const { takesMs, latestMs } = door.ahead[priority];
    if (nowMs + takesMs <= Math.max(deadlineMs, latestMs)) return undefined;
    return { error: hopeless, retryAfterMs: takesMs };
  }

  /** A query was let in. */
  entered({ model, priority, deadlineMs }: Candidate, nowMs: number): void {
    const door = this.#reckoned(model, nowMs);
    if (door === undefined) return;
    for (const each of priorities) {
      const ahead = door.ahead[each];
      ahead.takesMs += this.ingests() / door.capacityPerMs;
      ahead.latestMs = Math.max(ahead.latestMs, deadlineMs);
      if (each === priority) break;
    }
  }

  /** What is known of a model, less what was carried since it was said. */
  #reckoned(model: string, nowMs: number): ModelDoor | undefined {
    const door = this.#models.get(model);
    if (door === undefined) return undefined;
    if (nowMs - door.saidAtMs > validMs) {
      this.#models.delete(model);
      return undefined;
    }
    const carriedUntilMs = Math.min(nowMs, door.saidAtMs + silentAfterMs);
    const passedMs = Math.max(0, carriedUntilMs - door.reckonedAtMs);
    door.reckonedAtMs = Math.max(door.reckonedAtMs, carriedUntilMs);
    for (const each of priorities) door.ahead[each].takesMs = Math.max(0, door.ahead[each].takesMs - passedMs);
    return door;
  }
}
