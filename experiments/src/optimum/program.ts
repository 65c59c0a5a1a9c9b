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
import { Arrivals, type Instance, type Plan, type Start, usefulPairs } from './instance.js';

/** Batches that can only take queries of the ticks `from`..`to` must not ask for more than arrive there. */
export interface Crowded {
  readonly from: number;
  readonly to: number;
}

/** Which column stands for what. Where a tick has no column, -1. */
export interface Layout {
  /** The batch that column i, counted from 0, starts; the other columns follow. */
  readonly starts: readonly Start[];
  /** By tick. */
  readonly idle: readonly number[];
  readonly waiting: readonly number[];
  readonly ahead: readonly number[];
  readonly served: readonly number[];
}

export interface WindowProgram {
  readonly program: MixedIntegerProgram;
  readonly layout: Layout;
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
  const [idleRow, waitingRow, aheadRow] = [0, ticks, 2 * ticks];
  const builder = new Builder(3 * ticks);
  const starts = possibleStarts(instance, counts);
  for (const { start, most } of starts) {
    const end = start.at + start.ticks;
    builder.add({ lower: 0, upper: most, integer: true, objective: start.value }, [
      [idleRow + start.at, -1],
      [idleRow + end, 1],
      [waitingRow + start.at, -start.batch],
      [aheadRow + end, start.batch],
    ]);
  }
  const everyTick = Array.from({ length: ticks }, (_, t) => t);
  /** What is left over at the end of each tick, and carried into the next. */
  const carried = (row: number, variable: Omit<ProgramVariable, 'lower' | 'objective'>, isLeftAtEnd: boolean) =>
    everyTick.map((t) => {
      const isLast = t === ticks - 1;
      if (isLast && !isLeftAtEnd) return -1;
      return builder.add({ ...variable, lower: 0, objective: 0 }, [
        [row + t, -1],
        ...(isLast ? [] : ([[row + t + 1, 1]] as const)),
      ]);
    });
  const idle = carried(idleRow, { upper: devices, integer: true }, true);
  // In the end every place is taken, and every served query has been.
  const waiting = carried(waitingRow, { upper: arrivals.length, integer: false }, false);
  const ahead = carried(aheadRow, { upper: arrivals.length, integer: false }, false);
  const served = everyTick.map((t) => {
    const upper = counts.within(t, t);
    if (upper === 0) return -1;
    return builder.add({ lower: 0, upper, integer: true, objective: 0 }, [
      [waitingRow + t, 1],
      [aheadRow + t + sloTicks, -1],
    ]);
  });
  const equations = builder.rows.map((row, i): ProgramRow => {
    const level = i === idleRow ? -devices : 0;
    return { ...row, lower: level, upper: level };
  });
  const layout = { starts: starts.map(({ start }) => start), idle, waiting, ahead, served };
  const limits = crowded.map((interval) => crowdedRow(instance, counts, layout, interval));
  return { program: { sense: 'max', variables: builder.variables, rows: [...equations, ...limits] }, layout };
}

/** Columns with their entries, kept by row. */
class Builder {
  readonly variables: ProgramVariable[] = [];
  readonly rows: readonly { readonly columns: number[]; readonly values: number[] }[];

  constructor(rows: number) {
    this.rows = Array.from({ length: rows }, () => ({ columns: [], values: [] }));
  }

  /** @returns the column's index */
  add(variable: ProgramVariable, entries: readonly (readonly [row: number, value: number])[]): number {
    const column = this.variables.push(variable) - 1;
    for (const [row, value] of entries) {
      this.rows[row]?.columns.push(column);
      this.rows[row]?.values.push(value);
    }
    return column;
  }
}

/** Every start that some plan could contain: the batch ends by the last deadline, and there are queries to fill it. */
function possibleStarts(instance: Instance, counts: Arrivals): { start: Start; most: number }[] {
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

function crowdedRow(instance: Instance, counts: Arrivals, { starts }: Layout, { from, to }: Crowded): ProgramRow {
  const inside = [...starts.entries()].filter(([, start]) => {
    const span = servedTicks(instance, start);
    return span.from >= from && span.to <= to;
  });
  return {
    lower: Number.NEGATIVE_INFINITY,
    upper: counts.within(from, to),
    columns: inside.map(([column]) => column),
    values: inside.map(([, { batch }]) => batch),
  };
}

/** The batches that a solution starts, in order of time. */
export function startsOf({ starts }: Layout, values: readonly number[]): Start[] {
  return starts.flatMap((start, column) => Array.from({ length: Math.round(values[column] ?? 0) }, () => start));
}

/** The values of all columns that a plan stands for. */
export function valuesOf({ program, layout }: WindowProgram, { devices, sloTicks }: Instance, plan: Plan): number[] {
  const values = new Array<number>(program.variables.length).fill(0);
  const keyOf = ({ at, subnet, batch }: Start) => `${at} ${subnet} ${batch}`;
  const columnOf = new Map(layout.starts.map((start, column) => [keyOf(start), column]));
  const add = (column: number | undefined, by: number) => {
    if (column !== undefined && column >= 0) values[column] = (values[column] ?? 0) + by;
  };
  const addFrom = (columns: readonly number[], tick: number, by: number) => {
    for (let t = tick; t < columns.length; t += 1) add(columns[t], by);
  };
  addFrom(layout.idle, 0, devices);
  for (const { start, arrivals } of plan) {
    const end = start.at + start.ticks;
    add(columnOf.get(keyOf(start)), 1);
    addFrom(layout.idle, start.at, -1);
    addFrom(layout.idle, end, 1);
    addFrom(layout.waiting, start.at, -start.batch);
    addFrom(layout.ahead, end, start.batch);
    for (const tick of arrivals) {
      add(layout.served[tick], 1);
      addFrom(layout.waiting, tick, 1);
      addFrom(layout.ahead, tick + sloTicks, -1);
    }
  }
  return values;
}
