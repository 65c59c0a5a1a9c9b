/**
 * The integer program of an instance (SuperServe, NSDI'25, equation 1, in a form that is small enough to be solved).
 *
 * Batches of one kind that start at one tick are counted: devices are alike, and so are queries of one tick. Unknowns:
 * - starts[pair, t]: batches of that subnet and size that start at tick t (whole)
 * - served[t]: queries that arrive at t and are answered in time
 * - idle[t], waiting[t], ahead[t]: devices that do nothing in t; queries to be served that have arrived and not started;
 *   places in batches that have ended, less served queries that are past their deadline
 * Three rows per tick carry them over from the tick before, so that a column has four entries whatever its latency.
 * `waiting >= 0` is "no query starts before it arrives", `ahead >= 0` is "no query ends after its deadline", both summed over
 * prefixes. They are enough unless one batch runs within the time of another; docs/optimum.md says what closes that gap.
 */
import type { MixedIntegerProgram, ProgramRow, ProgramVariable } from '@slackline/scheduling';
import { Arrivals, type Instance, type Start, usefulPairs } from './instance.js';

interface OpenRow {
  readonly columns: number[];
  readonly values: number[];
}

/** Batches that can only take queries of the ticks `from`..`to` must not ask for more than arrive there. */
export interface Crowded {
  readonly from: number;
  readonly to: number;
}

export interface WindowProgram {
  readonly program: MixedIntegerProgram;
  /** What a solution says: the batches it starts, in order of time. */
  startsOf(values: readonly number[]): Start[];
  /** The values that a plan stands for, where `arrivals[i]` are the ticks of the queries that batch i serves. */
  valuesOf(starts: readonly Start[], arrivals: readonly (readonly number[])[]): number[];
}

/** Ticks whose queries a batch may hold: arrived when it starts, and not past their deadline when it ends. */
export function servedTicks({ sloTicks }: Instance, { at, ticks }: Start): { from: number; to: number } {
  return { from: Math.max(0, at + ticks - sloTicks), to: at };
}

/** @param crowded intervals of arrivals that an earlier solution asked too much of */
export function windowProgram(instance: Instance, crowded: readonly Crowded[] = []): WindowProgram {
  const { devices, sloTicks, arrivals } = instance;
  const counts = new Arrivals(instance);
  const ticks = counts.lastTick + 1;
  const variables: ProgramVariable[] = [];
  const rows: OpenRow[] = Array.from({ length: 3 * ticks }, () => ({ columns: [], values: [] }));
  const [idleRow, waitingRow, aheadRow] = [0, ticks, 2 * ticks];
  const add = (variable: ProgramVariable, entries: readonly (readonly [row: number, value: number])[]) => {
    for (const [row, value] of entries) {
      rows[row]?.columns.push(variables.length);
      rows[row]?.values.push(value);
    }
    return variables.push(variable) - 1;
  };

  const starts = startColumns(instance, counts);
  for (const { start, most } of starts) {
    const { at, batch, value } = start;
    const end = at + start.ticks;
    add({ lower: 0, upper: most, integer: true, objective: value }, [
      [idleRow + at, -1],
      [idleRow + end, 1],
      [waitingRow + at, -batch],
      [aheadRow + end, batch],
    ]);
  }
  const carried = (row: number, upper: number, from: number, integer: boolean) =>
    Array.from({ length: ticks }, (_, t) => {
      const isLast = t === ticks - 1;
      // Nothing waits and nothing is ahead at the end: every place is taken, and every served query has been.
      if (isLast && row !== idleRow) return -1;
      const entries: [number, number][] = [
        [row + t, -1],
        ...(isLast ? [] : ([[row + t + 1, 1]] as [number, number][])),
      ];
      return add({ lower: from, upper, integer, objective: 0 }, entries);
    });
  const idle = carried(idleRow, devices, 0, true);
  const waiting = carried(waitingRow, arrivals.length, 0, false);
  const ahead = carried(aheadRow, arrivals.length, 0, false);
  const served = Array.from({ length: ticks }, (_, t) => {
    const upper = counts.within(t, t);
    if (upper === 0) return -1;
    const entries: [number, number][] = [
      [waitingRow + t, 1],
      [aheadRow + t + sloTicks, -1],
    ];
    return add({ lower: 0, upper, integer: true, objective: 0 }, entries);
  });

  const equations = rows.map(({ columns, values }, row): ProgramRow => {
    const level = row === idleRow ? -devices : 0;
    return { lower: level, upper: level, columns, values };
  });
  const limits = crowded.map(({ from, to }): ProgramRow => {
    const inside = starts.flatMap(({ start }, column) => {
      const span = servedTicks(instance, start);
      return span.from >= from && span.to <= to ? [[column, start.batch] as const] : [];
    });
    return {
      lower: Number.NEGATIVE_INFINITY,
      upper: counts.within(from, to),
      columns: inside.map(([column]) => column),
      values: inside.map(([, batch]) => batch),
    };
  });

  return {
    program: { sense: 'max', variables, rows: [...equations, ...limits] },
    startsOf: (values) =>
      starts.flatMap(({ start }, column) => Array.from({ length: Math.round(values[column] ?? 0) }, () => start)),
    valuesOf: (plan, taken) => {
      const values = new Array<number>(variables.length).fill(0);
      const columnOf = new Map(starts.map(({ start }, column) => [keyOf(start), column]));
      const bump = (column: number | undefined, by: number) => {
        if (column !== undefined && column >= 0) values[column] = (values[column] ?? 0) + by;
      };
      const level = (columns: readonly number[], from: number, by: number) => {
        for (let t = from; t < ticks; t += 1) bump(columns[t], by);
      };
      level(idle, 0, devices);
      plan.forEach((start, i) => {
        const end = start.at + start.ticks;
        bump(columnOf.get(keyOf(start)), 1);
        level(idle, start.at, -1);
        level(idle, end, 1);
        level(waiting, start.at, -start.batch);
        level(ahead, end, start.batch);
        for (const tick of taken[i] ?? []) {
          bump(served[tick], 1);
          level(waiting, tick, 1);
          level(ahead, tick + sloTicks, -1);
        }
      });
      return values;
    },
  };
}

const keyOf = ({ at, subnet, batch }: Start) => `${at} ${subnet} ${batch}`;

/** Every start that some plan could contain: the batch ends by the last deadline, and there are queries to fill it. */
function startColumns(instance: Instance, counts: Arrivals): { start: Start; most: number }[] {
  const pairs = usefulPairs(instance);
  return Array.from({ length: counts.lastTick + 1 }, (_, at) => at).flatMap((at) =>
    pairs.flatMap((pair) => {
      const start = { ...pair, at };
      if (at + pair.ticks > counts.lastTick) return [];
      const { from, to } = servedTicks(instance, start);
      const most = Math.min(instance.devices, Math.floor(counts.within(from, to) / pair.batch));
      return most > 0 ? [{ start, most }] : [];
    }),
  );
}
