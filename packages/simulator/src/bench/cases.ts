/** What the simulator is timed on: more workers, more load, longer queues. The device is a V100 as its profile says. */
import { readFileSync } from 'node:fs';
import { createPolicy, type LatencyTable, type ProfileGrid, tableOf } from '@slackline/scheduling';
import { generate } from '@slackline/traces';
import type { SimulationOptions } from '../options.js';

/** One simulation to time. */
export interface Case {
  /** What grows from case to case. */
  series: 'workers' | 'load' | 'queue';
  workers: number;
  /** Queries a second in the mean, after a beginning with `queued` at once. */
  ratePerS: number;
  /** Queries that wait throughout; 0: as the load makes it. */
  queued: number;
}

const profile = new URL('../../../../services/profiler/profiles/imagenet.emulated-v100.json', import.meta.url);
/** As the paper's; and one that no query of a long queue misses. */
const [sloMs, patientMs] = [36, 3_600_000];
const deviceClass = 'v100';

/** The load per worker that the paper's testbed has at 6,400 queries a second, as far as it may go. */
const perWorker = 800;
const mostPerS = 1_000_000;

export const cases: readonly Case[] = [
  ...[8, 64, 1_000, 10_000].map((workers): Case => {
    return { series: 'workers', workers, ratePerS: Math.min(mostPerS, perWorker * workers), queued: 0 };
  }),
  ...[10_000, 100_000, 1_000_000].map((ratePerS): Case => ({ series: 'load', workers: 1_000, ratePerS, queued: 0 })),
  ...[0, 1_000, 10_000, 100_000].map((queued): Case => ({ series: 'queue', workers: 64, ratePerS: 0, queued })),
];

/** A fresh policy and the trace; what is made here is not timed. */
export function optionsOf(of: Case, policy: string, queries: number): SimulationOptions {
  const grid = readGrid();
  const whole = tableOf(grid);
  // With the smallest subnet alone every policy serves a long queue at one rate, and a load of that rate keeps it long.
  const table = of.series === 'queue' ? tableOf({ ...grid, subnets: grid.subnets.slice(0, 1) }) : whole;
  const ratePerS = of.series === 'queue' ? capacity(table, of.workers) : of.ratePerS;
  const rest = Math.max(1, queries - of.queued);
  const arrivals = generate({ kind: 'gamma', rate: ratePerS, cv2: 1, seconds: rest / ratePerS, seed: 1 });
  const arrivalsMs = new Float64Array(of.queued + arrivals.arrivalsMs.length);
  arrivalsMs.set(arrivals.arrivalsMs, of.queued);
  return {
    trace: { arrivalsMs, durationMs: arrivals.durationMs },
    models: [{ name: 'imagenet', sloMs: of.series === 'queue' ? patientMs : sloMs, tables: { [deviceClass]: table } }],
    workers: [{ count: of.workers, deviceClass }],
    policy: createPolicy(policy),
    windowMs: Math.max(1, arrivals.durationMs / 20),
  };
}

function readGrid(): ProfileGrid {
  return JSON.parse(readFileSync(profile, 'utf8')) as ProfileGrid;
}

/** Queries a second that the workers carry with the largest batches of the only subnet. */
function capacity(table: LatencyTable, workers: number): number {
  return (workers * table.largestBatch * 1_000) / table.at(0, table.batches.length - 1);
}
