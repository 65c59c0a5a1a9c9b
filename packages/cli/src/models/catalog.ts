/** What a running system serves, read once from its buckets. */
import {
  type LatencyProfile,
  latencyProfile,
  type ModelEntry,
  modelEntry,
  parseValue,
  profileKeys,
  readAll,
  type SubmissionRecord,
  submissionRecord,
} from '@slackline/shared';
import type { Connection } from '../connection.js';
import { CommandError } from '../errors.js';

export interface ServedModel {
  entry: ModelEntry;
  /** Of this version, by device class in alphabetical order. */
  profiles: LatencyProfile[];
}

export interface Catalog {
  /** By name, in alphabetical order. */
  models: ServedModel[];
  submissions: SubmissionRecord[];
}

/** Reads the catalog. Entries of another version are left out. */
export async function readCatalog({ profiles, records }: Pick<Connection, 'profiles' | 'records'>): Promise<Catalog> {
  const values = [...(await readAll(profiles))];
  const latencies = values
    .filter(([key]) => profileKeys.latencyOf(key) !== undefined)
    .map(([, value]) => parseValue(value, latencyProfile));
  const models = values
    .filter(([key]) => key.startsWith(profileKeys.model('')))
    .map(([, value]) => parseValue(value, modelEntry))
    .filter((entry) => entry !== undefined)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((entry) => ({
      entry,
      profiles: latencies
        .filter((profile) => profile !== undefined)
        .filter(({ model, digest }) => model === entry.name && digest === entry.digest)
        .sort((a, b) => (a.deviceClass < b.deviceClass ? -1 : 1)),
    }));
  const submissions = [...(await readAll(records)).values()]
    .map((value) => parseValue(value, submissionRecord))
    .filter((record) => record !== undefined);
  return { models, submissions: submissions.sort((a, b) => (a.submittedAt < b.submittedAt ? -1 : 1)) };
}

/** The model of this name. Throws `CommandError` naming those that are there. */
export function modelIn({ models }: Catalog, name: string): ServedModel {
  const found = models.find(({ entry }) => entry.name === name);
  if (found !== undefined) return found;
  const names = models.map(({ entry }) => entry.name).join(', ') || 'none';
  throw new CommandError(`No model ${name} is served; these are: ${names}.`, { code: 'unknown_model' });
}
