/** A program in the form that HiGHS takes, and what HiGHS says of it as a solution. */
import type { MipSolution, MipStatus, MixedIntegerProgram } from '@slackline/scheduling';
import type { Highs, Model, ModelData } from 'highs';

/** The program as compressed rows. */
export function modelData(problem: MixedIntegerProgram, highs: Highs): ModelData {
  const { variables, rows } = problem;
  const { objectiveSense, variableType } = highs.constants;
  const starts = new Int32Array(rows.length + 1);
  rows.forEach(({ columns }, row) => {
    starts[row + 1] = (starts[row] ?? 0) + columns.length;
  });
  return {
    numCols: variables.length,
    numRows: rows.length,
    sense: problem.sense === 'max' ? objectiveSense.maximize : objectiveSense.minimize,
    colCost: variables.map(({ objective }) => objective),
    colLower: variables.map(({ lower }) => lower),
    colUpper: variables.map(({ upper }) => upper),
    integrality: variables.map(({ integer }) => (integer ? variableType.integer : variableType.continuous)),
    rowLower: rows.map(({ lower }) => lower),
    rowUpper: rows.map(({ upper }) => upper),
    matrix: {
      format: 'csr',
      numRows: rows.length,
      numCols: variables.length,
      starts,
      indices: Int32Array.from(rows.flatMap(({ columns }) => columns)),
      values: Float64Array.from(rows.flatMap(({ values }) => values)),
    },
  };
}

const without = { values: [], objective: Number.NaN, bound: Number.NaN, gap: Number.POSITIVE_INFINITY };

/** Reads a model that has run. `unbounded` may still mean `infeasible` where HiGHS does not tell them apart. */
export function solutionOf(problem: MixedIntegerProgram, model: Model, highs: Highs): Omit<MipSolution, 'solveMs'> {
  const status = statusOf(model, highs);
  if (status !== 'optimal' && status !== 'feasible') return { status, ...without };
  const { colValue } = model.getSolution();
  const values = problem.variables.map(({ integer }, i) => {
    const value = colValue[i] ?? 0;
    // Never -0, which rounding makes of what is slightly below 0.
    return integer ? Math.round(value) + 0 : value;
  });
  const objective = problem.variables.reduce((sum, variable, i) => sum + variable.objective * (values[i] ?? 0), 0);
  // For a program without integers HiGHS states no bound; its optimum is one.
  const isMixed = problem.variables.some(({ integer }) => integer);
  const stated = isMixed ? Number(model.info.get('mip_dual_bound')) : Number.NaN;
  const bound = isMixed ? stated : status === 'optimal' ? objective : Number.NaN;
  return { status, values, objective, bound, gap: gapOf(objective, bound) };
}

/** |bound - objective| / |objective|; Infinity when no bound is known. */
export function gapOf(objective: number, bound: number): number {
  const apart = Math.abs(bound - objective);
  if (apart === 0) return 0;
  const gap = apart / Math.abs(objective);
  return Number.isNaN(gap) ? Number.POSITIVE_INFINITY : gap;
}

function statusOf(model: Model, highs: Highs): MipStatus {
  const { modelStatus, solutionStatus } = highs.constants;
  switch (model.getModelStatus()) {
    case modelStatus.optimal:
      return 'optimal';
    case modelStatus.infeasible:
      return 'infeasible';
    case modelStatus.unbounded:
    case modelStatus.unboundedOrInfeasible:
      return 'unbounded';
    default:
      return model.info.get('primal_solution_status') === solutionStatus.feasible ? 'feasible' : 'unsolved';
  }
}
