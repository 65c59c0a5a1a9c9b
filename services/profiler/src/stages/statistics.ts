/** Second stage: SubnetNorm statistics. A subnet's activations are its own; under another's statistics it guesses. */
import { calibrate, type HostedSubnet, type Supernet } from '@slackline/supernet';
import type { ArrayData } from '../array-file.js';
import type { Candidate } from '../build/candidates.js';

/**
 * Each candidate with its statistics, measured on `images` (rows of the model's input, one after the other).
 *
 * @param onProgress is told after each candidate
 */
export async function withStatistics(
  supernet: Supernet,
  candidates: readonly Candidate[],
  images: ArrayData,
  onProgress: () => void,
): Promise<HostedSubnet[]> {
  const hosted: HostedSubnet[] = [];
  for (const { id, config } of candidates) {
    hosted.push({ id, config, statistics: await calibrate(supernet, config, images) });
    onProgress();
  }
  return hosted;
}
