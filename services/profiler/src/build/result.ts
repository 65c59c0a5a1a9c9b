/**
 * What a build leaves in the model folder: `subnets.json`, for people, `statistics.bin`, the bytes it points into, and
 * `search.json`, what the search saw.
 */
import { createHash } from 'node:crypto';
import { access, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SlacklineError } from '@slackline/shared';
import { z } from 'zod';
import { jsonText } from '../json-text.js';
import { type ModelFolder, readJson, readModelFile } from '../stages/read.js';
import { type BuildReport, buildReport } from './report.js';

const files = { subnets: 'subnets.json', statistics: 'statistics.bin', report: 'search.json' };
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const share = z.number().min(0).max(1);

const subnetsFile = z.strictObject({
  v: z.literal(1),
  /** SHA-256 of network, spec and calibration inputs that this was made of. */
  source: sha256,
  /** SHA-256 of statistics.bin. */
  statistics: sha256,
  /** How many subnets were measured, and the seed of the search. */
  candidates: z.int().min(1),
  seed: z.int(),
  /** Ascending in cost: `latencyMs` where there is one, else `macs`. */
  subnets: z
    .array(
      z.strictObject({
        id: z.string().min(1),
        config: z.record(z.string(), z.number()),
        /** Multiply-accumulate operations for one row. */
        macs: z.number().positive(),
        /** Predicted latency of one row on the machine of the build; absent where multiply-accumulates were held low. */
        latencyMs: z.number().positive().optional(),
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
  /** Predicted, for one row on the machine of the build. */
  latencyMs?: number | undefined;
  heldOutAccuracy: number;
  accuracy: number;
  /** Encoded as packages/supernet writes them. */
  statistics: Uint8Array;
}

/** What of a build is served. */
export interface BuildResult {
  /** How many subnets were measured. */
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

/** Writes what a build says of itself, `search.json`: for people, and so that it can be built again without timing. */
export async function writeBuildReport({ directory, sourceDigest }: ModelFolder, report: BuildReport): Promise<void> {
  const text = jsonText({ v: 1, source: sourceDigest, ...report });
  await writeWhole(join(directory, files.report), `${text}\n`);
}

/** The report of the last build of the same sources, or undefined. Throws `invalid_model` when there is one, malformed. */
export async function readBuildReport({ directory, sourceDigest }: ModelFolder): Promise<BuildReport | undefined> {
  const path = join(directory, files.report);
  const there = await access(path).then(
    () => true,
    () => false,
  );
  if (!there) return undefined;
  const { v: _, source, ...report } = await readJson(path, buildReport.extend({ v: z.literal(1), source: sha256 }));
  return source === sourceDigest ? report : undefined;
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
