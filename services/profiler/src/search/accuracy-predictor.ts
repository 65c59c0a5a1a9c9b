/** Predicts a subnet's accuracy from those that were measured: a Gaussian process over the log-odds of being right. */
import { GaussianProcess } from './gaussian-process.js';
import type { Genome } from './space.js';

export class AccuracyPredictor {
  readonly #process: GaussianProcess;

  constructor(
    private readonly features: (genome: Genome) => readonly number[],
    measured: readonly { genome: Genome; accuracy: number }[],
  ) {
    this.#process = new GaussianProcess(
      measured.map(({ genome }) => features(genome)),
      measured.map(({ accuracy }) => logOdds(accuracy)),
    );
  }

  /** The expected accuracy, 0..1. */
  predict(genome: Genome): number {
    return probability(this.#process.predict(this.features(genome)).mean);
  }

  /** The accuracy that it may well have: `optimism` standard deviations above the expected one. */
  hopeful(genome: Genome, optimism: number): number {
    const { mean, deviation } = this.#process.predict(this.features(genome));
    return probability(mean + optimism * deviation);
  }
}

/** Accuracies near 1 differ in their errors: the log-odds of 99 % and 98 % are as far apart as those of 67 % and 50 %. */
function logOdds(accuracy: number): number {
  const share = Math.min(Math.max(accuracy, 1e-3), 1 - 1e-3);
  return Math.log(share / (1 - share));
}

function probability(odds: number): number {
  return 1 / (1 + Math.exp(-odds));
}
