/** Measures accuracies for a build, each subnet once for each purpose, and tells how far it is. */
import type { Genome } from '../search/space.js';
import { keyOf } from '../search/space.js';
import type { Effort } from './effort.js';
import type { MeasuringPool } from './measuring-pool.js';
import type { RateResult, RateTask } from './measuring-tasks.js';
import type { ProgressMeter } from './progress.js';
import type { SupernetSpace } from './supernet-space.js';

export class Rater {
  readonly #known = new Map<string, Promise<RateResult>>();

  constructor(
    private readonly space: SupernetSpace,
    private readonly pool: MeasuringPool,
    private readonly progress: ProgressMeter,
    private readonly searchRows: Effort['search'],
    /** Calibration rows in all. */
    private readonly calibrationRows: number,
  ) {}

  /** Accuracies on a part of the held-out rows, with statistics of a part of the calibration rows: to search by. */
  async screen(genomes: readonly Genome[], stage: string): Promise<number[]> {
    const { calibration, heldOut } = this.searchRows;
    const task = { statistics: { rows: calibration }, on: 'heldOut' as const, rows: heldOut };
    const results = await this.#all('screen', genomes, stage, () => task);
    return results.map(({ accuracy }) => accuracy);
  }

  /** Statistics of all calibration rows and accuracies on all held-out rows: to choose by. */
  inFull(genomes: readonly Genome[], stage: string): Promise<RateResult[]> {
    const statistics = { rows: this.calibrationRows };
    return this.#all('full', genomes, stage, () => ({ statistics, on: 'heldOut', rows: Number.MAX_SAFE_INTEGER }));
  }

  /** Accuracies on the test rows under the statistics of `inFull`: to publish. */
  async onTest(genomes: readonly Genome[], stage: string): Promise<number[]> {
    const full = await this.inFull(genomes, stage);
    const results = await this.#all('test', genomes, stage, (i) => {
      return { statistics: full[i]?.statistics ?? { rows: 0 }, on: 'test', rows: Number.MAX_SAFE_INTEGER };
    });
    return results.map(({ accuracy }) => accuracy);
  }

  #all(
    purpose: string,
    genomes: readonly Genome[],
    stage: string,
    taskOf: (index: number) => Omit<RateTask, 'config'>,
  ): Promise<RateResult[]> {
    const fresh = genomes.filter((genome) => !this.#known.has(`${purpose} ${keyOf(genome)}`));
    const step = fresh.length === 0 ? () => {} : this.progress.stage(stage, fresh.length);
    return Promise.all(
      genomes.map((genome, index) => {
        const key = `${purpose} ${keyOf(genome)}`;
        const { config, macs } = this.space.candidate(genome);
        const result =
          this.#known.get(key) ??
          this.pool.rate({ ...taskOf(index), config: { ...config } }).then((rated) => {
            step(rated.forwardRows * macs);
            return rated;
          });
        this.#known.set(key, result);
        return result;
      }),
    );
  }
}
