import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readSpec, specSchema } from './spec.js';

const file = new URL('../elastic-spec.schema.json', import.meta.url);

describe('the elastic spec', () => {
  // After a change: node -e "import('./packages/supernet/dist/spec.js').then((m) =>
  //   fs.writeFileSync('packages/supernet/elastic-spec.schema.json', JSON.stringify(m.specSchema(), null, 2)))"
  it('is what the committed JSON Schema says', () => {
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(JSON.parse(JSON.stringify(specSchema())));
  });

  it('can be empty, and can name its schema', () => {
    expect(readSpec({})).toEqual({ channels: {}, depth: {}, normalization: 'required' });
    expect(readSpec({ $schema: './elastic-spec.schema.json' }).channels).toEqual({});
  });

  it.each([
    [{ channels: { Width: { layers: ['w'], sizes: [1] } } }, /channels\.Width: .*lower case/],
    [{ channels: { width: { layers: ['w'], sizes: [0, 1] } } }, /channels\.width\.sizes\.0/],
    [{ channels: { width: { layers: [], sizes: [1] } } }, /channels\.width\.layers/],
    [{ channels: { width: { layers: [{ weight: 'w' }], sizes: [1] } } }, /channels\.width\.layers\.0/],
    [{ depth: { depth: { blocks: [{ from: 'a' }], depths: [1] } } }, /depth\.depth\.blocks\.0\.to/],
    [{ depth: { depth: { blocks: [{ from: 'a', to: 'b' }], depths: [1, 0] } } }, /depths must ascend/],
    [{ channels: named(257, { layers: ['w'], sizes: [1] }) }, /channels: there are more than 256 groups/],
    [{ depth: named(257, { blocks: [{ from: 'a', to: 'b' }], depths: [1] }) }, /depth: there are more than 256 groups/],
    [{ channels: { w: { layers: Array.from({ length: 4097 }, () => 'w'), sizes: [1] } } }, /channels\.w\.layers/],
    [{ normalization: 'maybe' }, /normalization/],
    [[], /spec: /],
    ['{}', /spec: /],
  ])('is refused with the place of the fault: %j', (spec, message) => {
    expect(() => readSpec(spec)).toThrowError(message);
    expect(() => readSpec(spec)).toThrowError(expect.objectContaining({ code: 'invalid-spec' }));
  });

  it('is refused in a few words however much is wrong with it', () => {
    const channels = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`G${i}`, {}]));
    const message = refusal(() => readSpec({ channels }));
    expect(message.length).toBeLessThan(1000);
  });
});

function named(count: number, group: unknown): Record<string, unknown> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`g${i}`, group]));
}

function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return error instanceof Error ? error.message : '';
  }
  throw new Error('nothing was refused');
}
