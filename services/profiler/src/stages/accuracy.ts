/** Fourth stage: top-1 accuracy, through the graphs that workers run. */
import { type HostedSubnet, type Supernet, SupernetSession } from '@slackline/supernet';
import { type ArrayFile, rows } from '../array-file.js';

/** Rows per run: activations of so many stay in a core's cache. */
const batch = 50;

/** Inputs with the class of each row. */
export interface Labelled {
  images: ArrayFile;
  labels: Uint8Array;
}

/**
 * Share of the rows (0..1) on which each subnet's first output is largest at the label, in the order of `subnets`.
 *
 * @param onProgress is told after each subnet
 */
export async function top1Accuracies(
  supernet: Supernet,
  subnets: readonly HostedSubnet[],
  { images, labels }: Labelled,
  onProgress: () => void,
): Promise<number[]> {
  const session = await SupernetSession.open(supernet, subnets);
  try {
    const accuracies: number[] = [];
    for (const index of subnets.keys()) {
      session.actuate(index);
      let right = 0;
      for (let from = 0; from < labels.length; from += batch) {
        const part = rows(images, from, from + batch);
        const [logits] = await session.run(part.data, part.shape[0] ?? 0);
        if (logits === undefined) throw new Error('the model has no outputs');
        right += countRight(logits, labels.subarray(from, from + batch));
      }
      accuracies.push(right / labels.length);
      onProgress();
    }
    return accuracies;
  } finally {
    await session.release();
  }
}

function countRight(logits: Float32Array, labels: Uint8Array): number {
  const classes = logits.length / labels.length;
  return labels.reduce((right, label, row) => {
    const scores = logits.subarray(row * classes, (row + 1) * classes);
    return scores.indexOf(Math.max(...scores)) === label ? right + 1 : right;
  }, 0);
}
