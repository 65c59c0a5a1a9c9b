import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type FlameFrame, flameSvg } from './index.js';

const frame = (name: string, value: number, callees: FlameFrame[] = []): FlameFrame => ({
  name,
  value,
  color: '#abcdef',
  callees,
});

interface Drawn {
  said: string;
  x: number;
  y: number;
  width: number;
}

/** The rectangles of frames, by what their tooltips begin with. */
const drawn = (svg: string): Map<string, Drawn> =>
  new Map(
    [...svg.matchAll(/<g><title>([^<,]*)([^<]*)<\/title><rect x="([^"]+)" y="([^"]+)" width="([^"]+)"/g)].map(
      ([, name = '', rest = '', x, y, width]) => [
        name,
        { said: name + rest, x: Number(x), y: Number(y), width: Number(width) },
      ],
    ),
  );

test('draws callees above their caller, as wide as their share, the widest first', () => {
  const root = frame('all', 100, [frame('narrow', 20), frame('wide', 60, [frame('leaf', 30)])]);
  const frames = drawn(flameSvg({ title: 't', root, width: 1_020 }));
  const at = (name: string) => frames.get(name) ?? { x: Number.NaN, y: Number.NaN, width: Number.NaN, said: '' };
  expect(at('all').width).toBeCloseTo(1_000, -1);
  expect(at('wide').width / at('all').width).toBeCloseTo(0.6, 2);
  expect(at('narrow').width / at('all').width).toBeCloseTo(0.2, 2);
  expect(at('wide').x).toBe(at('all').x);
  expect(at('leaf').x).toBe(at('wide').x);
  expect(at('narrow').x).toBeCloseTo(at('wide').x + 600, 0);
  expect(at('wide').y).toBeLessThan(at('all').y);
  expect(at('narrow').y).toBe(at('wide').y);
  expect(at('leaf').y).toBeLessThan(at('wide').y);
  expect(at('wide').said).toBe('wide, 60.0 %');
});

test('leaves out slivers with all that they called', () => {
  const root = frame('all', 10_000, [frame('seen', 9_985), frame('sliver', 9, [frame('in it', 9)])]);
  expect([...drawn(flameSvg({ title: 't', root })).keys()]).toEqual(['all', 'seen']);
  expect([...drawn(flameSvg({ title: 't', root, leastShare: 0 })).keys()]).toContain('in it');
});

test('escapes names, shortens what has no room, and says the rest in tooltips', () => {
  const long = `<anonymous> & "${'x'.repeat(400)}"`;
  const svg = flameSvg({ title: 'a < b', root: { ...frame(long, 1), details: 'file.js:3' } });
  expect(svg).toContain('<title>a &lt; b</title>');
  expect(svg).toContain(`&lt;anonymous&gt; &amp; &quot;${'x'.repeat(400)}&quot;, 100.0 %, file.js:3</title>`);
  expect(svg).toMatch(/&lt;anonymous&gt; &amp; &quot;x+…<\/text>/);
});

test('shows the legend, and the title alone where nothing has a value', () => {
  const svg = flameSvg({ title: 'none', root: frame('all', 0), legend: [{ label: 'ours', color: '#123456' }] });
  expect(svg).toContain('>ours</text>');
  expect(svg).toContain('fill="#123456"');
  expect(drawn(svg).size).toBe(0);
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
});

test('keeps every frame within its caller and the picture', () => {
  const tree = fc.memo((depth): fc.Arbitrary<FlameFrame> => {
    const callees = depth > 1 ? fc.array(tree(depth - 1), { maxLength: 3 }) : fc.constant<FlameFrame[]>([]);
    return fc.tuple(fc.nat({ max: 50 }), callees).map(([own, called]) =>
      frame(
        'f',
        called.reduce((sum, { value }) => sum + value, own),
        called,
      ),
    );
  });
  fc.assert(
    fc.property(tree(5), fc.integer({ min: 200, max: 2_000 }), (root, width) => {
      const svg = flameSvg({ title: 't', root, width, leastShare: 0 });
      const height = Number(/height="(\d+)"/.exec(svg)?.[1]);
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
      for (const [, x, y, w] of svg.matchAll(/<rect x="([^"]+)" y="([^"]+)" width="([^"]+)"/g)) {
        expect(Number(x)).toBeGreaterThanOrEqual(10);
        expect(Number(x) + Number(w)).toBeLessThanOrEqual(width - 9);
        expect(Number(y)).toBeGreaterThan(0);
        expect(Number(y)).toBeLessThan(height);
      }
    }),
    { numRuns: 50 },
  );
});
