/** What a run found: the form of `--json` and of results/bus.json. */
import type { Shares } from './flame/index.js';
import type { Machine } from './machine.js';
import type { CostFigures, LatencyAt } from './parts/cost.js';
import type { Highest } from './parts/highest.js';
import type { OverheadFigures } from './parts/overhead.js';
import type { PeerFigures } from './parts/peers.js';
import type { StorageFigures } from './parts/storage.js';
import type { TraceFigures } from './parts/trace.js';

/** Why a part has no figures. */
export type NotRun = { readonly skipped: string } | { readonly failed: string };

export interface Run {
  readonly startedAt: string;
  readonly seconds: number;
  readonly quick: boolean;
  readonly policy: string;
  readonly sloMs: number;
  readonly devices: string;
  /** What failed while the part that it belongs to went on. */
  readonly troubles: readonly string[];
  /** Parts that an earlier run found, and when that began. */
  readonly earlier: Readonly<Record<string, string>>;
}

/** Parts that were not asked for are not there. */
export interface BusDocument {
  slackline?: (Highest & { latency?: readonly LatencyAt[] }) | NotRun;
  ceiling?: Highest | NotRun;
  /** Slackline's highest rate over the ceiling's: of the medians, and within each round. */
  ratio?: { ofMedians: number; byRound: readonly number[] };
  overheadMs?: OverheadFigures | NotRun;
  cost?: (CostFigures['cost'] & Pick<CostFigures, 'atFull' | 'latency'>) | NotRun;
  /** By process. */
  profiles?: Readonly<Record<string, Shares>>;
  storage?: readonly StorageFigures[] | NotRun;
  peers?: readonly PeerFigures[] | NotRun;
  trace?: TraceFigures | NotRun;
  machine: Machine;
  run: Run;
}

/** The figures of a part that has some. */
export function found<T extends object>(part: T | NotRun | undefined): T | undefined {
  return part === undefined || 'skipped' in part || 'failed' in part ? undefined : (part as T);
}

/** Why a part that was asked for has none. */
export function whyNot(part: object | undefined): string | undefined {
  if (part === undefined) return undefined;
  if ('skipped' in part) return String(part.skipped);
  return 'failed' in part ? `it failed: ${String(part.failed)}` : undefined;
}

/** Undefined where one of them carried nothing. */
export function ratioOf(slackline: Highest, ceiling: Highest): BusDocument['ratio'] {
  const byRound = slackline.rounds.flatMap(({ qps }, round) => {
    const bare = ceiling.rounds[round]?.qps ?? 0;
    return bare > 0 && qps > 0 ? [qps / bare] : [];
  });
  return ceiling.qps > 0 && slackline.qps > 0 ? { ofMedians: slackline.qps / ceiling.qps, byRound } : undefined;
}
