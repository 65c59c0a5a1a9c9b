import type { ProgramRow, ProgramVariable } from '@slackline/scheduling';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { newInstance } from './runtime.js';
import { createSolver, Solver, SolverError } from './solver.js';
import { atMost, knapsack, marketSplit, pick } from './testing.js';

const infinity = Number.POSITIVE_INFINITY;

/** Of all subsets that fit, the worth of the best. */
function bestOf(worth: number[], weight: number[], room: number): number {
  let best = 0;
  for (let subset = 0; subset < 2 ** worth.length; subset += 1) {
    const total = (of: number[]) => of.reduce((sum, each, i) => sum + ((subset >> i) & 1) * each, 0);
    if (total(weight) <= room) best = Math.max(best, total(worth));
  }
  return best;
}

let solver: Solver;
beforeAll(async () => {
  solver = await createSolver();
});

describe('solver', () => {
  it('proves the best of any small knapsack', () => {
    const numbers = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(numbers, numbers, fc.integer({ min: 0, max: 120 }), (worth, weight, room) => {
        const solution = solver.solve(knapsack(worth, weight, room), { relativeGap: 0 });
        expect(solution.status).toBe('optimal');
        expect(solution.objective).toBe(bestOf(worth, weight, room));
        expect(solution.gap).toBe(0);
        const used = solution.values.reduce((sum, value, i) => sum + value * (weight[i] ?? 0), 0);
        expect(used).toBeLessThanOrEqual(room);
      }),
      { numRuns: 50 },
    );
  });

  it('minimizes, mixes integers with shares, and keeps equations', () => {
    const solution = solver.solve({
      sense: 'min',
      variables: [
        { lower: 0, upper: infinity, integer: true, objective: 3 },
        { lower: 0, upper: 0.5, integer: false, objective: 1 },
      ],
      rows: [{ lower: 2.25, upper: 2.25, columns: [0, 1], values: [1, 1] }],
    });
    // Two whole ones and a quarter: the half that is cheap cannot stand in for a whole one.
    expect(solution).toMatchObject({ status: 'optimal', objective: 6.25, bound: 6.25 });
    expect(solution.values[0]).toBe(2);
    expect(solution.values[1]).toBeCloseTo(0.25);
  });

  it('solves a program without integers', () => {
    const share: ProgramVariable = { lower: 0, upper: infinity, integer: false, objective: 2 };
    const solution = solver.solve({ sense: 'max', variables: [share], rows: [atMost(1.5, [1])] });
    expect(solution).toMatchObject({ status: 'optimal', values: [1.5], objective: 3, bound: 3, gap: 0 });
  });

  it('tells infeasible from unbounded', () => {
    const whole: ProgramVariable = { lower: 0, upper: infinity, integer: true, objective: 1 };
    const least: ProgramRow = { lower: 2, upper: infinity, columns: [0], values: [1] };
    const infeasible = solver.solve({ sense: 'max', variables: [{ ...whole, upper: 1 }], rows: [least] });
    expect(infeasible).toMatchObject({ status: 'infeasible', values: [] });
    expect(solver.solve({ sense: 'max', variables: [whole], rows: [least] }).status).toBe('unbounded');
    // Infeasible for the rows, although the objective alone would be unbounded.
    const contradiction: ProgramRow = { lower: 0.25, upper: 0.75, columns: [1], values: [1] };
    const both = solver.solve({ sense: 'max', variables: [whole, pick(0)], rows: [least, contradiction] });
    expect(both.status).toBe('infeasible');
  });

  it('says how far it came when the time is up', () => {
    const hard = marketSplit(40, 5);
    const packed = solver.solve(
      { ...hard, rows: hard.rows.map((row) => ({ ...row, lower: -infinity })) },
      { timeLimitMs: 150, relativeGap: 0 },
    );
    expect(packed.status).toBe('feasible');
    expect(packed.bound).toBeGreaterThan(packed.objective);
    expect(packed.gap).toBeCloseTo((packed.bound - packed.objective) / packed.objective);
    const split = solver.solve(hard, { timeLimitMs: 100 });
    expect(split).toMatchObject({ status: 'unsolved', values: [], gap: infinity });
  });

  it('begins from a solution that is given', () => {
    const hard = marketSplit(40, 5);
    const packing = { ...hard, rows: hard.rows.map((row) => ({ ...row, lower: -infinity })) };
    const start = packing.variables.map((_, i) => (i < 20 ? 0 : 1));
    const fits = packing.rows.every(
      ({ values, upper }) => values.reduce((sum, v, i) => sum + v * (start[i] ?? 0), 0) <= upper,
    );
    const given = { ...packing, start: fits ? start : packing.variables.map(() => 0) };
    expect(solver.solve(given, { timeLimitMs: 1 }).status).toBe('feasible');
  });

  it('needs no rows and no variables', () => {
    expect(solver.solve({ sense: 'max', variables: [pick(2)], rows: [] })).toMatchObject({ values: [1], objective: 2 });
    expect(solver.solve({ sense: 'max', variables: [], rows: [] })).toMatchObject({ status: 'optimal', objective: 0 });
  });

  it('refuses what is no program, and solves the next one', () => {
    const nonsense = knapsack([1, Number.NaN], [1, 1], 1);
    expect(() => solver.solve(nonsense)).toThrow(SolverError);
    expect(solver.solve(knapsack([3, 2], [1, 1], 1)).values).toEqual([1, 0]);
  });
});

describe('a solver whose HiGHS aborts', () => {
  const program = knapsack([3, 2], [1, 1], 1);
  const aborts = async () => ({
    ...(await newInstance()),
    createModel: () => {
      throw new Error('Aborted()');
    },
  });

  it('solves on its spare instance, and goes on with that', async () => {
    const rescued = new Solver(await aborts(), await newInstance());
    expect(rescued.solve(program).values).toEqual([1, 0]);
    expect(rescued.solve(program).values).toEqual([1, 0]);
  });

  it('says so when the spare aborts too, and recovers when another has been made', async () => {
    const failing = new Solver(await aborts(), await aborts());
    expect(() => failing.solve(program)).toThrow(SolverError);
    await expect.poll(() => failing.solve(program).objective).toBe(3);
  });
});
