import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Chart, sideBySide, toSvg } from './index.js';

const chart: Chart = {
  title: 'accuracy < latency & more',
  x: { label: 'latency (ms)', scale: 'log' },
  y: { label: 'accuracy (%)' },
  series: [
    {
      label: 'front',
      mark: 'steps+points',
      points: [
        [1, 80],
        [10, 90],
      ],
    },
    { label: 'others', faint: true, points: [[100, 85]] },
  ],
};

/** Centres of the points, without those of the legend, which stand in groups of one. */
const circles = (svg: string) =>
  [...svg.matchAll(/^<circle cx="([^"]+)" cy="([^"]+)" r="(?:3|1.8)"\/>$/gm)].map(([, x, y]) => [Number(x), Number(y)]);

test('places points by the axes: equal factors are equal distances on a logarithmic one', () => {
  const [[x1 = 0, y1 = 0] = [], [x2 = 0, y2 = 0] = [], [x3 = 0, y3 = 0] = []] = circles(toSvg(chart));
  expect(x2 - x1).toBeCloseTo(x3 - x2, 1);
  expect(x2).toBeGreaterThan(x1);
  expect(y1 - y3).toBeCloseTo(y3 - y2, 1);
  expect(y2).toBeLessThan(y1);
});

test('writes titles, axis labels, legend and ticks, escaped', () => {
  const svg = toSvg(chart);
  for (const part of ['accuracy &lt; latency &amp; more', 'latency (ms)', '>front<', '>others<', '>10<', '>100<']) {
    expect(svg).toContain(part);
  }
  expect(svg).toMatch(/<path d="M[\d.]+ [\d.]+H[\d.]+V[\d.]+"/);
});

test('writes the legend below the axes, in as many rows as it needs, and within the picture', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 40 }), { minLength: 2, maxLength: 8 }), (labels) => {
      const many: Chart = {
        ...chart,
        series: labels.map((label) => ({ label, mark: 'line+points', points: [[1, 1]] })),
      };
      const svg = toSvg(many);
      const frame = /<rect x="68" y="40" width="552" height="([\d.]+)" fill="none"/.exec(svg);
      const bottom = 40 + Number(frame?.[1]);
      const label = bottom + 40;
      const dots = [...svg.matchAll(/<g fill="[^"]+"><circle cx="([^"]+)" cy="([^"]+)" r="3"\/><\/g>/g)];
      expect(dots).toHaveLength(labels.length);
      for (const [, x, y] of dots) {
        expect(Number(y) - 3).toBeGreaterThan(label);
        expect(Number(y) + 3).toBeLessThan(420);
        expect(Number(x)).toBeLessThan(620);
      }
      expect(new Set(dots.map(([, x, y]) => `${x} ${y}`)).size).toBe(labels.length);
      for (const [, y] of circles(svg)) expect(y).toBeLessThan(bottom);
    }),
  );
});

test('leaves out what cannot be shown, and never writes a number that is none', () => {
  const value = fc.oneof(
    fc.double({ min: 1e-6, max: 1e9 }),
    fc.constantFrom(0, -1, Number.NaN, Number.POSITIVE_INFINITY),
  );
  const scale = fc.constantFrom('linear' as const, 'log' as const);
  fc.assert(
    fc.property(fc.array(fc.tuple(value, value)), scale, scale, (points, x, y) => {
      const series = [{ label: 'a', points, mark: 'line+points' as const }];
      const svg = toSvg({ title: 't', x: { label: 'x', scale: x }, y: { label: 'y', scale: y }, series });
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    }),
  );
});

test('keeps the bounds that are given', () => {
  const bounded: Chart = {
    title: 't',
    x: { label: 'x', min: 0, max: 10 },
    y: { label: 'y', min: 0, max: 1 },
    series: [{ label: 'a', points: [[10, 1]] }],
  };
  expect(circles(toSvg({ ...bounded, width: 500, height: 300 }))).toEqual([[480, 40]]);
});

test('writes small values of a logarithmic axis so short that they fit beside it', () => {
  const y = { label: 'y', scale: 'log' } as const;
  const series = [{ label: 'a', points: [[1, 1e-6] as const, [2, 0.1] as const] }];
  const svg = toSvg({ title: 't', x: { label: 'x' }, y, series });
  for (const part of ['>1e-6<', '>0.001<', '>0.1<']) expect(svg).toContain(part);
  expect(svg).not.toContain('0.0001<');
});

test('lays several charts out in rows', () => {
  const svg = sideBySide([chart, chart, chart], 2);
  expect(svg).toContain('width="1280" height="840"');
  for (const place of ['0 0', '640 0', '0 420']) expect(svg).toContain(`translate(${place})`);
});

test('draws rules and shades where they lie, and none outside the plot', () => {
  const svg = toSvg({
    title: 't',
    x: { label: 'x', min: 0, max: 10 },
    y: { label: 'y', min: 0, max: 1 },
    series: [{ label: 'a', points: [[5, 0.5]] }],
    rules: [
      { axis: 'x', at: 5, label: 'killed' },
      { axis: 'y', at: 0.5 },
      { axis: 'x', at: 11, label: 'beyond' },
    ],
    shades: [
      { from: 8, to: 20, label: 'burst' },
      { from: -5, to: -1, label: 'before' },
    ],
  });
  const [point] = circles(svg);
  const dashed = [...svg.matchAll(/<line x1="([^"]+)" y1="([^"]+)" x2="([^"]+)" y2="([^"]+)"[^>]*dasharray/g)];
  expect(dashed.map(([, x1, y1]) => [Number(x1), Number(y1)])).toEqual([
    [point?.[0], 40],
    [68, point?.[1]],
  ]);
  const [shade] = [...svg.matchAll(/<rect x="([^"]+)" y="40" width="([^"]+)"[^>]*fill-opacity/g)];
  expect(Number(shade?.[1]) + Number(shade?.[2])).toBe(620);
  for (const part of ['>killed<', '>burst<']) expect(svg).toContain(part);
  for (const part of ['beyond', 'before']) expect(svg).not.toContain(part);
});

test('writes the names of moments above the plot, side by side or in rows, and draws what they name', () => {
  const at = (flags: Chart['flags']) =>
    toSvg({ title: 't', x: { label: 'x', min: 0, max: 10 }, y: { label: 'y' }, series: [], ...(flags && { flags }) });
  const namesIn = (svg: string) =>
    [...svg.matchAll(/<text x="([^"]+)" y="([^"]+)" text-anchor="start"[^>]*>(\w+)</g)].map(([, x, y, name]) => ({
      ...{ left: Number(x), y: Number(y), name },
    }));
  const topOf = (svg: string) => Number(/<rect x="68" y="([^"]+)"[^>]*fill="none"/.exec(svg)?.[1]);
  expect(topOf(at([]))).toBe(40);
  const svg = at([
    { at: 9.9, label: 'last' },
    { at: 1, label: 'first' },
    { at: 1.1, label: 'second' },
    { at: 11, label: 'beyond' },
  ]);
  const [first, second, last] = namesIn(svg);
  expect([first?.name, second?.name, last?.name]).toEqual(['first', 'second', 'last']);
  expect(second?.y).toBeLessThan(first?.y ?? 0);
  expect(last?.y).toBe(first?.y);
  expect(last?.left).toBeLessThan(620 - 20);
  for (const { y } of namesIn(svg)) expect(y).toBeLessThan(topOf(svg));
  expect(svg.match(/dasharray/g)).toHaveLength(3);
  expect(svg).toContain(`height="${420 + 2 * 14}"`);
});

test('paints shades of one colour as one where they overlap', () => {
  const shades = [
    { from: 0, to: 4 },
    { from: 2, to: 6, label: 'named' },
    { from: 8, to: 9 },
    { from: 3, to: 5, color: '#0072b2' },
  ];
  const svg = toSvg({ title: 't', x: { label: 'x', min: 0, max: 10 }, y: { label: 'y' }, series: [], shades });
  const widths = [...svg.matchAll(/width="([^"]+)"[^>]*fill-opacity/g)].map(([, width]) => Number(width) / 55.2);
  expect(widths.map((width) => Math.round(width))).toEqual([6, 1, 2]);
  // Its name lies over the grid.
  expect(svg.indexOf('>named<')).toBeGreaterThan(svg.lastIndexOf('stroke="#e3e6ea"'));
});

test('tells series apart by shape, and writes names beside points', () => {
  const shapes = ['circle', 'ring', 'square', 'triangle', 'diamond', 'cross'] as const;
  const series = shapes.map((shape, i) => ({ label: shape, shape, points: [[i, i]] as const, names: [`name ${i}`] }));
  const svg = toSvg({ title: 't', x: { label: 'x' }, y: { label: 'y' }, series });
  const drawn = [...svg.matchAll(/fill-opacity="0.9">\n(<[^\n]+)/g)].map(([, mark = '']) =>
    mark.replaceAll(/[\d. ]+/g, ''),
  );
  expect(new Set(drawn).size).toBe(shapes.length);
  for (let i = 0; i < shapes.length; i++) expect(svg).toContain(`>name ${i}<`);
});

test('writes one legend for several charts', () => {
  const plain = { ...chart, legend: false };
  const svg = sideBySide([plain, plain], { columns: 2, commonLegend: true });
  expect(svg.split('>front<')).toHaveLength(2);
  const [, height = ''] = /height="([\d.]+)"/.exec(svg) ?? [];
  expect(Number(height)).toBeGreaterThan(420);
  expect(sideBySide([plain, plain])).not.toContain('>front<');
});

/** What stands at the ticks of the axes, in their order. */
const tickLabels = (svg: string) =>
  [...svg.matchAll(/<text x="[^"]+" y="[^"]+" text-anchor="(middle|end)">(-?[\d.]+)</g)].map(([, anchor, label]) => ({
    axis: anchor === 'middle' ? 'x' : 'y',
    value: Number(label),
  }));

test('one point has axes about it, which keep to their bounds, and is seen without a line', () => {
  const svg = toSvg({
    title: 'one window',
    x: { label: 'seconds', min: 0 },
    y: { label: 'accuracy (%)', limit: 100 },
    series: [{ label: 'accuracy', mark: 'line', points: [[0, 74.5]] }],
  });
  const ticks = tickLabels(svg);
  const x = ticks.filter(({ axis }) => axis === 'x').map(({ value }) => value);
  const y = ticks.filter(({ axis }) => axis === 'y').map(({ value }) => value);
  expect([Math.min(...x), Math.max(...x)]).toEqual([0, 1]);
  expect(Math.max(...y)).toBe(100);
  expect(circles(svg)).toHaveLength(1);
});

test('round values stay below what values cannot exceed', () => {
  const of = (limit: number | undefined) =>
    Math.max(
      ...tickLabels(
        toSvg({
          title: 'attainment',
          x: { label: 'seconds' },
          y: { label: '%', ...(limit !== undefined && { limit }) },
          series: [
            {
              label: 'a',
              points: [
                [1, 0],
                [2, 101],
              ],
            },
          ],
        }),
      )
        .filter(({ axis }) => axis === 'y')
        .map(({ value }) => value),
    );
  expect(of(undefined)).toBe(120);
  expect(of(105)).toBe(100);
});

test('several charts may have a title above them', () => {
  const svg = sideBySide([chart, chart], { title: 'trace & workers' });
  expect(svg).toContain('<title>trace &amp; workers</title>');
  expect(svg).toContain('height="456"');
  expect(svg).toContain('translate(0 36)');
});
