/** What a run is: its preset and what was said beside it, with defaults for the rest. */
import { availableParallelism } from 'node:os';
import {
  type FaultSeries,
  type Hypothesis,
  type PlannedFault,
  type PlanOptions,
  type Preset,
  planFaults,
  presets,
  readHypothesis,
  whyEmpty,
} from '@slackline/chaos';
import { OptionError } from '../errors.js';
import { type Pool, sizeOf } from '../pool.js';
import { type ChaosChoices, defaultBurstiness } from './options.js';

export interface ChaosSetup {
  readonly series: readonly FaultSeries[];
  readonly everyMs: number;
  readonly forMs: number;
  readonly restoreMs: number | undefined;
  readonly jitter: number;
  readonly seconds: number;
  /** Queries a second that were asked for, by a person or a preset. */
  readonly rate: number | undefined;
  readonly workers: Pool;
  readonly schedulers: number;
  readonly ingests: number;
  readonly storage: 'memory' | 'file';
  readonly arrivalPattern: 'constant' | 'poisson' | 'gamma';
  readonly burstiness: number;
  readonly hypotheses: readonly Hypothesis[];
}

const defaultEveryMs = 5_000;
const defaultForMs = 2_000;
const defaultSeconds = 30;
const mostDefaultWorkers = 4;

/** Throws `OptionError` where nothing is asked for. */
export function setupOf(choices: ChaosChoices): ChaosSetup {
  const preset: Preset | undefined = choices.preset && presets[choices.preset];
  const { kill, pause, cut, restart } = choices;
  const said = [...kill, ...pause, ...cut, ...restart];
  const series = said.length > 0 ? said : (preset?.series ?? []);
  if (series.length === 0) {
    throw new OptionError(
      '--kill, --pause, --cut, --restart or --preset must say what is to happen: one of them is needed',
    );
  }
  // Two where one is hit: without a standby, killing the leader shows nothing but that it is gone.
  const pair = (role: FaultSeries['role']) => (series.some((each) => each.role === role) ? 2 : 1);
  const restoreMs = choices.restore ?? (said.length > 0 ? undefined : preset?.restoreMs);
  return {
    series,
    everyMs: choices.every ?? preset?.everyMs ?? defaultEveryMs,
    forMs: choices.for ?? defaultForMs,
    restoreMs,
    jitter: choices.jitter ?? 0,
    seconds: choices.seconds ?? preset?.seconds ?? defaultSeconds,
    rate: choices.rate ?? preset?.rate,
    workers: choices.workers ?? preset?.workers ?? Math.min(mostDefaultWorkers, Math.max(2, availableParallelism())),
    schedulers: choices.schedulers ?? preset?.schedulers ?? pair('scheduler'),
    ingests: choices.ingests ?? preset?.ingests ?? pair('ingest'),
    storage: choices.storage ?? preset?.storage ?? 'file',
    arrivalPattern: choices.arrivalPattern ?? 'gamma',
    burstiness: choices.burstiness ?? defaultBurstiness,
    hypotheses: [...(said.length > 0 ? [] : (preset?.hypotheses ?? [])).map(readHypothesis), ...choices.hypothesis],
  };
}

/** How many processes of each role a system of our own has. */
export function populationOf({ workers, schedulers, ingests }: ChaosSetup) {
  return { worker: sizeOf(workers), scheduler: schedulers, ingest: ingests, nats: 1 };
}

/**
 * The plan of a run of `seconds` on so many processes. Throws `OptionError` where nothing would happen: such a run shows
 * nothing, whatever its verdict.
 */
export function planOf(
  { restoreMs, ...setup }: ChaosSetup,
  rest: Pick<PlanOptions, 'seconds' | 'seed' | 'population'>,
): PlannedFault[] {
  const options: PlanOptions = { ...setup, ...(restoreMs !== undefined && { restoreMs }), ...rest };
  const why = whyEmpty(options);
  if (why !== undefined) throw new OptionError(`Nothing of what is asked for can happen: ${why}`);
  return planFaults(options);
}

/** The command line that runs the same again, also where this machine chose something. */
export function replayOf(
  args: readonly string[],
  { seed }: ChaosChoices,
  { seconds }: ChaosSetup,
  rate: number,
): string {
  const decided = { '--seed': seed, '--seconds': seconds, '--rate': rate };
  const kept = args.filter((arg, i) => !isPlace(arg) && !['--out', '--logs'].includes(args[i - 1] ?? ''));
  const missing = Object.entries(decided).flatMap(([name, value]) =>
    args.some((arg) => arg === name || arg.startsWith(`${name}=`)) || (args.includes('--trace') && name !== '--seed')
      ? []
      : [name, String(value)],
  );
  return ['npx slackline chaos', ...[...kept, ...missing].map(quoted)].join(' ');
}

/** Where a result goes changes nothing about it. */
const isPlace = (arg: string): boolean => /^--(json|out|logs)(=|$)/.test(arg);

const quoted = (arg: string): string => (/^[\w./:=,@%+-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", `'\\''`)}'`);
