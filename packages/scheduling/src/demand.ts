/**
 * What the waiting queries of one priority class take, sorted by how long they were given. Whether they can all be done by the last
 * deadline says little where limits differ: one query with a minute would vouch for thousands with 36 ms. So those are summed up that
 * were given no longer than some time, and must be done by the last deadline among them.
 */

/** Each band holds limits up to twice those of the one before; the last one all that are longer. */
export const bands = 16;
/** Limits up to 8 ms. */
const leastPower = 3;

/** The longest limit of a band; Infinity for the last. */
export function longestOf(band: number): number {
  return band === bands - 1 ? Number.POSITIVE_INFINITY : 2 ** (leastPower + band);
}

/** That of the least power of two that is not smaller. */
function bandOf(sloMs: number): number {
  const power = 32 - Math.clz32(Math.max(0, Math.min(2 ** 31, Math.ceil(sloMs)) - 1));
  return Math.min(bands - 1, Math.max(0, power - leastPower));
}

/** The lowest of the bands that are marked by the bits of a number other than 0. */
export function lowestOf(marked: number): number {
  return 31 - Math.clz32(marked & -marked);
}

interface Given {
  readonly deadlineMs: number;
  readonly sloMs: number;
}

export class Demand {
  readonly #count = new Int32Array(bands);
  readonly #work = new Float64Array(bands);
  readonly #latestMs = new Float64Array(bands).fill(Number.NEGATIVE_INFINITY);
  #used = 0;

  /** The bands in which something waits, as bits: so no decision looks at the others. */
  get used(): number {
    return this.#used;
  }

  /** @param work what it takes at best, as a multiple of what a query takes on the least accurate subnet */
  add({ deadlineMs, sloMs }: Given, work: number): void {
    const band = bandOf(sloMs);
    this.#count[band] = (this.#count[band] ?? 0) + 1;
    this.#work[band] = this.workIn(band) + work;
    this.#latestMs[band] = Math.max(this.latestIn(band), deadlineMs);
    this.#used |= 1 << band;
  }

  /** @param work what was added for it */
  remove({ sloMs }: Given, work: number): void {
    const band = bandOf(sloMs);
    const left = (this.#count[band] ?? 0) - 1;
    this.#count[band] = left;
    // Rounding may leave less than nothing to those that are no work.
    this.#work[band] = Math.max(0, this.workIn(band) - work);
    if (left > 0) return;
    // Nor must it add up over millions of queries.
    this.#work[band] = 0;
    this.#latestMs[band] = Number.NEGATIVE_INFINITY;
    this.#used &= ~(1 << band);
  }

  /** Of those in a band. */
  workIn(band: number): number {
    return this.#work[band] ?? 0;
  }

  /** No query of the band has a later deadline; it may be that of one that has left. -Infinity where there is none. */
  latestIn(band: number): number {
    return this.#latestMs[band] ?? Number.NEGATIVE_INFINITY;
  }

  /** Of all. */
  get work(): number {
    let work = 0;
    for (let rest = this.#used; rest !== 0; rest &= rest - 1) work += this.workIn(lowestOf(rest));
    return work;
  }

  /** No query has a later deadline; -Infinity where there is none. */
  get latestMs(): number {
    let latestMs = Number.NEGATIVE_INFINITY;
    for (let rest = this.#used; rest !== 0; rest &= rest - 1)
      latestMs = Math.max(latestMs, this.latestIn(lowestOf(rest)));
    return latestMs;
  }
}
