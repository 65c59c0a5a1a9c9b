/** Runs that are worth having a name. What a command line says wins over its preset. */
import type { FaultSeries } from '../plan/series.js';

export interface Preset {
  readonly title: string;
  readonly series: readonly FaultSeries[];
  readonly seconds: number;
  /** Queries a second; absent: as many as the machine carries. */
  readonly rate?: number;
  readonly everyMs: number;
  readonly restoreMs?: number;
  readonly workers: number;
  readonly schedulers: number;
  readonly ingests: number;
  readonly storage: 'memory' | 'file';
  readonly hypotheses: readonly string[];
}

/** Whatever is done, these are wanted of every preset. */
const always = ['lost=0', 'duplicatesVisible=0'];
/** Where it is not the load that is tested: any machine carries so many queries a second. */
const calmRate = 100;
/** One is back before the next one goes. */
const rollEveryMs = 3_000;

const roll = (role: FaultSeries['role'], count: number, fromMs: number): FaultSeries => ({
  ...{ kind: 'restart', role, count, fromMs, everyMs: rollEveryMs, pick: 'in turn' },
});

export const presets = {
  paper: {
    title: 'SuperServe’s fault experiment: a worker is killed every 12 s, down to half of them',
    series: [{ kind: 'kill', role: 'worker', everyMs: 12_000 }],
    ...{ seconds: 60, everyMs: 12_000, workers: 8, schedulers: 1, ingests: 1, storage: 'file' },
    hypotheses: [...always, 'killed=4', 'attainment>=0.999', 'accuracyDrop>=0.01'],
  },
  failover: {
    title: 'the leading scheduler is killed 20 times; a standby must serve within a second',
    series: [{ kind: 'kill', role: 'scheduler', everyMs: 3_000, restoreMs: 800, count: 20 }],
    ...{ seconds: 63, everyMs: 3_000, rate: calmRate, workers: 4, schedulers: 3, ingests: 1, storage: 'file' },
    hypotheses: [...always, 'killed=20', 'servedMs.count=20', 'servedMs.max<=1s'],
  },
  rolling: {
    title: 'every service is restarted in turn, as an update does it; nothing may fail',
    series: [roll('scheduler', 2, 3_000), roll('ingest', 2, 9_000), roll('worker', 4, 15_000)],
    ...{ seconds: 30, everyMs: rollEveryMs, rate: calmRate, workers: 4, schedulers: 2, ingests: 2, storage: 'file' },
    hypotheses: [...always, 'failed=0', 'faultsDone=8'],
  },
  broker: {
    title: 'nats-server is killed and started again, twice, with its streams in files',
    series: [{ kind: 'kill', role: 'nats', everyMs: 10_000, restoreMs: 1_000, count: 2 }],
    ...{ seconds: 30, everyMs: 10_000, rate: calmRate, workers: 4, schedulers: 2, ingests: 2, storage: 'file' },
    hypotheses: [...always, 'killed=2', 'servedMs.max<=10s'],
  },
  network: {
    title: 'connections are cut in turn: a worker’s, the leader’s, an ingest’s',
    series: [
      { kind: 'cut', role: 'worker', fromMs: 4_000, everyMs: 12_000, forMs: 2_000, cut: { kind: 'drop' } },
      {
        kind: 'cut',
        role: 'scheduler',
        fromMs: 8_000,
        everyMs: 12_000,
        forMs: 2_000,
        cut: { kind: 'half-open', silent: 'in' },
      },
      { kind: 'cut', role: 'ingest', fromMs: 12_000, everyMs: 12_000, forMs: 1_000, cut: { kind: 'reset' } },
    ],
    ...{ seconds: 32, everyMs: 12_000, rate: calmRate, workers: 4, schedulers: 2, ingests: 2, storage: 'file' },
    hypotheses: always,
  },
} as const satisfies Record<string, Preset>;

export type PresetName = keyof typeof presets;
export const presetNames = Object.keys(presets) as readonly PresetName[];
