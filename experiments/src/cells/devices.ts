/** The devices that figures are made on. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { inCheckout } from '@slackline/local';
import { type Device, readDevice, withTail } from './device.js';
import { tailFactor } from './environment.js';

/** The six-point table that ships for emulated workers; its source is written in it. */
export const v100File = inCheckout('services/profiler/profiles/imagenet.emulated-v100.json');

/** The same six networks as separate models, with what it takes to load each. */
const familyFile = inCheckout('services/profiler/profiles/resnets.emulated-v100.json');

/** Of the paper's testbed, and of all simulated grids here. */
export const paperWorkers = 8;

/** An emulated V100: medians from the table, and a tail, which the table lacks. */
export function v100(): Device & { sloMs: number } {
  const { sloMs = 36, ...device } = readDevice(v100File);
  return { ...withTail(device, tailFactor), sloMs };
}

/** The six networks of the same device as separate models. */
export function v100Family(): Device {
  return withTail(readDevice(familyFile), tailFactor);
}

/** What the profiler measured of the model that ships on this machine's processor; undefined: nothing yet. */
export function shippedDevice(): Device | undefined {
  const folder = process.env.PROFILE_DIR ?? inCheckout('.cache/profiles');
  const name = namesIn(folder).find((file) => file.startsWith('fashion.onnxruntime-'));
  if (name === undefined) return undefined;
  const device = readDevice(join(folder, name));
  // A preempted run of a hundred makes a measured tail many times the median: here the noise is the environment's.
  return withTail(device, tailFactor);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
