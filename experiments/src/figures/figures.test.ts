import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { defaultPolicy } from '@slackline/scheduling';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Figure, FigureContext } from '../figure.js';
import { markdown } from '../report/markdown.js';
import { TaskPool } from '../threads/pool.js';
import { timesMissed } from './actuation-report.js';
import { phasesOf } from './faults-report.js';
import { figures } from './index.js';
import { mafFile } from './maf.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'figures-'));
  mkdirSync(join(folder, 'maf'));
  writeFileSync(join(folder, mafFile), gzipSync(azureDay()));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Three functions: one steady, one by day, one in bursts. */
function azureDay(): string {
  const minutes = Array.from({ length: 1_440 }, (_, i) => i + 1);
  const counts: ((minute: number) => number)[] = [
    () => 5,
    (minute) => Math.round(10 + 10 * Math.sin(minute / 200)),
    (minute) => (minute % 97 === 0 ? 300 : 0),
  ];
  const rows = counts.map((of, i) => [`o${i}`, `a${i}`, `f${i}`, 'http', ...minutes.map(of)].join());
  return [['HashOwner', 'HashApp', 'HashFunction', 'Trigger', ...minutes].join(), ...rows, ''].join('\n');
}

const context = (more: Partial<FigureContext> = {}): FigureContext => {
  const { signal } = new AbortController();
  return {
    ...{ seed: 3, quick: true, live: false, defaultPolicy, signal },
    pool: new TaskPool(0, signal),
    data: (relative) => join(folder, relative),
    progress: () => {},
    ...more,
  };
};

// The optimum has tests of its own.
describe.each(
  figures.filter(({ name }) => name !== 'optimum').map((figure): [string, Figure] => [figure.name, figure]),
)('%s', (name, figure) => {
  test('gives plain data and a report whose plots are all there', async () => {
    const { figures: found, report } = await figure.run(context());
    // Nothing is lost on the way through JSON: no NaN, no Infinity.
    expect(JSON.parse(JSON.stringify(found))).toEqual(JSON.parse(JSON.stringify(found, forbidden)));
    const text = markdown(report.parts);
    const shown = [...text.matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)].map(([, file]) => file);
    expect(shown.sort()).toEqual(Object.keys(report.plots).sort());
    expect(shown.every((file) => file?.startsWith(name))).toBe(true);
    expect(text).not.toMatch(/NaN|undefined|Infinity|\[object/);
    for (const svg of Object.values(report.plots)) expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  test('finds the same again', async () => {
    const [first, second] = [await figure.run(context()), await figure.run(context())];
    const plain = (value: object) => JSON.stringify(value, (key, each) => (key === 'wallMs' ? 0 : each));
    expect(plain(first.figures)).toBe(plain(second.figures));
    expect(first.report).toEqual(second.report);
  });
});

function forbidden(key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new RangeError(`${key} is ${value}`);
  return value;
}

test('sums windows up between deaths', () => {
  const window = (atMs: number, arrivals: number, ok: number, meanAccuracy: number | null) => ({
    atMs,
    arrivals,
    ok,
    meanAccuracy,
  });
  const windows = [
    window(0, 10, 10, 0.8),
    window(500, 10, 5, 0.7),
    window(1_000, 4, 0, null),
    window(1_500, 0, 0, null),
  ];
  const phases = phasesOf(windows, [1_000], 2_000);
  expect(phases).toMatchObject([
    { workers: 8, fromMs: 0, toMs: 1_000, queries: 20, attainment: 0.75 },
    { workers: 7, fromMs: 1_000, toMs: 2_000, queries: 4, attainment: 0, accuracy: 0 },
  ]);
  expect(phases[0]?.accuracy).toBeCloseTo((10 * 0.8 + 5 * 0.7) / 15);
});

test('says no factor where nothing was missed without delay', async () => {
  const { figures: found } = await figureOf('actuation-delay').run(context());
  const { known } = found as { known: { rows: Parameters<typeof timesMissed>[0] } };
  const [first, last] = [known.rows[0], known.rows.at(-1)];
  if (first === undefined || last === undefined) throw new Error('there are no rows');
  const steady = Object.keys(last.policies).find((name) => name.startsWith('fixed:')) ?? '';
  // It has its first subnet to take, and nothing to change.
  expect(first.policies[steady]).toMatchObject({ late: 0, expired: 0 });
  expect((last.policies[steady]?.queries ?? 0) - (last.policies[steady]?.ok ?? 0)).toBeGreaterThan(0);
  expect(timesMissed(known.rows, last, steady)).toBeNull();
  expect(timesMissed([last], last, steady)).toBe(1);
});

test('tells what hangs on the surroundings of the MAF replay', async () => {
  const { figures: found } = await figureOf('maf').run(context());
  const { surroundings } = found as { surroundings: { policies: { policy: string; queries: number }[] }[] };
  expect(surroundings).toHaveLength(4);
  for (const { policies } of surroundings) expect(policies.map(({ policy }) => policy)).toContain('slackfit');
});

function figureOf(name: string): Figure {
  const figure = figures.find((each) => each.name === name);
  if (figure === undefined) throw new Error(`there is no figure ${name}`);
  return figure;
}
