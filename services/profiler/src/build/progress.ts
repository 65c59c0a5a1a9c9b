/** How far a build is: steps of the present stage, the share of the whole, and the time that is left at this rate. */

export interface BuildProgress {
  stage: string;
  /** Steps of this stage. */
  done: number;
  total: number;
  /** Of the whole build, 0..1, by the work that is planned. */
  share: number;
  /** Milliseconds at the rate so far; undefined at first. */
  leftMs: number | undefined;
}

export type OnProgress = (progress: BuildProgress) => void;

/** Below this share an estimate of the time left would be a guess. */
const leastShare = 0.03;

export class ProgressMeter {
  readonly #begun = performance.now();
  #workDone = 0;
  #workPlanned = 1;

  constructor(private readonly onProgress: OnProgress) {}

  /** Says how much work there will be in all, in any unit. */
  plan(work: number): void {
    this.#workPlanned = Math.max(work, this.#workDone, Number.MIN_VALUE);
  }

  /** A counter of the steps of a stage; call it after each with the work it was. */
  stage(stage: string, total: number): (work: number) => void {
    let done = 0;
    this.#tell(stage, done, total);
    return (work) => {
      this.#workDone += work;
      done += 1;
      this.#tell(stage, done, total);
    };
  }

  #tell(stage: string, done: number, total: number): void {
    const share = Math.min(1, this.#workDone / this.#workPlanned);
    const elapsedMs = performance.now() - this.#begun;
    const leftMs = share < leastShare ? undefined : (elapsedMs * (1 - share)) / share;
    this.onProgress({ stage, done, total, share, leftMs });
  }
}
