/**
 * How near to the optimum policies come (SuperServe, NSDI'25, section 4.1): windows of arrivals are solved to proved
 * optimality with everything known in advance, and every policy is played on the same windows without.
 */
import { v100 } from '../cells/devices.js';
import { comparedPolicies, fixedName } from '../cells/policies.js';
import type { Figure } from '../figure.js';
import { ratiosOf } from './ratios.js';
import { reportOf } from './report.js';
import type { WindowTask } from './run-window.js';
import { windows } from './windows.js';

/** Over which the queries of a window arrive; the last are answered up to one SLO later. */
const seconds = 0.2;
const timeLimitMs = 180_000;

export const optimum: Figure = {
  name: 'optimum',
  title: 'The optimum',
  summary: 'each policy’s utility over that of the offline optimum, on windows solved to proved optimality',
  async run(context) {
    const { sloMs, ...device } = v100();
    const subnets = device.subnets.map(({ id }) => id);
    const smallest = fixedName(subnets[0] ?? '');
    const policies = [...new Set([...comparedPolicies(context.defaultPolicy, device), smallest])];
    // Short windows have wider gaps: a batch more or less is a larger part of them.
    const size = context.quick ? { seconds: 0.03, most: 1 } : { seconds };
    const options = { relativeGap: context.quick ? 5e-3 : 1e-3, timeLimitMs };
    const all = windows(device, sloMs, { seed: context.seed, ...size });
    const tasks = all.map(({ instance }): WindowTask => ({ instance, subnets, policies, options }));
    const results = await context.pool.map('optimum-window', tasks, (done) =>
      context.progress(`${done} of ${all.length} windows`),
    );
    const ratios = ratiosOf(results, policies, smallest);
    const maxGap = Math.max(...results.map(({ solved }) => solved.gap));
    const rows = all.map(({ kind, seed, spec, load, instance }, i) => {
      const { solved, utilities = [], oracle = Number.NaN } = results[i] ?? {};
      const played = policies.map((policy, p) => [policy, utilities[p] ?? Number.NaN] as const);
      return {
        ...{ kind, seed, spec, load, queries: instance.arrivals.length },
        ...{ utility: solved?.plan.utility, bound: solved?.bound, gap: solved?.gap, solveMs: solved?.solveMs },
        ...{ oracle, utilities: Object.fromEntries(played) },
      };
    });
    return {
      figures: {
        windows: all.length,
        maxGap,
        policies: Object.fromEntries(ratios.map(({ policy, ...each }) => [policy, each])),
        perWindow: rows,
      },
      report: reportOf({ all, results, policies, ratios, smallest, subnets, sloMs, seconds: size.seconds, maxGap }),
    };
  },
};
