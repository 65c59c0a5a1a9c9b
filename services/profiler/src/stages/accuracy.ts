/** Top-1 accuracy, through the graphs that workers run. */

import { type ArrayFile, rows } from '@slackline/shared';
import { type HostedSubnet, type Supernet, SupernetSession } from '@slackline/supernet';

/** Rows per run: activations of so many stay in a core's cache. */
const batch = 50;

/** Inputs with the class of each row. */
export interface Labelled {
  images: ArrayFile;
  labels: Uint8Array | Int32Array;
}

/**
 * Share of the rows (0..1) on which each subnet's first output is largest at the label, in the order of `subnets`.
 *
 * @param signal is asked before every run
 */
export async function top1Accuracies(
  supernet: Supernet,
  subnets: readonly HostedSubnet[],
  { images, labels }: Labelled,
  { signal }: { signal?: Pick<AbortSignal, 'throwIfAborted'> } = {},
): Promise<number[]> {
  const session = await SupernetSession.open(supernet, subnets);
  try {
    const accuracies: number[] = [];
    for (const index of subnets.keys()) {
      session.actuate(index);
      let right = 0;
      for (let from = 0; from < labels.length; from += batch) {
        signal?.throwIfAborted();
        const part = rows(images, from, from + batch);
        // A copy: ONNX Runtime takes no memory that threads share.
        const [scores] = await session.run(part.data.slice(), part.shape[0] ?? 0);
        if (scores === undefined) throw new Error('the model has no outputs');
        right += countRight(scores, labels.subarray(from, from + batch));
      }
      accuracies.push(right / labels.length);
    }
    return accuracies;
  } finally {
    await session.release();
  }
}

function countRight(scores: Float32Array, labels: Labelled['labels']): number {
  const classes = scores.length / labels.length;
  let right = 0;
  for (const [row, label] of labels.entries()) {
    const best = scores[row * classes + label] ?? Number.NaN;
    const own = scores.subarray(row * classes, (row + 1) * classes);
    // The first of equal scores counts as the answer.
    if (own.indexOf(own.reduce((most, score) => Math.max(most, score), best)) === label) right += 1;
  }
  return right;
}
