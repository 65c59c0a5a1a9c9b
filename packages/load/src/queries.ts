/** What each query of a load is: from its trace where that has the column, drawn from seeded shares where it has not. */
import { type Priority, priorities, SlacklineError } from '@slackline/shared';
import { noModel, type Trace } from '@slackline/traces';
import { randomLcg } from 'd3-random';
import type { LoadOptions, Share } from './options.js';

/** One query before it is sent. */
export interface LoadQuery {
  /** Index in the load's models. */
  readonly model: number;
  readonly sloMs: number;
  /** 0: any subnet will do. */
  readonly minAccuracy: number;
  readonly priority: Priority;
}

/**
 * Tells the queries in order: the one with this number, which grows by one from call to call. A query that is like the one
 * before it is the same object.
 */
export type QuerySource = (number: number) => LoadQuery;

/** The same options give the same queries. Throws `unknown_model` for a trace that names a model the load does not have. */
export function querySource(options: LoadOptions): QuerySource {
  const { models, arrivals, seed = 1 } = options;
  const trace: Partial<Trace> = 'arrivalsMs' in arrivals ? arrivals : {};
  const random = randomLcg(seed);
  const byName = modelsOf(trace, options);
  const anyModel = drawn(
    models.map(({ share = 1 }, value) => ({ value, share })),
    random,
  );
  const anyMinimum = drawn(sharesOf(options.minAccuracy ?? 0), random);
  const anyPriority = drawn(sharesOf(options.priority ?? 'normal'), random);
  let last: LoadQuery | undefined;
  return (number) => {
    const model = byName[trace.modelIndex?.[number] ?? noModel] ?? anyModel();
    const given = models[model];
    const stated = trace.sloMs?.[number] ?? Number.NaN;
    const sloMs = Number.isNaN(stated) ? (given?.sloMs ?? given?.entry.sloMs ?? Number.NaN) : stated;
    const minAccuracy = trace.minAccuracy?.[number] ?? anyMinimum();
    const priority = priorities[trace.priority?.[number] ?? -1] ?? anyPriority();
    if (last === undefined || !isSame(last, model, sloMs, minAccuracy, priority)) {
      last = { model, sloMs, minAccuracy, priority };
    }
    return last;
  };
}

function isSame(query: LoadQuery, model: number, sloMs: number, minAccuracy: number, priority: Priority): boolean {
  return (
    query.model === model && query.sloMs === sloMs && query.minAccuracy === minAccuracy && query.priority === priority
  );
}

/** Place in the load's models of each of the trace's. */
function modelsOf(trace: Partial<Trace>, { models }: LoadOptions): number[] {
  return (trace.models ?? []).map((name) => {
    const place = models.findIndex(({ entry }) => entry.name === name);
    if (place !== -1) return place;
    const known = models.map(({ entry }) => entry.name).join(', ');
    throw new SlacklineError('unknown_model', `The trace has queries for ${name}, and the load goes to ${known}`);
  });
}

const sharesOf = <T>(given: T | readonly Share<T>[]): readonly Share<T>[] =>
  Array.isArray(given) ? given : [{ value: given as T, share: 1 }];

/** A generator of values by their shares; draws nothing where there is one value only. */
function drawn<T>(shares: readonly Share<T>[], random: () => number): () => T {
  const [first] = shares;
  if (first === undefined) throw new RangeError('a share of nothing cannot be drawn');
  if (shares.length === 1) return () => first.value;
  const whole = shares.reduce((sum, { share }) => sum + share, 0);
  return () => {
    let left = random() * whole;
    for (const { value, share } of shares) {
      if (left < share) return value;
      left -= share;
    }
    return first.value;
  };
}
