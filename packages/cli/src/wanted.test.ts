import { describe, expect, it } from 'vitest';
import { wantedModels } from './wanted.js';

const table = (model: string, deviceClass: string) => ({ file: `${model}.json`, model, deviceClass, isOwn: true });
const devices = { tables: [table('a', 'fast'), table('b', 'fast'), table('a', 'slow')], remove: () => {} };

describe('the models of a system', () => {
  it('are served by the workers whose class has a table for them', () => {
    const pool = [
      { deviceClass: 'slow', count: 3 },
      { deviceClass: 'fast', count: 2 },
    ];
    expect(wantedModels('fashion', pool, devices)).toEqual([
      { name: 'a', workers: 5 },
      { name: 'b', workers: 2 },
    ]);
    // Workers that name no class are of the first table's.
    expect(wantedModels('fashion', 4, devices).map(({ workers }) => workers)).toEqual([4, 4]);
    expect(wantedModels('fashion', 4, undefined)).toEqual([{ name: 'fashion', workers: 4 }]);
  });

  it.each([
    [[{ deviceClass: 'quick', count: 1 }], devices, /describes \(fast, slow\), not quick/],
    [[{ deviceClass: 'slow', count: 1 }], devices, /a worker is fast: no other serves b/],
    [[{ deviceClass: 'slow', count: 1 }], undefined, /with --executor emulated/],
  ])('%j: says what is wrong with the pool', (pool, described, sentence) => {
    expect(() => wantedModels('fashion', pool, described)).toThrow(sentence);
  });
});
