/** What a build leaves in the model folder: `subnets.json`, for people, and `statistics.bin`, the bytes it points into. */
import { createHash } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SlacklineError } from '@slackline/shared';
import { z } from 'zod';
import { jsonText } from '../json-text.js';
import { type ModelFolder, readJson, readModelFile } from '../stages/read.js';

const files = { subnets: 'subnets.json', statistics: 'statistics.bin' };
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const share = z.number().min(0).max(1);

const subnetsFile = z.strictObject({
  v: z.literal(1),
  /** SHA-256 of network, spec and calibration inputs that this was made of. */
  source: sha256,
  /** SHA-256 of statistics.bin. */
  statistics: sha256,
  /** How many subnets were tried, and the seed that drew them. */
  candidates: z.int().min(1),
  seed: z.int(),
  /** Ascending in cost and in held-out accuracy. */
  subnets: z
    .array(
      z.strictObject({
        id: z.string().min(1),
        config: z.record(z.string(), z.number()),
        /** Multiply-accumulate operations for one row. */
        macs: z.number().positive(),
        /** Top-1 on the held-out inputs, by which it was chosen. */
        heldOutAccuracy: share,
        /** Top-1 on the test inputs of the manifest's range: what is published. */
        accuracy: share,
        /** Where its statistics lie in statistics.bin: offset and length in bytes. */
        statistics: z.tuple([z.int().min(0), z.int().min(1)]),
      }),
    )
    .min(1),
});

/** A subnet that is served. */
export interface BuiltSubnet {
  id: string;
  config: Record<string, number>;
  macs: number;
  heldOutAccuracy: number;
  accuracy: number;
  /** Encoded as packages/supernet writes them. */
  statistics: Uint8Array;
}

/** The outcome of a build. */
export interface BuildResult {
  candidates: number;
  seed: number;
  subnets: BuiltSubnet[];
}

/** Writes both files; `subnets.json` last, so that it never speaks of bytes that are not there. */
export async function writeBuildResult(folder: ModelFolder, result: BuildResult): Promise<void> {
  const statistics = Buffer.concat(result.subnets.map((subnet) => subnet.statistics));
  let offset = 0;
  const subnets = result.subnets.map((subnet) => {
    const place: [number, number] = [offset, subnet.statistics.length];
    offset += subnet.statistics.length;
    return { ...subnet, statistics: place };
  });
  const { candidates, seed } = result;
  const text = { v: 1, source: folder.sourceDigest, statistics: digestOf(statistics), candidates, seed, subnets };
  await writeWhole(join(folder.directory, files.statistics), statistics);
  await writeWhole(join(folder.directory, files.subnets), `${jsonText(text)}\n`);
}

/** Reads both files. Throws `invalid_model` when they are missing, malformed, or were made of other sources. */
export async function readBuildResult(folder: ModelFolder): Promise<BuildResult> {
  const path = join(folder.directory, files.subnets);
  const { source, statistics, candidates, seed, subnets } = await readJson(path, subnetsFile);
  if (source !== folder.sourceDigest) {
    throw new SlacklineError(
      'invalid_model',
      `${path} was built of another network, spec or calibration; build it again`,
    );
  }
  const bytes = await readModelFile(join(folder.directory, files.statistics));
  if (digestOf(bytes) !== statistics) {
    throw new SlacklineError('invalid_model', `${files.statistics} does not belong to ${path}; build it again`);
  }
  return {
    candidates,
    seed,
    subnets: subnets.map((subnet) => {
      const [offset, length] = subnet.statistics;
      return { ...subnet, statistics: bytes.subarray(offset, offset + length) };
    }),
  };
}

async function writeWhole(path: string, data: Uint8Array | string): Promise<void> {
  await writeFile(`${path}.partial`, data);
  await rename(`${path}.partial`, path);
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
