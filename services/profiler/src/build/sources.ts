/** What a build is made of, checked; and the divisions of it that a build makes. */
import { type ArrayFile, rows, SlacklineError } from '@slackline/shared';
import type { Supernet } from '@slackline/supernet';
import type { Labelled } from '../stages/accuracy.js';

export interface BuildSources {
  supernet: Supernet;
  /** The files that `supernet` was read from: the threads that measure read them too. */
  onnx: Uint8Array;
  spec: unknown;
  /** Inputs that the normalization statistics are computed on. A network that normalizes no batches needs none. */
  calibration?: ArrayFile | undefined;
  /** Labelled inputs that subnets are chosen by. */
  heldOut: Labelled;
  /** Labelled inputs that choose nothing: the accuracies on them are published. */
  test: Labelled;
}

/** Divides one set of labelled inputs: the even rows choose subnets, the odd ones measure what was chosen. */
export function splitValidation(all: Labelled): { heldOut: Labelled; test: Labelled } {
  const halves = [0, 1].map((first) => {
    const picked = Array.from({ length: Math.ceil((all.labels.length - first) / 2) }, (_, i) => 2 * i + first);
    return pick(all, picked);
  });
  const [heldOut, test] = halves;
  if (heldOut === undefined || test === undefined) throw new RangeError('two halves are two');
  return { heldOut, test };
}

/** `count` rows spread evenly over all: files are often sorted by class. The whole when there are no more. */
export function spread(all: Labelled, count: number): Labelled {
  const total = all.labels.length;
  if (count >= total) return all;
  return pick(all, spreadIndexes(total, count));
}

/** As `spread`, for inputs without labels. */
export function spreadRows(all: ArrayFile, count: number): ArrayFile {
  const total = all.shape[0] ?? 0;
  return count >= total ? all : pickRows(all, spreadIndexes(total, count));
}

function spreadIndexes(total: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => Math.floor((i * total) / count));
}

function pick({ images, labels }: Labelled, picked: readonly number[]): Labelled {
  const kept = labels instanceof Uint8Array ? new Uint8Array(picked.length) : new Int32Array(picked.length);
  for (const [i, row] of picked.entries()) kept[i] = labels[row] ?? 0;
  return { images: pickRows(images, picked), labels: kept };
}

function pickRows(all: ArrayFile, picked: readonly number[]): ArrayFile {
  const [, ...rest] = all.shape;
  const rowSize = rest.reduce((product, size) => product * size, 1);
  const data = all.data.slice(0, picked.length * rowSize);
  for (const [i, row] of picked.entries()) data.set(rows(all, row, row + 1).data as never, i * rowSize);
  return { shape: [picked.length, ...rest], data };
}

/** Throws `invalid_model` unless there is a label for every input, of one of the classes, and inputs are the model's. */
export function checkSources({ supernet, calibration, heldOut, test }: BuildSources): void {
  const [input, output] = [supernet.inputs[0], supernet.outputs[0]];
  const shape = (input?.shape ?? []).slice(1);
  const classes = output?.shape.at(-1) ?? 0;
  if (output?.shape.length !== 2) {
    throw invalid(
      `its first output is [${output?.shape}]; the score of every class for each row is needed, [-1, classes]`,
    );
  }
  const arrays = { 'calibration inputs': calibration, 'held-out inputs': heldOut.images, 'test inputs': test.images };
  for (const [what, array] of Object.entries(arrays)) {
    if (array === undefined) continue;
    if (array.shape.slice(1).join() !== shape.join()) {
      throw invalid(`the ${what} are [${array.shape}], and the model takes [rows, ${shape.join(', ')}]`);
    }
    if ((array.shape[0] ?? 0) === 0) throw invalid(`there are no ${what}`);
  }
  for (const [what, { images, labels }] of Object.entries({ 'held-out': heldOut, test })) {
    if (images.shape[0] !== labels.length) {
      throw invalid(`there are ${images.shape[0]} ${what} rows and ${labels.length} labels`);
    }
    const wrong = labels.findIndex((label) => label < 0 || label >= classes);
    if (wrong >= 0) throw invalid(`${what} label ${wrong} is ${labels[wrong]}, and there are ${classes} classes`);
  }
}

function invalid(reason: string): SlacklineError {
  return new SlacklineError('invalid_model', `The model cannot be built: ${reason}`);
}
