/** Programs that the tests of this room solve. */
import type { MixedIntegerProgram, ProgramRow, ProgramVariable } from '@slackline/scheduling';

const infinity = Number.POSITIVE_INFINITY;

/** A 0/1 variable. */
export const pick = (objective: number): ProgramVariable => ({ lower: 0, upper: 1, integer: true, objective });

/** Over the first variables, as many as there are values. */
export const atMost = (upper: number, values: number[]): ProgramRow => ({
  lower: -infinity,
  upper,
  columns: values.map((_, i) => i),
  values,
});

export const knapsack = (worth: number[], weight: number[], room: number): MixedIntegerProgram => ({
  sense: 'max',
  variables: worth.map(pick),
  rows: [atMost(room, weight)],
});

/** Cornuejols and Dawande's market split: tiny, and out of reach of branch and bound within a moment. */
export function marketSplit(variables: number, rows: number): MixedIntegerProgram {
  let state = 1;
  const random = () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
  return {
    sense: 'max',
    rows: Array.from({ length: rows }, () => {
      const values = Array.from({ length: variables }, () => Math.floor(random() * 100));
      const half = Math.floor(values.reduce((sum, value) => sum + value, 0) / 2);
      return { ...atMost(half, values), lower: half };
    }),
    variables: Array.from({ length: variables }, () => pick(random())),
  };
}
