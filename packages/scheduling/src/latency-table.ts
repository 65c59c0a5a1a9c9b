/** What one model's subnets take on one device class: the numbers that every decision is made from. */

/** A subnet of the front. */
export interface FrontSubnet {
  readonly id: string;
  /** Top-1 in 0..1. */
  readonly accuracy: number;
}

/**
 * Latency by subnet and batch. Subnets ascend in accuracy; batches ascend; latency ascends in both. Row s, column b of
 * the grid is `latencyMs[s * batches.length + b]`: one flat array, because policies walk it on every decision.
 */
export class LatencyTable {
  readonly latencyMs: Float64Array;

  /**
   * @param rows one per subnet, in milliseconds, as long as `batches`
   * @param tail the same subnets and batches at a high percentile; decisions are guarded by it (guard.ts)
   * @param actuationMs what it costs a worker to change to each subnet, in milliseconds: next to nothing within a supernet,
   *   the loading of its weights in a family of separate models
   * @throws RangeError where sizes do not fit, or an order does not hold
   */
  constructor(
    readonly subnets: readonly FrontSubnet[],
    readonly batches: readonly number[],
    rows: readonly (readonly number[])[],
    readonly tail?: LatencyTable,
    readonly actuationMs: readonly number[] = subnets.map(() => 0),
  ) {
    if (subnets.length === 0 || batches.length === 0)
      throw new RangeError('a latency table needs a subnet and a batch');
    if (batches[0] !== 1) throw new RangeError('a latency table begins at batch 1');
    if (rows.length !== subnets.length || rows.some((row) => row.length !== batches.length)) {
      throw new RangeError('a latency table needs one row per subnet and one column per batch');
    }
    if (tail !== undefined && (tail.subnets.length !== subnets.length || `${tail.batches}` !== `${batches}`)) {
      throw new RangeError('the tail of a latency table needs the same subnets and batches');
    }
    this.latencyMs = Float64Array.from(rows.flat());
    this.#checkOrder();
  }

  get largestBatch(): number {
    return this.batches[this.batches.length - 1] ?? 1;
  }

  /** The grid's own entry. */
  at(subnet: number, batchIndex: number): number {
    return this.latencyMs[subnet * this.batches.length + batchIndex] ?? Number.POSITIVE_INFINITY;
  }

  /** Any batch size: between two profiled ones on the line that joins them, above the largest in proportion. */
  estimate(subnet: number, batch: number): number {
    const { batches } = this;
    const above = batches.findIndex((size) => size >= batch);
    if (above === -1) return (this.at(subnet, batches.length - 1) * batch) / this.largestBatch;
    const high = this.at(subnet, above);
    const size = batches[above] ?? batch;
    if (above === 0 || size === batch) return high;
    const sizeBelow = batches[above - 1] ?? 0;
    const low = this.at(subnet, above - 1);
    return low + ((high - low) * (batch - sizeBelow)) / (size - sizeBelow);
  }

  /** The least that any query can take: batch 1 on the fastest subnet. */
  get fastestMs(): number {
    return this.at(0, 0);
  }

  #checkOrder(): void {
    const { subnets, batches } = this;
    for (let s = 0; s < subnets.length; s += 1) {
      for (let b = 0; b < batches.length; b += 1) {
        const here = this.at(s, b);
        if (!(here > 0)) throw new RangeError(`latency of subnet ${s} at batch ${batches[b]} is ${here}`);
        if (b > 0 && here < this.at(s, b - 1))
          throw new RangeError(`latency of subnet ${s} falls at batch ${batches[b]}`);
        if (s > 0 && here < this.at(s - 1, b))
          throw new RangeError(`latency at batch ${batches[b]} falls at subnet ${s}`);
      }
      const accuracy = subnets[s]?.accuracy ?? 0;
      if (s > 0 && accuracy < (subnets[s - 1]?.accuracy ?? 0)) throw new RangeError(`accuracy falls at subnet ${s}`);
    }
  }
}
