/** `slackline trace`, as a person and a program meet it: the built command. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inCheckout } from '@slackline/local';
import { readJsonLines } from '@slackline/traces';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { showDocument, showText } from './show.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slackline-trace-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What the command said and ended with. */
function slackline(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((done) => {
    execFile(process.execPath, [inCheckout('packages/cli/bin/slackline.js'), ...args], (error, stdout, stderr) =>
      done({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    );
  });
}

describe('slackline trace', () => {
  it('makes a file that show reads', async () => {
    const file = join(folder, 'made.jsonl.gz');
    const made = await slackline('trace', 'make', 'constant:rate=50,seconds=4', '--out', file);
    expect(made).toEqual({ code: 0, stdout: `Wrote 200 queries in 4 s to ${file}.\n`, stderr: '' });
    expect((await readJsonLines(file)).arrivalsMs.length).toBe(200);
    const shown = await slackline('trace', 'show', file, '--json', '--window', '2');
    expect(JSON.parse(shown.stdout)).toMatchObject({
      trace: 'constant:rate=50,seconds=4,seed=1',
      queries: 200,
      peakRate: 50,
      rates: { windowMs: 2_000, perSecond: [50, 50] },
    });
  });

  it('takes from its options what the text leaves out, and squeezes and scales what was recorded', async () => {
    const log = join(folder, 'log.csv');
    await writeFile(log, 'user,time\na,2024-05-01T00:00:00Z\nb,2024-05-01T00:01:00Z\n');
    const shape = ['--seconds', '10', '--rate', '30', '--seed', '4', '--json'];
    const svg = join(folder, 'rate.svg');
    const generated = await slackline('trace', 'show', 'poisson:seconds=5', ...shape, '--svg', svg);
    expect(JSON.parse(generated.stdout)).toMatchObject({ trace: 'poisson:rate=30,seconds=5,seed=4', seconds: 5 });
    expect(await readFile(svg, 'utf8')).toMatch(/^<svg [\s\S]*poisson:rate=30[\s\S]*mean [\d.]+\/s/);
    const recorded = await slackline('trace', 'show', log, ...shape);
    expect(JSON.parse(recorded.stdout)).toMatchObject({ queries: 300, seconds: 10, meanRate: 30 });
  });

  it.each([
    [['show', 'gamma:rate=4'], 2, /^invalid_trace: The cv2 of a trace gamma takes a number .*, and is missing\.$/],
    [
      ['show', 'nowhere.csv'],
      1,
      /^trace_file: There is no file nowhere\.csv; a trace that is no file begins with constant:, /,
    ],
    [['show', 'package.json'], 1, /^malformed_trace: package\.json line 1 has something which is no JSON\.$/],
    [
      ['show', 'poisson:rate=4', '--window', '100'],
      2,
      /^invalid_option: --window takes at most the 60 seconds of the trace, not 100\.$/,
    ],
    [
      ['show', 'poisson:rate=4', '--window', '1e-9'],
      2,
      /^invalid_option: --window takes at least 0\.0006 seconds for this trace \(at most 100000 windows\), not 1e-9\.$/,
    ],
    [
      ['show', 'poisson:rate=4', '--svg', '/nowhere/a.svg'],
      2,
      /^invalid_option: --svg takes a file that can be written, not /,
    ],
    [['make', 'poisson:rate=4'], 2, /^invalid_option: required option '--out <file>' not specified\.$/],
    [['make', 'poisson:rate=4', '--out', '/nowhere/a'], 1, /^trace_file: \/nowhere\/a cannot be written/],
    [['show', 'poisson:rate=4', '--seed', 'x'], 2, /^invalid_option: --seed takes a whole number, not "x"\.$/],
  ])('%j says in a sentence what is wrong', async (args, code, sentence) => {
    const said = await slackline('trace', ...args);
    expect(said).toMatchObject({ code, stdout: '' });
    expect(said.stderr.trimEnd()).toMatch(sentence);
  });
});

it('a demonstration reads its trace before it starts anything', async () => {
  const said = await slackline('demo', '--trace', 'gamma:rate=4', '--json');
  expect(said).toMatchObject({ code: 2, stderr: expect.stringMatching(/^invalid_trace: The cv2 of a trace gamma /) });
  expect(JSON.parse(said.stdout)).toMatchObject({ error: { code: 'invalid_trace' } });
});

describe('what is shown of a trace', () => {
  const trace = {
    name: 'azure:file=/far/away/day.csv,seconds=3',
    note: 'by hand',
    arrivalsMs: Float64Array.from([0, 500, 1_000, 1_010, 1_020]),
    durationMs: 3_000,
    models: ['small', 'large'],
    modelIndex: Uint16Array.from([0, 0, 1, 0xffff, 0]),
    sloMs: Float64Array.from([36, Number.NaN, 20, 36, 36]),
    minAccuracy: Float64Array.from([0, 0.75, 0, 0, 0]),
    priority: Uint8Array.from([0, 1, 1, 2, 1]),
  };

  it('is what a person asks: how much, how unevenly, for which models and limits', () => {
    const text = showText(trace);
    for (const part of [
      'by hand',
      '5 in 3 s',
      '1.67/s in the mean, 3/s in the fullest second (1.8x)',
      '20 to 36 ms',
      '0 to 0.75 at least',
      '1 low, 3 normal, 1 high',
    ])
      expect(text).toContain(part);
    expect(text).toMatch(/small +3\n {2}large +1\n {2}\(any\) +1\n/);
  });

  it('is the same for a program', () => {
    expect(showDocument(trace, 1_000)).toMatchObject({
      queries: 5,
      models: [
        { model: 'small', queries: 3 },
        { model: 'large', queries: 1 },
        { model: '(any)', queries: 1 },
      ],
      rates: { windowMs: 1_000, perSecond: [2, 3, 0] },
    });
  });
});
