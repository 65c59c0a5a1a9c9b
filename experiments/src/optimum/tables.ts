/** The tables of the optimum's report. */
import { percent, share } from '../report/numbers.js';
import type { Table } from '../report/report.js';
import type { Findings } from './findings.js';
import { sharesOf } from './plan-statistics.js';
import { meanOf, type Ratios, ratiosOf } from './ratios.js';
import type { WindowKind } from './shapes.js';
import { loadWithRest, type Window } from './windows.js';

/** Those that are there, in order. */
export function kindsOf(all: readonly Window[]): WindowKind[] {
  return [...new Set(all.map(({ kind }) => kind))];
}

export function ofKind({ all, results, policies, smallest }: Findings, kind: WindowKind): Ratios[] {
  return ratiosOf(
    results.filter((_, i) => all[i]?.kind === kind),
    policies,
    smallest,
  );
}

export function ratioTable(ratios: readonly Ratios[]): Table {
  return {
    head: ['policy', 'mean of U / U_opt', 'worst', 'captured', 'captured of all'],
    rows: ratios.map(({ policy, mean, worst, captured, capturedOfAll }) => [
      policy,
      ...[share(mean), share(worst), captured.toFixed(3), capturedOfAll.toFixed(3)],
    ]),
  };
}

export function planTable({ all, results, subnets }: Findings): Table {
  return {
    head: ['windows', 'answered %', 'devices busy %', 'mean batch', ...subnets.map((id) => `${id} %`)],
    rows: kindsOf(all).map((kind) => {
      const shares = results.flatMap(({ solved }, i) => {
        const window = all[i];
        if (window?.kind !== kind) return [];
        return [sharesOf(window.instance, solved.plan)];
      });
      return [
        kind,
        percent(meanOf(shares.map(({ answered }) => answered))),
        percent(meanOf(shares.map(({ busy }) => busy))),
        meanOf(shares.map(({ meanBatch }) => meanBatch)).toFixed(1),
        ...subnets.map((_, s) => percent(meanOf(shares.map(({ subnets: bySubnet }) => bySubnet[s] ?? 0)), 1)),
      ];
    }),
  };
}

export function windowTable({ all, results, policies, smallest }: Findings): Table {
  const shown = [policies[0] ?? smallest, 'slackfit', smallest].filter((name, i, names) => names.indexOf(name) === i);
  return {
    head: ['kind', 'arrivals', 'seed', 'queries', 'load', 'with the rest', 'optimum', 'bound', 'gap', ...shown],
    rows: all.map((window, i) => {
      const { kind, spec, seed, instance, load } = window;
      const { plan, bound, gap } = results[i]?.solved ?? {
        plan: { utility: Number.NaN },
        bound: Number.NaN,
        gap: Number.NaN,
      };
      const ratio = (policy: string) => (results[i]?.utilities[policies.indexOf(policy)] ?? Number.NaN) / plan.utility;
      return [
        ...[
          kind,
          `\`${spec}\``,
          `${seed}`,
          `${instance.arrivals.length}`,
          load.toFixed(2),
          loadWithRest(window).toFixed(2),
        ],
        ...[plan.utility.toFixed(3), bound.toFixed(3), gap.toFixed(5), ...shown.map((policy) => share(ratio(policy)))],
      ];
    }),
  };
}
