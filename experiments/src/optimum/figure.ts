/**
 * How near to the optimum policies come (SuperServe, NSDI'25, section 4.1): windows of arrivals are solved to proved
 * optimality with everything known in advance, and every policy is played on the same windows without.
 */
import { v100 } from '../cells/devices.js';
import { comparedPolicies, fixedName } from '../cells/policies.js';
import type { Figure } from '../figure.js';
import { type Findings, unproved } from './findings.js';
import { ratiosOf } from './ratios.js';
import { reportOf } from './report.js';
import type { WindowTask } from './run-window.js';
import { lengthText, type SetName, windowSet } from './sets.js';

/** A minute is much for a window; on a machine that is busy with other things it may take that. */
const timeLimitMs = 240_000;
const relativeGap = 1e-3;
/** A batch more or less is a larger part of a window that is tiny. */
const quickGap = 5e-3;

export const optimum: Figure = {
  name: 'optimum',
  title: 'The optimum',
  summary: 'each policy’s utility over that of the offline optimum, on windows solved to proved optimality',
  async run(context) {
    const { sloMs, ...device } = v100();
    const subnets = device.subnets.map(({ id }) => id);
    const smallest = fixedName(subnets[0] ?? '');
    const policies = [...new Set([...comparedPolicies(context.defaultPolicy, device), smallest])];
    const options = { relativeGap: context.quick ? quickGap : relativeGap, timeLimitMs };
    const findingsOf = async (name: SetName): Promise<Findings> => {
      const all = windowSet(name, device, sloMs, context);
      const tasks = all.map(({ instance }): WindowTask => ({ instance, subnets, policies, options }));
      const results = await context.pool.map('optimum-window', tasks, (done) =>
        context.progress(`${done} of ${all.length} ${name} windows`),
      );
      const ratios = ratiosOf(results, policies, smallest);
      const common = { policies, smallest, subnets, sloMs, relativeGap: options.relativeGap };
      return { name, length: lengthText(name, context.quick), all, results, ratios, ...common };
    };
    const short = await findingsOf('short');
    const long = await findingsOf('long');
    return { figures: { ...figuresOf(short), long: figuresOf(long) }, report: reportOf(short, long) };
  },
};

function figuresOf(findings: Findings): object {
  const { all, results, ratios, policies } = findings;
  return {
    windows: all.length,
    maxGap: Math.max(...results.map(({ solved }) => solved.gap)),
    policies: Object.fromEntries(ratios.map(({ policy, ...each }) => [policy, each])),
    unproved: unproved(findings).map(({ kind, seed, spec }) => ({ kind, seed, spec })),
    perWindow: all.map(({ kind, seed, spec, load, instance }, i) => {
      const { solved, utilities = [], oracle = Number.NaN } = results[i] ?? {};
      const played = policies.map((policy, p) => [policy, utilities[p] ?? Number.NaN] as const);
      return {
        ...{ kind, seed, spec, load, queries: instance.arrivals.length },
        ...{ utility: solved?.plan.utility, bound: solved?.bound, gap: solved?.gap, solveMs: solved?.solveMs },
        ...{ oracle, utilities: Object.fromEntries(played) },
      };
    }),
  };
}
