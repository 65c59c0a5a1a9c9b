/** What a run found: the form of `--json` and of results/bus.json. */
import type { Shares } from './flame/index.js';
import { isSame, type Machine } from './machine.js';
import type { NotRun } from './part.js';
import type { CostFigures, LatencyAt } from './parts/cost.js';
import type { Highest, NothingFound } from './parts/highest.js';
import type { OverheadFigures } from './parts/overhead.js';
import type { ComparedPeer } from './parts/peers.js';
import type { StorageFigures } from './parts/storage.js';
import type { TraceFigures } from './parts/trace.js';

export interface Run {
  readonly startedAt: string;
  /** Of the checkout, `-dirty` where it was changed since; not there outside of one. */
  readonly commit?: string;
  /** Share of the processors' time that the hypervisor gave to others during the run; not there where nobody says. */
  readonly stolen?: number;
  readonly seconds: number;
  readonly quick: boolean;
  readonly policy: string;
  readonly sloMs: number;
  readonly devices: string;
  /** Of the emulated devices' latency table: the beginning of its SHA-256. */
  readonly deviceProfile: string;
  /** Rates that parts needed and nobody had measured, only in a quick run. */
  readonly guessed: readonly string[];
  /** What failed, also where the part that it belongs to went on. */
  readonly troubles: readonly string[];
  /** Parts that an earlier run found, and when that began, of which commit. */
  readonly earlier: Readonly<Record<string, string>>;
}

/** Parts that were not asked for are not there. */
export interface BusDocument {
  slackline?: (Highest & { latency?: readonly LatencyAt[] }) | NothingFound | NotRun;
  ceiling?: Highest | NothingFound | NotRun;
  /** Slackline's highest rate over the ceiling's, and within each round. */
  ratio?: { ofHighest: number; byRound: readonly number[] };
  overheadMs?: OverheadFigures | NotRun;
  cost?: (CostFigures['cost'] & Pick<CostFigures, 'atFull' | 'latency'>) | NotRun;
  /** By process. */
  profiles?: Readonly<Record<string, Shares>>;
  storage?: readonly StorageFigures[] | NotRun;
  peers?: readonly ComparedPeer[] | NotRun;
  trace?: TraceFigures | NotRun;
  machine: Machine;
  run: Run;
}

/** @param slackline and `ceiling`, measured in turns */
export function ratioOf(slackline: Highest, ceiling: Highest): NonNullable<BusDocument['ratio']> {
  const byRound = slackline.rounds.flatMap(({ qps }, round) => {
    const bare = ceiling.rounds[round]?.qps;
    return bare !== undefined && qps !== undefined ? [qps / bare] : [];
  });
  return { ofHighest: slackline.qps / ceiling.qps, byRound };
}

/** Whether figures of an earlier run may stand beside those of this one, and rates be taken from it. */
export function isComparable(earlier: BusDocument, { machine, run }: BusDocument): boolean {
  const { quick, policy, devices, deviceProfile } = earlier.run;
  const isAsked = policy === run.policy && devices === run.devices && deviceProfile === run.deviceProfile;
  return !quick && isAsked && isSame(earlier.machine, machine);
}
