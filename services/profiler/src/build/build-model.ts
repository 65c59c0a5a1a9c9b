/** Builds a model folder: reads its data, builds, and hands over what the folder is to hold. */
import { dirname, resolve } from 'node:path';
import { packageFile, readArray, readLabels, rows, SlacklineError } from '@slackline/shared';
import type { Labelled } from '../stages/accuracy.js';
import type { ModelFolder } from '../stages/read.js';
import { supernetOf } from '../stages/servable.js';
import { type BuildOutcome, buildSubnets } from './build-subnets.js';
import type { BuildOptions } from './options.js';
import type { OnProgress } from './progress.js';
import type { BuildSources } from './sources.js';

/** Builds a folder and resolves with the outcome; nothing is written. Throws `invalid_model`. */
export async function buildModel(
  folder: ModelFolder,
  options: BuildOptions,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<BuildOutcome> {
  return buildSubnets(await folderSources(folder), options, onProgress, signal);
}

/** What a build of the folder is made of. Throws `invalid_model`. */
export async function folderSources(folder: ModelFolder): Promise<BuildSources> {
  const { directory, onnx, spec, manifest } = folder;
  const { calibration, heldOut, test } = manifest;
  const tested = await readLabelled(directory, test);
  const [from, to] = test.range;
  return {
    supernet: supernetOf(folder),
    onnx,
    spec,
    calibration: calibration === undefined ? undefined : await readArray(await packageFile(directory, calibration)),
    heldOut: await readLabelled(directory, heldOut),
    test: { images: rows(tested.images, from, to), labels: tested.labels.subarray(from, to) },
  };
}

/** Reads inputs and their labels. Throws `invalid_model` unless there is one label for each row. */
export async function readLabelled(directory: string, files: { images: string; labels: string }): Promise<Labelled> {
  // Models of one task share their labelled rows: a neighbour's are as good.
  const fileOf = (name: string) => packageFile(directory, name, dirname(resolve(directory)));
  const images = await readArray(await fileOf(files.images));
  const labels = await readLabels(await fileOf(files.labels));
  if (images.shape[0] === labels.length) return { images, labels };
  const counts = `${images.shape[0]} rows and ${labels.length} labels`;
  throw new SlacklineError('invalid_model', `${files.images} and ${files.labels} in ${directory} have ${counts}`);
}
