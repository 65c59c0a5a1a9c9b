/** How much the MAF replay's attainment hangs on the surroundings that are assumed: the same with a longer tail, and a slower bus. */
import type { Cell, CellResult } from '../cells/cell.js';
import { withTail } from '../cells/device.js';
import { v100 } from '../cells/devices.js';
import { busDelayMs, type SurroundingsName, slowBusDelayMs, tailFactor } from '../cells/environment.js';
import type { FigureContext } from '../figure.js';
import { percent, share, whole } from '../report/numbers.js';
import type { Part } from '../report/report.js';

interface Variant {
  /** 99th percentile over median of a batch's time. */
  readonly tailFactor: number;
  readonly busDelayMs: { readonly p50: number; readonly p99: number };
  readonly surroundings: SurroundingsName;
}

const assumed: Variant = { tailFactor, busDelayMs, surroundings: 'dedicated' };
const variants: readonly Variant[] = [
  assumed,
  { ...assumed, tailFactor: 1.05 },
  { ...assumed, tailFactor: 1.1 },
  { ...assumed, busDelayMs: slowBusDelayMs, surroundings: 'slowBus' },
];

export interface VariantRun extends Omit<Variant, 'surroundings'> {
  readonly policies: readonly CellResult[];
}

/** The default policy and SlackFit in each of the surroundings. */
export async function runVariants(
  context: FigureContext,
  trace: Cell['trace'],
  workers: number,
): Promise<VariantRun[]> {
  const { sloMs, ...device } = v100();
  const names = [...new Set([context.defaultPolicy, 'slackfit'])];
  const cells = variants.flatMap(({ tailFactor: tail, surroundings }) =>
    names.map(
      (policy): Cell => ({
        ...{ trace, workers, sloMs, policy, surroundings, seed: context.seed },
        device: withTail(device, tail),
      }),
    ),
  );
  const results = await context.pool.map('cell', cells, (done) =>
    context.progress(`surroundings: ${done} of ${cells.length} simulations`),
  );
  return variants.map(({ surroundings: _, ...variant }, i) => ({
    ...variant,
    policies: results.slice(i * names.length, (i + 1) * names.length),
  }));
}

export function variantParts(runs: readonly VariantRun[], wanted: number): Part[] {
  const policies = runs[0]?.policies.map(({ policy }) => policy) ?? [];
  const ours = runs.map(({ policies: [first] }) => (first?.attainment ?? 0) >= wanted);
  const kept = ours.filter(Boolean).length;
  return [
    { heading: 'What hangs on the surroundings' },
    `So few misses are misses of the tail, and how long the tail is was assumed. The same replay with longer ones: ` +
      `${policies[0]} attains ${wanted} in ${kept} of these ${runs.length}.`,
    {
      table: {
        head: [
          'tail of a batch (p99 / median)',
          'message, p50 / p99 ms',
          ...policies.flatMap((policy) => [`${policy}: attainment`, 'missed', 'accuracy %']),
        ],
        rows: runs.map((run) => [
          String(run.tailFactor),
          `${run.busDelayMs.p50} / ${run.busDelayMs.p99}`,
          ...run.policies.flatMap(({ attainment, queries, ok, accuracy }) => [
            share(attainment, 6),
            whole(queries - ok),
            percent(accuracy),
          ]),
        ]),
      },
    },
  ];
}
