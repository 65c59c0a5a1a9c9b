/** The devices that `--executor emulated` stands in for: by default this machine, as it was measured in an earlier run. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TemporaryFolder } from '@slackline/local';
import { latencyProfile } from '@slackline/shared';
import { z } from 'zod';
import { CommandError, OptionError } from './errors.js';
import { profileDirectory } from './paths.js';

/** One latency table in the form that the profiler takes. */
export interface EmulatedTable {
  file: string;
  deviceClass: string;
  model: string;
  /** Whether the table itself describes the model: it has no network and is served by emulated workers alone. */
  isOwn: boolean;
}

export interface EmulatedDevices {
  /** At least one. */
  tables: EmulatedTable[];
  /** Removes what was written for this run; the end of the process does too. */
  remove(): void;
}

/** A table that says itself that it is for emulation is handed on as it is. */
const emulatedTable = z.object({
  model: z.string(),
  deviceClass: z.string(),
  executor: z.literal('emulated'),
  entry: z.unknown(),
});

/**
 * @param model whose table of this machine is wanted
 * @param files other latency tables. Throws `CommandError` when there is none
 */
export async function emulatedDevices(model: string, files: readonly string[] | undefined): Promise<EmulatedDevices> {
  const folder = new TemporaryFolder('emulated');
  const remove = () => folder.remove();
  try {
    const tables: EmulatedTable[] = [];
    for (const file of files ?? [await measuredTable(model)]) {
      tables.push(await readTable(file, join(folder.path, `${tables.length}.json`)));
    }
    return { tables, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** @param copy where a measured profile is written as a table for emulation */
async function readTable(file: string, copy: string): Promise<EmulatedTable> {
  const json = await readJson(file);
  const ready = emulatedTable.safeParse(json);
  if (ready.success) {
    const { deviceClass, model, entry } = ready.data;
    return { file, deviceClass, model, isOwn: entry !== undefined };
  }
  const measured = latencyProfile.safeParse(json);
  if (!measured.success) {
    throw new OptionError(`--device-profile takes files with latency profiles, and ${file} holds none`);
  }

  const { digest: _digest, ...profile } = measured.data;
  const deviceClass = `emulated-${profile.deviceClass}`.slice(0, 64);
  const emulated = { ...profile, deviceClass, executor: 'emulated', source: `measured on ${profile.deviceClass}` };
  await writeFile(copy, JSON.stringify(emulated));
  return { file: copy, deviceClass, model: profile.model, isOwn: false };
}

/** The profile that a run with real inference left behind. Throws `CommandError` when there is none. */
export async function measuredTable(model: string): Promise<string> {
  const names = await readdir(profileDirectory).catch(() => []);
  const measured = ['onnxruntime', 'cuda', 'webgpu'].map((executor) => `${model}.${executor}-`);
  const [name] = measured.flatMap((begin) => names.filter((candidate) => candidate.startsWith(begin)));
  if (name !== undefined) return join(profileDirectory, name);
  throw new CommandError(
    'There is no latency profile of this machine to emulate: run once without --executor emulated, or give --device-profile.',
  );
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new OptionError(`--device-profile takes files with latency profiles: ${path} ${whyNot(cause)}`, { cause });
  }
}

const whyNot = (cause: unknown): string =>
  cause instanceof Error && 'code' in cause && cause.code === 'ENOENT' ? 'does not exist' : 'cannot be read as JSON';
