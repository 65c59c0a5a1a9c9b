/** The optimum's plots. */
import { type Chart, sideBySide } from '@slackline/plot';
import { isFixed, styleOf } from '../cells/policies.js';
import type { Findings } from './findings.js';
import { capturedIn } from './ratios.js';
import type { WindowResult } from './run-window.js';

/** The smallest subnet, and whatever chooses among subnets, differs from it, and comes near enough to be seen on one axis. */
function plotted({ policies, ratios, smallest }: Findings): string[] {
  const meanRatio = (policy: string) => ratios.find((each) => each.policy === policy)?.mean ?? 0;
  const differs = (policy: string) => meanRatio(policy) !== meanRatio(smallest);
  return policies.filter(
    (policy) => policy === smallest || (!isFixed(policy) && differs(policy) && meanRatio(policy) > 0.9),
  );
}

export function plotOf(findings: Findings): string {
  const { all, results, policies, smallest } = findings;
  const least = policies.indexOf(smallest);
  const series = (value: (result: WindowResult, utility: number) => number | undefined) =>
    plotted(findings).map((policy) => ({
      label: policy,
      mark: 'points' as const,
      points: results.flatMap((result, i) => {
        const y = value(result, result.utilities[policies.indexOf(policy)] ?? Number.NaN);
        return y === undefined ? [] : [[all[i]?.load ?? 0, y] as const];
      }),
      ...styleOf(policy),
    }));
  const x = { label: 'load, of what the smallest subnet carries', min: 0, max: 1 };
  const charts: Chart[] = [
    {
      title: 'Utility over the optimum’s',
      x,
      y: { label: 'U / U_opt', max: 1 },
      rules: [{ axis: 'y', at: 1, label: 'optimum' }],
      series: series(({ solved }, utility) => utility / solved.plan.utility),
    },
    {
      title: 'Captured of the room above the smallest',
      x,
      y: { label: '(U − U_smallest) / (U_opt − U_smallest)', min: -1, max: 1 },
      rules: [{ axis: 'y', at: 1, label: 'optimum' }],
      series: series(({ solved, utilities }, utility) => {
        const captured = capturedIn(solved.plan.utility, utilities[least] ?? 0, utility);
        return captured === undefined || captured < -1 ? undefined : captured;
      }),
    },
  ];
  return sideBySide(charts);
}
