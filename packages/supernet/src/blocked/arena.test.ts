import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomFloats } from '../testing/network.js';
import { Arena, alignedBytes, scalePlainly } from './arena.js';
import { blockWeights, scaleInto } from './layout.js';

describe('the arena', () => {
  it('scales as plain JavaScript does, with and without its kernel', () => {
    const sizes = fc.record({
      block: fc.constantFrom(4, 8, 16),
      blocks: fc.integer({ min: 0, max: 40 }),
      seed: fc.nat(99),
    });
    fc.assert(
      fc.property(sizes, ({ block, blocks, seed }) => {
        const floats = block * blocks;
        const arena = new Arena(2 * alignedBytes(floats));
        const [source, target] = [arena.take(floats), arena.take(floats)];
        source.set(randomFloats(floats, seed));
        const scale = randomFloats(2 * block, seed + 1);
        const expected = new Float32Array(floats);
        scalePlainly(source, expected, scale, block, block);
        arena.scale(source, target, scale, block, block);
        expect(target).toEqual(expected);
        const outside = new Float32Array(floats);
        arena.scale(source, outside, scale, block, block);
        expect(outside).toEqual(expected);
      }),
    );
  });

  it('hands out aligned memory that does not overlap', () => {
    const arena = new Arena(alignedBytes(3) + alignedBytes(20));
    const [first, second] = [arena.take(3), arena.take(20)];
    expect([first.byteOffset % 64, second.byteOffset % 64]).toEqual([0, 0]);
    expect(second.byteOffset - first.byteOffset).toBeGreaterThanOrEqual(first.byteLength);
  });
});

describe('blocked weights of a subnet', () => {
  it('are the sliced and scaled plain weights, blocked, and zero elsewhere', () => {
    const sizes = fc.record({
      block: fc.constantFrom(4, 8, 16),
      direct: fc.boolean(),
      out: fc.integer({ min: 1, max: 40 }),
      into: fc.integer({ min: 1, max: 40 }),
      usedOut: fc.integer({ min: 1, max: 40 }),
      usedInto: fc.integer({ min: 1, max: 40 }),
      kernel: fc.constantFrom(1, 9),
    });
    fc.assert(
      fc.property(sizes, ({ block, direct, out, into, kernel, ...used }) => {
        const [outs, ins] = [Math.min(out, used.usedOut), Math.min(into, used.usedInto)];
        const plain = randomFloats(out * into * kernel, out + into);
        const factors = randomFloats(outs, 3);
        const scale = new Float32Array(Math.ceil(outs / block) * block);
        scale.set(factors);
        const sliced = Float32Array.from({ length: outs * ins * kernel }, (_, n) => {
          const [o, i, k] = [Math.floor(n / (ins * kernel)), Math.floor(n / kernel) % ins, n % kernel];
          return Math.fround((plain[(o * into + i) * kernel + k] ?? 0) * (factors[o] ?? 0));
        });
        const expected = blockWeights(sliced, { out: outs, into: ins, kernel }, block, direct).values;
        const weights = blockWeights(plain, { out, into, kernel }, block, direct);
        const target = new Float32Array(expected.length).fill(Number.NaN);
        scaleInto(weights, ins, scale, target, new Arena(0));
        // -0 and 0 are one weight: padding can be either.
        expect(target.map((value) => value + 0)).toEqual(expected.map((value) => value + 0));
      }),
    );
  });
});
