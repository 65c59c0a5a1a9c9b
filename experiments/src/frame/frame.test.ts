import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Figure, type FigureResult, Skipped } from '../figure.js';
import { chosen, list, UnknownFigure } from './choose.js';
import { readOptions } from './options.js';
import { type RunOptions, runFigures } from './run.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'frame-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const figure = (name: string, run: Figure['run']): Figure => ({
  name,
  title: `Title of ${name}`,
  summary: `shows ${name}`,
  run,
});
const result = (plot: string): FigureResult => ({
  figures: { value: 7 },
  report: {
    parts: [
      'A paragraph.',
      { heading: 'More' },
      { table: { head: ['what', 'n'], rows: [['a', '1']] } },
      { plot, caption: 'seen' },
    ],
    plots: { [plot]: '<svg/>' },
  },
});
const good = figure('good', async () => result('good-one.svg'));
const skipping = figure('skipping', async ({ data }) => ({
  figures: { path: data('no/such.csv') },
  report: { parts: [], plots: {} },
}));
const failing = figure('failing', async () => {
  throw new RangeError('it broke');
});

const options = (more: Partial<RunOptions> = {}): RunOptions => ({
  ...{ quick: false, live: false, out: folder, data: folder, seed: 5, threads: 0, defaultPolicy: 'slackfit' },
  signal: new AbortController().signal,
  ...more,
});
function said() {
  const notes: string[] = [];
  return { notes, progress: { show: () => {}, note: (text: string) => void notes.push(text) } };
}

describe('running figures', () => {
  test('joins what they found, goes on after a failure, and does not count what was skipped as one', async () => {
    const { notes, progress } = said();
    const { document, failed } = await runFigures([failing, skipping, good], options(), progress);
    expect(Object.keys(document)).toEqual(['defaultPolicy', 'failing', 'skipping', 'good']);
    expect(document).toMatchObject({ defaultPolicy: 'slackfit', failing: { failed: 'it broke' }, good: { value: 7 } });
    expect(document.skipping).toMatchObject({ skipped: expect.stringContaining('no/such.csv') });
    expect(failed).toEqual(['failing']);
    expect(notes.join('\n')).toMatch(
      /failing: FAILED: .*it broke[\s\S]*skipping: skipped: no\/such\.csv[\s\S]*good: done/,
    );
  });

  test('writes a report with its plots, and removes those of the last one', async () => {
    for (const old of ['good-old.svg', 'good.svg', 'goodness.svg', 'other.md']) writeFileSync(join(folder, old), '');
    await runFigures([good], options(), said().progress);
    expect(readdirSync(folder).sort()).toEqual(['good-one.svg', 'good.md', 'goodness.svg', 'other.md']);
    const text = readFileSync(join(folder, 'good.md'), 'utf8');
    for (const part of [
      '# Title of good',
      'npm run experiments -- good --no-live --seed 5`',
      'Seed 5',
      '## More',
      '| a | 1 |',
      '![seen](good-one.svg)',
    ]) {
      expect(text).toContain(part);
    }
    expect(text).not.toContain('Tiny settings');
  });

  test('records why a figure was skipped, but not in the place of a report that is there', async () => {
    await runFigures([skipping], options(), said().progress);
    expect(readFileSync(join(folder, 'skipping.md'), 'utf8')).toContain('Not run: no/such.csv');
    writeFileSync(join(folder, 'skipping.md'), 'earlier');
    await runFigures([skipping], options(), said().progress);
    expect(readFileSync(join(folder, 'skipping.md'), 'utf8')).toBe('earlier');
  });

  test('writes nothing without a folder for it', async () => {
    await runFigures([good], options({ out: undefined }), said().progress);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('hands out files of the data folder that are there', async () => {
    writeFileSync(join(folder, 'here.csv'), '');
    let path = '';
    const reading = figure('reading', async ({ data }) => {
      path = data('here.csv');
      return result('reading.svg');
    });
    await runFigures([reading], options(), said().progress);
    expect(existsSync(path)).toBe(true);
  });

  test('ends with the reason of an interruption', async () => {
    const stop = new AbortController();
    const interrupted = figure('interrupted', async ({ signal }) => {
      stop.abort(new Skipped('enough'));
      signal.throwIfAborted();
      return result('interrupted.svg');
    });
    await expect(runFigures([interrupted, good], options({ signal: stop.signal }), said().progress)).rejects.toThrow(
      'enough',
    );
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('the command line', () => {
  test('has defaults, and reads folders from where the command was given', () => {
    const plain = readOptions([], {});
    expect(plain).toMatchObject({ names: [], json: false, quick: false, live: true, seed: 1, threads: 2 });
    expect(plain.out).toMatch(/results$/);
    expect(plain.data).toMatch(/shared\/data$/);
    const given = readOptions(['maf', '--json', '--out', 'o', '--data', 'd', '--seed', '9', '--no-live'], {
      INIT_CWD: '/home/x',
    });
    expect(given).toMatchObject({
      names: ['maf'],
      json: true,
      out: '/home/x/o',
      data: '/home/x/d',
      seed: 9,
      live: false,
    });
    expect(readOptions([], { SLACKLINE_DATA: '/data' }).data).toBe('/data');
  });

  test('writes the reports of a quick run only where it is told to', () => {
    expect(readOptions(['--quick'], {}).out).toBeUndefined();
    expect(readOptions(['--quick', '--out', '/tmp/o'], {}).out).toBe('/tmp/o');
  });

  test('takes each figure once, in the order given, and refuses unknown ones', () => {
    expect(chosen([good, { ...failing, onlyByName: true }], [])).toEqual([good]);
    expect(chosen([good, failing], [])).toEqual([good, failing]);
    expect(chosen([good, failing], ['failing', 'good', 'failing'])).toEqual([failing, good]);
    expect(() => chosen([good, failing], ['better'])).toThrow(UnknownFigure);
    expect(() => chosen([good, failing], ['better'])).toThrow(/good, failing/);
    expect(list([good, failing])).toBe('good     shows good\nfailing  shows failing\n');
  });
});
