/** The queries of a trace, one after the other, as the scheduler takes them in. */
import type { PriorityClass } from '@slackline/scheduling';
import { normalPriority } from '@slackline/traces';
import type { Arrivals, SimulatedModel } from './options.js';
import { QueryPool, type SimulatedQuery } from './query.js';

export class Intake {
  readonly #arrivals: Arrivals;
  readonly #queries = new QueryPool();
  /** By the trace's number of a model: ours. */
  readonly #models: readonly number[];
  #next = 0;
  /** When the next query reaches the scheduler; Infinity after the last. */
  nextMs = 0;

  /**
   * @param delayMs from arrival to the scheduler, drawn for each query; none overtakes another
   * @throws RangeError where the trace names a model that is not there, or its arrivals are not in order
   */
  constructor(
    trace: Arrivals,
    private readonly models: readonly SimulatedModel[],
    private readonly delayMs: () => number,
  ) {
    if (models.length === 0) throw new RangeError('a simulation needs a model');
    checkOrder(trace.arrivalsMs);
    this.#arrivals = trace;
    this.#models = (trace.models ?? []).map((name) => {
      const index = models.findIndex((model) => model.name === name);
      if (index === -1) throw new RangeError(`the trace asks for the model ${name}, which is not simulated`);
      return index;
    });
    this.#plan();
  }

  /** The next query. There must be one. */
  take(): SimulatedQuery {
    const { arrivalsMs, modelIndex, minAccuracy, priority, ...arrivals } = this.#arrivals;
    const i = this.#next;
    const query = this.#queries.take();
    // No model in the trace, or none for this query: the first.
    query.modelIndex = modelIndex === undefined ? 0 : (this.#models[modelIndex[i] ?? 0] ?? 0);
    const model = this.models[query.modelIndex];
    const sloMs = arrivals.sloMs?.[i] ?? Number.NaN;
    query.model = model?.name ?? '';
    query.sequence = i;
    query.arrivedMs = arrivalsMs[i] ?? 0;
    query.sloMs = Number.isNaN(sloMs) ? (model?.sloMs ?? 0) : sloMs;
    query.deadlineMs = query.arrivedMs + query.sloMs;
    query.minAccuracy = minAccuracy?.[i] ?? 0;
    query.priority = (priority?.[i] ?? normalPriority) as PriorityClass;
    query.deaths = 0;
    this.#next = i + 1;
    this.#plan();
    return query;
  }

  /** The query has its outcome, and nobody holds it any more. */
  giveBack(query: SimulatedQuery): void {
    this.#queries.giveBack(query);
  }

  #plan(): void {
    const { arrivalsMs } = this.#arrivals;
    if (this.#next >= arrivalsMs.length) this.nextMs = Number.POSITIVE_INFINITY;
    else this.nextMs = Math.max(this.nextMs, (arrivalsMs[this.#next] ?? 0) + this.delayMs());
  }
}

function checkOrder(arrivalsMs: Float64Array): void {
  let beforeMs = 0;
  for (const arrivalMs of arrivalsMs) {
    if (!(arrivalMs >= beforeMs && arrivalMs < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`arrivals must ascend from 0, and ${arrivalMs} comes after ${beforeMs}`);
    }
    beforeMs = arrivalMs;
  }
}
