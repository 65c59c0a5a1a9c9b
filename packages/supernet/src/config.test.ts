import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allConfigs, canonicalConfig, largestConfig, smallestConfig, subnetId } from './config.js';
import { residualNet } from './testing/supernets.js';

const supernet = residualNet({ width: [16, 32], inner: [8, 16, 24] });
const anyConfig = fc.record(
  Object.fromEntries(supernet.groups.map(({ name, sizes }) => [name, fc.constantFrom(...sizes)])),
);

describe('subnet configurations', () => {
  it('have an id that is a token and the same for every form of a configuration', () => {
    fc.assert(
      fc.property(anyConfig, (config) => {
        const canonical = canonicalConfig(supernet, config);
        expect(subnetId(supernet, config)).toMatch(/^[a-z0-9-]+$/);
        expect(subnetId(supernet, canonical)).toBe(subnetId(supernet, config));
        expect(canonicalConfig(supernet, canonical)).toEqual(canonical);
      }),
    );
  });

  it('have different ids for different subnets', () => {
    const configs = [...allConfigs(supernet)];
    const ids = new Set(configs.map((config) => subnetId(supernet, config)));
    expect(ids.size).toBe(configs.length);
    // Per stage 2 widths, and 1 + 3 + 3 choices of depth with inner width: a stage without blocks has no inner width.
    expect(configs).toHaveLength((2 * 7) ** 2);
  });

  it('are named by the sizes that matter', () => {
    const config = { width1: 16, inner1: 24, width2: 32, inner2: 16, depth1: 0, depth2: 1 };
    expect(subnetId(supernet, config)).toBe('w16-i8-w32-i16-d0-d1');
    expect(subnetId(supernet, largestConfig(supernet))).toBe('w32-i24-w32-i24-d2-d2');
    expect(subnetId(supernet, smallestConfig(supernet))).toBe('w16-i8-w16-i8-d0-d0');
  });

  it('are refused with the group and what it allows', () => {
    const whole = largestConfig(supernet);
    const refused = (config: Record<string, number>) => () => canonicalConfig(supernet, config);
    expect(refused({ ...whole, width1: 17 })).toThrowError('Group width1 is 17; allowed are 16, 32.');
    expect(refused({ width1: 16 })).toThrowError('Group inner1 is missing; allowed are 8, 16, 24.');
    expect(refused({ ...whole, hight: 3 })).toThrowError('The spec has no group hight.');
    expect(refused({ ...whole, width1: 17 })).toThrowError(expect.objectContaining({ code: 'invalid-config' }));
  });
});
