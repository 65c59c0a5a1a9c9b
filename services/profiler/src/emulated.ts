/** Latency tables of emulated device classes: read from files, never measured. */
import { createHash } from 'node:crypto';
import { type LatencyProfile, latencyProfile, type ModelEntry, modelEntry, SlacklineError } from '@slackline/shared';
import { z } from 'zod';
import { readJson } from './stages/read.js';

/**
 * A latency profile in a file, without the digest: that of the served model is put in. `source` says where the numbers
 * come from. A table whose model no folder provides brings what the model's `entry` needs: such a model has no network,
 * and only emulated workers can serve it.
 */
const emulatedTable = latencyProfile.omit({ digest: true }).extend({
  executor: z.literal('emulated'),
  source: z.string().min(1),
  entry: modelEntry.pick({ inputs: true, outputs: true, sloMs: true }).optional(),
});

/** A table, and the entry of its model if the table brings that too. */
export interface EmulatedTable {
  profile: LatencyProfile;
  entry: ModelEntry | undefined;
}

/**
 * Reads a table for one of `served`, or for a model of its own. Throws `invalid_model` when the file is malformed or
 * names a subnet that the served model does not have.
 */
export async function readEmulatedTable(path: string, served: readonly ModelEntry[]): Promise<EmulatedTable> {
  const { source: _source, entry, ...table } = await readJson(path, emulatedTable);
  const model = served.find((candidate) => candidate.name === table.model);
  const digest = model?.digest ?? createHash('sha256').update(JSON.stringify(table)).digest('hex');
  const profile = { ...table, digest };
  if (model === undefined) {
    if (entry === undefined)
      throw new SlacklineError('invalid_model', `${path} is for ${table.model}, which is not served`);
    const subnets = table.subnets.map(({ id, accuracy }) => ({ id, accuracy }));
    return { profile, entry: { v: 1, name: table.model, digest, ...entry, subnets } };
  }
  const unknown = table.subnets.find(({ id }) => !model.subnets.some((subnet) => subnet.id === id));
  if (unknown === undefined) return { profile, entry: undefined };
  throw new SlacklineError('invalid_model', `${path} names ${unknown.id}, which is no subnet of ${table.model}`);
}
