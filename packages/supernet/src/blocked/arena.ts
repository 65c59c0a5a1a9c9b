/**
 * One aligned memory for the blocked weights and for what actuation makes of them.
 *
 * Every array begins on a 64-byte boundary: AVX-512 loads that straddle cache lines cost a quarter of the speed, and
 * JavaScript promises no alignment of an ArrayBuffer. A WebAssembly memory begins on a page, and SIMD can work in it.
 */
import { type ScaleKernel, scaleMemory } from './scale-kernel.js';

export const ALIGNMENT_BYTES = 64;
const FLOAT_BYTES = 4;
/** Factors that the kernel takes. */
const LANES = 16;

/** The bytes that an array of that many floats takes up, with what follows aligned. */
export function alignedBytes(floats: number): number {
  return Math.ceil((floats * FLOAT_BYTES) / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
}

export class Arena {
  private readonly buffer: ArrayBuffer;
  private readonly kernel: ScaleKernel | undefined;
  private readonly factors: Float32Array;
  private used = 0;

  /** @param bytes the sum of alignedBytes of what will be taken */
  constructor(bytes: number) {
    const total = bytes + alignedBytes(LANES);
    try {
      const { memory, scale } = scaleMemory(total);
      this.buffer = memory.buffer;
      this.kernel = scale;
    } catch {
      // No WebAssembly SIMD, or no room in the address space: slower, never different.
      this.buffer = new ArrayBuffer(total);
      this.kernel = undefined;
    }
    this.factors = this.take(LANES);
  }

  get bytes(): number {
    return this.buffer.byteLength;
  }

  /** The next `floats` floats, aligned. @throws RangeError when the arena is full */
  take(floats: number): Float32Array {
    const taken = new Float32Array(this.buffer, this.used, floats);
    this.used += alignedBytes(floats);
    return taken;
  }

  /**
   * target[n] = source[n] * scale[first + n % block] for all of source; `block` is 4, 8 or 16.
   * Both arrays should lie in this arena; others are scaled too, slowly.
   */
  scale(source: Float32Array, target: Float32Array, scale: Float32Array, first: number, block: number): void {
    const here = source.buffer === this.buffer && target.buffer === this.buffer;
    if (this.kernel === undefined || !here || source.length % LANES !== 0) {
      scalePlainly(source, target, scale, first, block);
      return;
    }
    if (source.length === 0) return;
    for (let lane = 0; lane < LANES; lane++) this.factors[lane] = scale[first + (lane % block)] ?? 0;
    const begin = source.byteOffset;
    this.kernel(begin, target.byteOffset, begin + source.byteLength, this.factors.byteOffset);
  }
}

/** The same in JavaScript: four lanes at a time, so that their factors stay in registers. */
export function scalePlainly(
  source: Float32Array,
  target: Float32Array,
  scale: Float32Array,
  first: number,
  block: number,
): void {
  for (let lane = 0; lane < block; lane += 4) {
    const a = scale[first + lane] ?? 0;
    const b = scale[first + lane + 1] ?? 0;
    const c = scale[first + lane + 2] ?? 0;
    const d = scale[first + lane + 3] ?? 0;
    for (let n = lane; n < source.length; n += block) {
      target[n] = (source[n] ?? 0) * a;
      target[n + 1] = (source[n + 1] ?? 0) * b;
      target[n + 2] = (source[n + 2] ?? 0) * c;
      target[n + 3] = (source[n + 3] ?? 0) * d;
    }
  }
}
