/** The models and devices of a simulation, read from latency profiles. */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { inCheckout } from '@slackline/local';
import { tableOf } from '@slackline/scheduling';
import { defaultSloMs, latencyProfile } from '@slackline/shared';
import type { SimulatedModel } from '@slackline/simulator';
import { z } from 'zod';
import { measuredTable } from '../emulated.js';
import { CommandError, OptionError } from '../errors.js';
import { shippedModel } from '../paths.js';

const v100 = inCheckout('services/profiler/profiles/imagenet.emulated-v100.json');

const profile = latencyProfile
  .pick({ model: true, deviceClass: true, batches: true, subnets: true })
  .extend({ entry: z.object({ sloMs: z.number().positive() }).optional() });

/**
 * One model for each name among the profiles, with a table for each device class.
 *
 * @param files paths, or `measured` for what an earlier run measured on this machine
 * @param sloMs of all models; undefined: what their profiles say. Throws `CommandError` for a file that holds no profile
 */
export async function readModels(files: readonly string[] = [v100], sloMs?: number): Promise<SimulatedModel[]> {
  const models = new Map<string, { name: string; sloMs: number; tables: Record<string, ReturnType<typeof tableOf>> }>();
  for (const file of files) {
    const path = file === 'measured' ? await measured() : file;
    const { model: name, deviceClass, entry, ...grid } = await readProfile(path);
    const model = models.get(name) ?? { name, sloMs: sloMs ?? entry?.sloMs ?? defaultSloMs, tables: {} };
    if (model.tables[deviceClass] !== undefined)
      throw new OptionError(`--profile takes one file for ${name} on ${deviceClass}, and ${path} is another`);
    model.tables[deviceClass] = tableFrom(grid, path);
    models.set(name, model);
  }
  return [...models.values()];
}

async function measured(): Promise<string> {
  try {
    return await measuredTable(basename(shippedModel));
  } catch (cause) {
    const what =
      '--profile measured takes what a run with real inference measured on this machine, and there was none yet';
    throw new OptionError(what, { cause });
  }
}

async function readProfile(path: string): Promise<z.infer<typeof profile>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new OptionError(`--profile takes a file that can be read, or measured, not ${path} (${reason})`, { cause });
  }
  try {
    return profile.parse(JSON.parse(text));
  } catch (cause) {
    throw new CommandError(`${path} holds no latency profile.`, { code: 'wrong_profile', cause });
  }
}

function tableFrom(grid: Parameters<typeof tableOf>[0], path: string) {
  try {
    return tableOf(grid);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CommandError(`The latencies of ${path} cannot be used: ${reason}.`, { code: 'wrong_profile', cause });
  }
}
