/**
 * Builds a model folder, once and on any machine: draws candidate subnets, computes their statistics, measures them on
 * held-out inputs, keeps a well-spread pareto front, and measures that on test inputs. The test inputs choose nothing.
 */
import { join } from 'node:path';
import { SlacklineError } from '@slackline/shared';
import { encodeStatistics } from '@slackline/supernet';
import { readArray, readLabels, rows } from '../array-file.js';
import { type Labelled, top1Accuracies } from '../stages/accuracy.js';
import type { ModelFolder } from '../stages/read.js';
import { paretoFront, thinFront } from '../stages/select.js';
import { supernetOf } from '../stages/servable.js';
import { withStatistics } from '../stages/statistics.js';
import { drawCandidates } from './candidates.js';
import { macsPerRow } from './cost.js';
import type { BuildResult } from './result.js';

export interface BuildOptions {
  /** How many subnets to try. */
  candidates: number;
  /** How many to keep at most. */
  front: number;
  /** Draws the candidates; the same seed builds the same. */
  seed: number;
}

export const buildDefaults: BuildOptions = { candidates: 64, front: 12, seed: 1 };

/** Is told what is done of each step. */
export type BuildProgress = (step: string, done: number, total: number) => void;

/** Builds a folder and resolves with the result; nothing is written. Throws `invalid_model`. */
export async function buildModel(
  folder: ModelFolder,
  options: BuildOptions,
  onProgress: BuildProgress,
): Promise<BuildResult> {
  const { calibration, heldOut, test } = folder.manifest;
  const supernet = supernetOf(folder);
  const candidates = drawCandidates(supernet, options.candidates, options.seed);
  const counter = (step: string, total: number) => {
    let done = 0;
    return () => onProgress(step, ++done, total);
  };

  const { data: images } = await readArray(join(folder.directory, calibration));
  const computed = counter('statistics', candidates.length);
  const hosted = await withStatistics(supernet, candidates, images, computed);

  const chooseOn = await readLabelled(folder.directory, heldOut);
  const heldOutMeasured = counter('held-out accuracy', hosted.length);
  const heldOutAccuracies = await top1Accuracies(supernet, hosted, chooseOn, heldOutMeasured);
  const rated = hosted.map((subnet, i) => ({
    subnet,
    cost: macsPerRow(supernet, subnet.config),
    accuracy: heldOutAccuracies[i] ?? 0,
  }));
  const front = thinFront(paretoFront(rated), options.front);

  const [from, to] = test.range;
  const tested = await readLabelled(folder.directory, test);
  const part = { images: rows(tested.images, from, to), labels: tested.labels.subarray(from, to) };
  const served = front.map(({ subnet }) => subnet);
  const accuracies = await top1Accuracies(supernet, served, part, counter('test accuracy', front.length));
  return {
    candidates: candidates.length,
    seed: options.seed,
    subnets: front.map(({ subnet, cost, accuracy }, i) => ({
      id: subnet.id,
      config: { ...subnet.config },
      macs: cost,
      heldOutAccuracy: accuracy,
      accuracy: accuracies[i] ?? 0,
      statistics: encodeStatistics(subnet.statistics),
    })),
  };
}

/** Reads inputs and their labels. Throws `invalid_model` unless there is one label for each row. */
export async function readLabelled(directory: string, files: { images: string; labels: string }): Promise<Labelled> {
  const images = await readArray(join(directory, files.images));
  const labels = await readLabels(join(directory, files.labels));
  if (images.shape[0] === labels.length) return { images, labels };
  const counts = `${images.shape[0]} rows and ${labels.length} labels`;
  throw new SlacklineError('invalid_model', `${files.images} and ${files.labels} in ${directory} have ${counts}`);
}
