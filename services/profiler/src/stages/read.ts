/** Reads a model folder. `model.json` names the files; docs/profiling.md describes the format. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { namePattern, packageFile, SlacklineError } from '@slackline/shared';
import { z } from 'zod';

const file = z.string().min(1);

/** `model.json`: paths are relative to the folder, and lead out of it only for labelled inputs, to its neighbours. */
export const modelManifest = z.strictObject({
  name: z.string().regex(namePattern),
  /** The limit of queries that state none, in milliseconds. */
  sloMs: z.number().positive(),
  /** The largest network as it was trained. */
  onnx: file,
  /** Its elastic spec; docs/supernet.md describes it. */
  spec: file,
  /** Training inputs, from which normalization statistics are computed; a network without BatchNormalization needs none. */
  calibration: file.optional(),
  /** Labelled training inputs that the network was not trained on: subnets are chosen on them. */
  heldOut: z.strictObject({ images: file, labels: file }),
  /** Labelled test inputs; the accuracy that is published is measured on the rows of `range` (from, to). */
  test: z.strictObject({
    images: file,
    labels: file,
    range: z.tuple([z.int().min(0), z.int().min(1)]).refine(([from, to]) => from < to, 'from must be less than to'),
  }),
});
export type ModelManifest = z.infer<typeof modelManifest>;

/** A model folder, with what every stage needs of it. */
export interface ModelFolder {
  directory: string;
  manifest: ModelManifest;
  onnx: Uint8Array;
  /** The spec as it was written. */
  spec: unknown;
  /** SHA-256 of network, spec and calibration inputs: results that carry another one are stale. */
  sourceDigest: string;
}

/** Reads a model folder. Throws `invalid_model`, naming the file. */
export async function readModelFolder(directory: string): Promise<ModelFolder> {
  const manifest = await readJson(join(directory, 'model.json'), modelManifest);
  const [onnx, spec, calibration] = await Promise.all(
    [manifest.onnx, manifest.spec, manifest.calibration].map(async (name) => {
      return name === undefined ? undefined : readModelFile(await packageFile(directory, name));
    }),
  );
  const hash = createHash('sha256');
  for (const bytes of [onnx, spec, calibration]) {
    // Each file by its own digest, so that no byte can move from one file to the next unseen.
    hash.update(
      createHash('sha256')
        .update(bytes ?? '')
        .digest(),
    );
  }
  return {
    directory,
    manifest,
    onnx: onnx ?? new Uint8Array(),
    spec: await readJson(await packageFile(directory, manifest.spec), z.unknown()),
    sourceDigest: hash.digest('hex'),
  };
}

/** Reads a file of a model folder. Throws `invalid_model`. */
export async function readModelFile(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new SlacklineError('invalid_model', `${path} cannot be read`, { cause });
  }
}

/** Reads a JSON file and checks it. Throws `invalid_model`, naming the fields that are wrong. */
export async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  const text = new TextDecoder().decode(await readModelFile(path));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SlacklineError('invalid_model', `${path} is not JSON`, { cause });
  }
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  const fields = checked.error.issues.map((issue) => `${issue.path.join('.')} (${issue.message})`).slice(0, 5);
  throw new SlacklineError('invalid_model', `${path} is wrong in ${fields.join(', ')}`);
}
