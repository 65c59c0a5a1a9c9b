/**
 * Actuation of graphs with mapped weights, one graph per subnet: makes a subnet's weights piece by piece and writes
 * them into its region of the file. With room for all, every subnet has its own region; else several share one.
 */
import type { Arena } from './arena.js';
import type { MappedFile } from './mapped-file.js';
import { makeParameters, type Plan } from './plan.js';

/** Where each subnet's weights lie in the file. */
export interface Regions {
  readonly bytes: number;
  /** By hosted subnet. */
  readonly offsets: readonly number[];
}

/** Lays out the regions in `budgetBytes`, or in what the largest subnet needs, whichever is more. */
export function regions(plans: readonly Plan[], { count, slotBytes }: { count: number; slotBytes: number }): Regions {
  if (count < plans.length) return { bytes: count * slotBytes, offsets: plans.map((_, i) => (i % count) * slotBytes) };
  let bytes = 0;
  const offsets = plans.map((plan) => {
    const offset = bytes;
    bytes += plan.bytes;
    return offset;
  });
  return { bytes, offsets };
}

/** Written to the file at once: fewer calls, and still in the caches when it is copied. */
const PIECE_BYTES = 2 ** 18;

/** Floats of the memory that a MappedActuator makes weights in before it writes them. */
export function stagingFloats(plans: readonly Plan[]): number {
  const largest = plans.flatMap(({ sized }) => sized.map(({ floats }) => floats));
  return largest.reduce((most, floats) => Math.max(most, floats), PIECE_BYTES / Float32Array.BYTES_PER_ELEMENT);
}

export class MappedActuator {
  /** The subnet that each region holds, by the region's offset. */
  private readonly holds = new Map<number, number>();
  private readonly staging: Float32Array;

  constructor(
    private readonly plans: readonly Plan[],
    private readonly arena: Arena,
    private readonly file: MappedFile,
    private readonly offsets: readonly number[],
  ) {
    this.staging = arena.take(stagingFloats(plans));
  }

  actuate(index: number): void {
    const [plan, offset] = [this.plans[index], this.offsets[index]];
    if (plan === undefined || offset === undefined) throw new RangeError(`There is no subnet ${index}.`);
    if (this.holds.get(offset) === index) return;
    this.holds.delete(offset);
    this.write(plan, offset);
    this.holds.set(offset, index);
  }

  private write(plan: Plan, offset: number): void {
    // What stands in the staging memory: a piece of the subnet's parameters, which begins there.
    let [begin, floats] = [0, 0];
    const flush = () => {
      if (floats > 0) this.file.write(this.staging.subarray(0, floats), offset + begin);
    };
    makeParameters(plan, this.arena, ({ offsetBytes, floats: wanted }) => {
      let at = (offsetBytes - begin) / Float32Array.BYTES_PER_ELEMENT;
      if (at + wanted > this.staging.length) {
        flush();
        [begin, at] = [offsetBytes, 0];
      }
      floats = at + wanted;
      return this.staging.subarray(at, floats);
    });
    flush();
  }
}
