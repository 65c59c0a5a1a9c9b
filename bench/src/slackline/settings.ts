/** The system that is measured: every process of it on this machine, and eight emulated devices in one worker process. */
import { readFileSync, writeFileSync } from 'node:fs';
import { inCheckout, type SystemOptions } from '@slackline/local';
import type { ModelEntry } from '@slackline/shared';
import { z } from 'zod';
import type { ContenderSettings } from '../contender.js';

export const devices = 8;
/** The run has an end: what does not drain soon is killed. */
const stopGraceMs = 4_000;
export const defaultDeviceProfile = inCheckout('services/profiler/profiles/imagenet.emulated-v100.json');

/** What the bench needs of a latency table for emulation; the profiler checks all of it. */
const deviceTable = z.looseObject({
  model: z.string(),
  deviceClass: z.string(),
  executor: z.literal('emulated'),
  entry: z.looseObject({ inputs: z.array(z.unknown()), outputs: z.array(z.unknown()), sloMs: z.number() }),
  subnets: z.array(z.looseObject({ id: z.string(), accuracy: z.number() })).min(1),
});
export type DeviceTable = z.infer<typeof deviceTable>;

export interface SlacklineChoices {
  /** A latency table for emulation. Default: the V100's that ships. */
  readonly deviceProfile?: string;
  /** Default: the scheduler's own. */
  readonly policy?: string;
  /** Node's options for all processes, such as a probe, and variables that it reads. */
  readonly nodeOptions?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** @throws ZodError, or the error of the file system, for a file that holds no table for emulation */
export function readTable(file: string): DeviceTable {
  return deviceTable.parse(JSON.parse(readFileSync(file, 'utf8')));
}

/** The table with rows of so many bytes: emulated workers read none of them. */
export function withPayload(table: DeviceTable, bytes: number): DeviceTable {
  const inputs = [{ name: 'input', datatype: 'UINT8', shape: [-1, bytes] }];
  return { ...table, entry: { ...table.entry, inputs } };
}

/** The entry that the profiler publishes, as a producer needs it. */
export function entryOf({ model, entry, subnets }: DeviceTable): ModelEntry {
  const listed = subnets.map(({ id, accuracy }) => ({ id, accuracy }));
  return { v: 1, ...entry, name: model, digest: '0'.repeat(64), subnets: listed } as ModelEntry;
}

/** @param file where the table is written, for the profiler */
export function systemOptions(
  table: DeviceTable,
  file: string,
  { policy, nodeOptions, env }: SlacklineChoices,
  { storage, signal }: ContenderSettings,
): SystemOptions {
  writeFileSync(file, JSON.stringify(table));
  const worker = { WORKERS_PER_PROCESS: String(devices), DEVICE_CLASS: table.deviceClass, EXECUTOR: 'emulated' };
  return {
    workers: [{ count: 1, env: worker }],
    // An emulated device waits for a timer: a process of low priority would keep its batches longer than the device.
    workerNiceness: 0,
    ...{ storage, signal, stopGraceMs },
    env: {
      ...(env !== undefined && { all: env }),
      profiler: { MODELS_DIRS: '', WORKERS_EXPECTED: String(devices), EMULATED_PROFILES: file },
      ...(policy !== undefined && { scheduler: { POLICY: policy } }),
    },
    ...(nodeOptions !== undefined && { nodeOptions: { all: nodeOptions } }),
  };
}
