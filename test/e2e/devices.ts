/**
 * Emulated devices that are slower than any real one: what a busy machine adds in milliseconds then matters as little as what
 * a quiet one adds at the speed of the device itself.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Serving, startServing } from '@slackline/cli';
import { inCheckout, TemporaryFolder } from '@slackline/local';
import type { ProfileGrid } from '@slackline/scheduling';
import { latencyProfile } from '@slackline/shared';

/** A latency table in the form of its file. */
export type DeviceTable = ProfileGrid & Readonly<Record<string, unknown>>;

/**
 * The V100's table, with every time so many times as long.
 *
 * @param model `imagenet`: six subnets that cost nothing to change; `resnets`: six separate models with their times of loading
 * @param sloMs limit of queries that state none
 */
export async function slowedV100(
  model: 'imagenet' | 'resnets',
  deviceClass: string,
  timesSlower: number,
  sloMs: number,
): Promise<DeviceTable> {
  const file = inCheckout(`services/profiler/profiles/${model}.emulated-v100.json`);
  const table = JSON.parse(await readFile(file, 'utf8'));
  const { subnets, batches } = latencyProfile.pick({ subnets: true, batches: true }).parse(table);
  const longer = (times: readonly number[]) => times.map((ms) => ms * timesSlower);
  return {
    ...table,
    deviceClass,
    entry: { ...table.entry, sloMs },
    batches,
    subnets: subnets.map(({ p50Ms, p99Ms, loadMs, ...subnet }) => ({
      ...subnet,
      p50Ms: longer(p50Ms),
      p99Ms: longer(p99Ms),
      ...(loadMs !== undefined && { loadMs: loadMs * timesSlower }),
    })),
  };
}

/**
 * A real system of emulated workers: broker and services as processes. Its `stop` removes what was written for it.
 * @param pool how many schedulers and ingests, and each process's way to NATS
 */
export async function serveEmulated(
  tables: readonly DeviceTable[],
  workers: Parameters<typeof startServing>[0]['workers'],
  policy: string,
  pool: { schedulers?: number; ingests?: number } & Parameters<typeof startServing>[3] = {},
): Promise<Serving> {
  const { natsUrlOf, ...counts } = pool;
  const folder = new TemporaryFolder('devices');
  const files = tables.map((_, index) => join(folder.path, `${index}.json`));
  await Promise.all(files.map((file, index) => writeFile(file, JSON.stringify(tables[index]))));
  const choices = {
    ...{ workers, policy, deviceProfile: files, executor: 'emulated' as const },
    ...{ model: inCheckout('models/fashion'), restore: false, json: true },
    ...counts,
  };
  const silent = { onProgress: () => {}, onNote: () => {} };
  try {
    const serving = await startServing(choices, silent, new AbortController().signal, natsUrlOf && { natsUrlOf });
    const stop = async () => {
      await serving.stop();
      folder.remove();
    };
    return { ...serving, stop };
  } catch (error) {
    folder.remove();
    throw error;
  }
}
