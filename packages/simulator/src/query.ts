/** Queries as objects that are used again: a simulation of millions holds no more than wait at one time. */
import type { PriorityClass, Query } from '@slackline/scheduling';

export class SimulatedQuery implements Query {
  model = '';
  /** Index of the model. */
  modelIndex = 0;
  deadlineMs = 0;
  sloMs = 0;
  /** Its number in the trace, from 0. */
  sequence = 0;
  readonly bytes = 1;
  minAccuracy = 0;
  priority: PriorityClass = 1;
  deaths = 0;
  arrivedMs = 0;

  get id(): string {
    return `q${this.sequence}`;
  }
}

export class QueryPool {
  readonly #free: SimulatedQuery[] = [];

  take(): SimulatedQuery {
    return this.#free.pop() ?? new SimulatedQuery();
  }

  /** The query has its outcome, and nobody holds it any more. */
  giveBack(query: SimulatedQuery): void {
    this.#free.push(query);
  }
}
