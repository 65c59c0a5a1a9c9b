/** The time of a run: it must end within what was planned, so every part gets a share of what is left. */

/** A part's time. */
export interface PartTime {
  /** Whether so many seconds are left of it. */
  has(seconds: number): boolean;
  /** How many are. */
  left(): number;
}

export class Budget {
  readonly #endsAtMs: number;
  readonly #now: () => number;

  /** @param now monotonic, in milliseconds */
  constructor(seconds: number, now: () => number = () => performance.now()) {
    this.#now = now;
    this.#endsAtMs = now() + 1_000 * seconds;
  }

  /** Seconds until the run must have ended. */
  left(): number {
    return (this.#endsAtMs - this.#now()) / 1_000;
  }

  /**
   * The time of the part that begins now: as much of what is left as its weight is of the weights that are left. What it does
   * not use the others get.
   */
  part(weight: number, weightOfOthers: number): PartTime {
    return partOf(this, this.left() * (weight / (weight + weightOfOthers)));
  }
}

/** A part of some time that begins now: so many seconds of what is left. */
export function partOf(time: Pick<PartTime, 'left'>, seconds: number): PartTime {
  const others = time.left() - seconds;
  const left = () => time.left() - others;
  return { left, has: (wanted) => left() >= wanted };
}
