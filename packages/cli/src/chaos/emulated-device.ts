/**
 * The device that emulated workers stand in for unless another table is given: the paper's, slowed down as far as this
 * machine needs it. Devices, limits and the gaps between queries all get so many times longer, which leaves every decision
 * what it was, and lets the machine carry the messages.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { counted } from '@slackline/chaos';
import { inCheckout, TemporaryFolder } from '@slackline/local';
import { z } from 'zod';
import { pathCoreMs } from '../rate.js';

const tableFile = inCheckout('services/profiler/profiles/imagenet.emulated-v100.json');
/** Of SuperServe's fault experiment (NSDI'25, section 6.4): queries a second, on so many devices. */
const paperRate = 3_500;
const paperWorkers = 8;
/** The load may take this share of all cores: its bursts reach several times the mean, and the faults cost too. */
const coreShare = 0.25;
/** Of the witness, which hears every query and every batch once more; processor time over queries at 437 a second, likewise. */
const witnessCoreMs = 0.16;
const slownesses = [1, 2, 4, 8, 16, 32];

const table = z.looseObject({
  deviceClass: z.string(),
  entry: z.looseObject({ sloMs: z.number() }),
  subnets: z.array(z.looseObject({ p50Ms: z.array(z.number()), p99Ms: z.array(z.number()) })),
});

export interface ChaosDevice {
  /** Latency table, for `--device-profile`. */
  readonly file: string;
  /** Queries a second for so many workers, by the measure of the paper's. */
  readonly rate: number;
  /** Why this rate, as a sentence. */
  readonly reason: string;
  remove(): void;
}

/** @param rate what the person asked for, for all workers together; without it, what so many cores carry */
export function chaosDevice(workers: number, cores: number, rate?: number): ChaosDevice {
  const full = (paperRate * workers) / paperWorkers;
  const carried = (coreShare * cores * 1_000) / (pathCoreMs + witnessCoreMs);
  const slowness =
    rate === undefined
      ? (slownesses.find((each) => full / each <= carried) ?? slownesses.at(-1) ?? 1)
      : Math.max(1, full / rate);
  const folder = new TemporaryFolder('chaos');
  const file = join(folder.path, 'device.json');
  writeFileSync(file, JSON.stringify(slowed(slowness)));
  const chosen = rate ?? full / slowness;
  return {
    file,
    rate: chosen,
    reason:
      `The paper’s load is ${round(full)} queries a second for ${counted(workers, 'device')}. ` +
      (slowness === 1
        ? 'This run has it in full.'
        : `${rate === undefined ? `This machine’s ${cores} cores carry about ${round(carried)} with room for bursts and faults (${pathCoreMs} ms of a core for a query’s messages, ${witnessCoreMs} ms for the witness, ${100 * coreShare} % of the cores)` : 'Less was asked for'}, so that devices, limits and gaps are all ${round(slowness)} times longer: ${round(chosen)} queries a second, which asks of the devices what the paper’s does.`),
    remove: () => folder.remove(),
  };
}

function slowed(factor: number): object {
  const read = table.parse(JSON.parse(readFileSync(tableFile, 'utf8')));
  const longer = (values: readonly number[]) => values.map((value) => value * factor);
  return {
    ...read,
    deviceClass:
      factor === 1 ? read.deviceClass : `${read.deviceClass}-${String(round(factor)).replace('.', '_')}x-slower`,
    entry: { ...read.entry, sloMs: read.entry.sloMs * factor },
    subnets: read.subnets.map((subnet) => ({
      ...subnet,
      p50Ms: longer(subnet.p50Ms),
      p99Ms: longer(subnet.p99Ms),
    })),
  };
}

const round = (value: number): number => Number(value.toPrecision(3));
