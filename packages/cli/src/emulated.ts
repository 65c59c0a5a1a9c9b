/** The device that `--executor emulated` stands in for: by default this machine, as it was measured in an earlier run. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TemporaryFolder } from '@slackline/local';
import { latencyProfile } from '@slackline/shared';
import { z } from 'zod';
import { CommandError } from './errors.js';
import { profileDirectory } from './paths.js';

export interface EmulatedDevice {
  /** A latency table in the form that the profiler takes. */
  file: string;
  deviceClass: string;
  /** The model that the table itself describes: it has no network and is served by emulated workers alone. */
  ownModel: string | undefined;
  /** Removes what was written for this run; the end of the process does too. */
  remove(): void;
}

/** A table that says itself that it is for emulation is handed on as it is. */
const table = z.object({
  model: z.string(),
  deviceClass: z.string(),
  executor: z.literal('emulated'),
  entry: z.unknown(),
});

/**
 * @param model whose table of this machine is wanted
 * @param file another latency table. Throws `CommandError` when there is none
 */
export async function emulatedDevice(model: string, file: string | undefined): Promise<EmulatedDevice> {
  const source = file ?? (await measuredTable(model));
  const json = await readJson(source);
  const ready = table.safeParse(json);
  if (ready.success) {
    const { deviceClass, model, entry } = ready.data;
    return { file: source, deviceClass, ownModel: entry === undefined ? undefined : model, remove: () => {} };
  }
  const measured = latencyProfile.safeParse(json);
  if (!measured.success) throw new CommandError(`${source} holds no latency profile.`);

  const { digest: _digest, ...profile } = measured.data;
  const deviceClass = `emulated-${profile.deviceClass}`.slice(0, 64);
  const folder = new TemporaryFolder('emulated');
  const emulated = { ...profile, deviceClass, executor: 'emulated', source: `measured on ${profile.deviceClass}` };
  const written = join(folder.path, 'profile.json');
  await writeFile(written, JSON.stringify(emulated));
  return { file: written, deviceClass, ownModel: undefined, remove: () => folder.remove() };
}

/** The profile that a run with real inference left behind. */
async function measuredTable(model: string): Promise<string> {
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
    throw new CommandError(`${path} cannot be read as JSON.`, { cause });
  }
}
