/** The MAF replay on one number of devices: all policies, and what the goals say of the default. */
import type { Cell, CellResult } from '../cells/cell.js';
import { v100 } from '../cells/devices.js';
import { comparedPolicies, isFixed } from '../cells/policies.js';
import { type AgainstFixed, againstFixed } from '../compare/against-fixed.js';
import type { FigureContext } from '../figure.js';
import { resultOf } from './grid.js';

const windowMs = 1_000;

export const goals = { gainPoints: 4.67, factor: 2.85, attainment: 0.99999 } as const;

/** Policies on so many devices. */
export interface MafRun {
  readonly workers: number;
  readonly policies: Readonly<Record<string, CellResult>>;
  /** The default policy against fixed subnets. */
  readonly againstFixed: AgainstFixed;
  readonly goals: { readonly comparison: boolean; readonly attainment: boolean; readonly both: boolean };
}

export async function runWith(context: FigureContext, trace: Cell['trace'], workers: number): Promise<MafRun> {
  const { sloMs, ...device } = v100();
  const names = comparedPolicies(context.defaultPolicy, device);
  const cells = names.map((policy): Cell => ({ trace, device, workers, sloMs, policy, seed: context.seed, windowMs }));
  const results = await context.pool.map('cell', cells, (done) =>
    context.progress(`${workers} devices: ${done} of ${cells.length} policies`),
  );
  const policies = Object.fromEntries(results.map((result) => [result.policy, result]));
  const ours = resultOf(policies, context.defaultPolicy);
  const against = againstFixed(
    ours,
    results.filter(({ policy }) => isFixed(policy)),
  );
  const gain = 100 * (against.equalAttainment?.gain ?? 0);
  const comparison = gain >= goals.gainPoints || (against.equalAccuracy?.factor ?? 0) >= goals.factor;
  const attainment = ours.attainment >= goals.attainment;
  return {
    workers,
    policies,
    againstFixed: against,
    goals: { comparison, attainment, both: comparison && attainment },
  };
}
