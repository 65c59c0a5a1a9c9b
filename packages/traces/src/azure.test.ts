import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { replayAzure } from './azure.js';
import { openTrace } from './open.js';
import { countsPer, summarize } from './summary.js';
import { filesHere, refusal } from './testing.js';

const file = filesHere();
const minutesOf = (trace: Parameters<typeof countsPer>[0], minutes: number) => [
  ...countsPer(trace, trace.durationMs / minutes),
];

describe('a replay of Azure Functions', () => {
  it('finds columns by name, in any order, with or without what it does not need', async () => {
    const original = 'HashOwner,HashApp,HashFunction,Trigger,1,2,3\no,a,f,http,2,0,1\no,a,g,timer,1,1,1\n';
    const forms = [
      original,
      'HashFunction,1_minute,2_minute,3_minute\nf,2,0,1\ng,1,1,1\n',
      'minute_3,minute_1,HashFunction,minute_2,Trigger\r\n1,2,f,0,http\r\n1,1,g,1,timer\r\n',
      '\uFEFF"2","3","1","HashApp"\n0,1,2,a\n1,1,1,a\n\n',
      'HashFunction,1,2,3\nf,2.0,0.0,1.\ng, 1 ,1,1\n',
      'HashFunction,1438,1439,1440\nf,2,0,1\ng,1,1,1\n',
    ];
    for (const [i, form] of forms.entries()) {
      for (const spread of ['uniform', 'even'] as const) {
        const trace = await replayAzure([await file(`form${i}.csv`, form)], { spread });
        expect(trace.durationMs).toBe(180_000);
        expect(minutesOf(trace, 3), `${form} ${spread}`).toEqual([3, 1, 2]);
      }
    }
  });

  it('takes a day that begins late, ends early and has gaps, and several days in a row, packed or not', async () => {
    const late = await file('late.csv', 'HashFunction,601,603\nf,1,2\n');
    const packed = await file('packed.csv.gz', 'HashFunction,1,2\nf,0,5\ng,1,0\n');
    const trace = await replayAzure([late, packed, late], { seconds: 8 });
    expect(trace.durationMs).toBe(8_000);
    expect([...countsPer(trace, 1_000)]).toEqual([1, 0, 2, 1, 5, 1, 0, 2]);
    expect(trace.note).toMatch(/^12 invocations of 4 functions in 8 minutes /);
  });

  it('keeps the profile: no minute and no part of the time is off by more than one query', async () => {
    const count = fc.oneof(fc.constant(0), fc.nat({ max: 5 }), fc.nat({ max: 500 }));
    const counts = fc
      .integer({ min: 1, max: 12 })
      .chain((minutes) =>
        fc.array(fc.array(count, { minLength: minutes, maxLength: minutes }), { minLength: 1, maxLength: 8 }),
      );
    const options = fc.record({
      rate: fc.double({ min: 0.5, max: 400, noNaN: true }),
      seconds: fc.double({ min: 0.5, max: 20, noNaN: true }),
      seed: fc.integer(),
      spread: fc.constantFrom('uniform' as const, 'even' as const),
    });
    await fc.assert(
      fc.asyncProperty(counts, options, async (rows, { rate, seconds, seed, spread }) => {
        const minutes = rows[0]?.length ?? 0;
        const perMinute = Array.from({ length: minutes }, (_, m) => rows.reduce((sum, row) => sum + (row[m] ?? 0), 0));
        const all = perMinute.reduce((sum, value) => sum + value, 0);
        fc.pre(all > 0);
        const names = Array.from({ length: minutes }, (_, m) => m + 1).join(',');
        const path = await file('any.csv', `HashApp,${names}\n${rows.map((row) => `a,${row.join(',')}\n`).join('')}`);
        const trace = await replayAzure([path], { rate, seconds, seed, spread });
        const { arrivalsMs, durationMs } = trace;
        expect(Math.abs(arrivalsMs.length - rate * seconds)).toBeLessThanOrEqual(0.5 + 1e-6);
        for (let i = 0; i < arrivalsMs.length; i++) {
          const atMs = arrivalsMs[i] ?? -1;
          if (!(atMs >= (arrivalsMs[i - 1] ?? 0) && atMs < durationMs)) expect.fail(`${atMs} ms is out of order`);
        }
        let due = 0;
        for (let m = 0; m < minutes; m++) {
          due += ((perMinute[m] ?? 0) / all) * rate * seconds;
          const endMs = ((m + 1) / minutes) * durationMs;
          // A query that is placed at the very end of its minute may be rounded into the next.
          const come = arrivalsMs.filter((atMs) => atMs < endMs * (1 + 1e-12)).length;
          expect(Math.abs(come - due)).toBeLessThanOrEqual(1 + 1e-6);
        }
      }),
      { seed: 9, numRuns: 80 },
    );
  });

  it('places what comes in a minute by the seed: uniformly, or evenly per function', async () => {
    const path = await file('one.csv', 'HashFunction,1,2\nf,4,4\ng,5,0\n');
    const even = await replayAzure([path], { spread: 'even', seed: 2 });
    // What is left after one function's regular grid is the other's.
    const second = [...even.arrivalsMs.filter((atMs) => atMs >= 60_000)].map((atMs) => atMs - 60_000);
    expect(second.slice(1).map((atMs, i) => atMs - (second[i] ?? 0))).toEqual(
      [15_000, 15_000, 15_000].map((gap) => expect.closeTo(gap, 6)),
    );
    const first = even.arrivalsMs.filter((atMs) => atMs < 60_000);
    for (const atMs of second) expect(first.some((other) => Math.abs(other - atMs) < 1e-6)).toBe(true);
    const rest = first.filter((atMs) => !second.some((other) => Math.abs(other - atMs) < 1e-6));
    expect([...rest.slice(1)].map((atMs, i) => atMs - (rest[i] ?? 0))).toEqual(
      Array(4).fill(expect.closeTo(12_000, 6)),
    );

    const uniform = await replayAzure([path], { seed: 2 });
    expect(await replayAzure([path], { seed: 2 })).toEqual(uniform);
    expect((await replayAzure([path], { seed: 3 })).arrivalsMs).not.toEqual(uniform.arrivalsMs);
  });

  it('scaled up, a busy minute is a poisson process', async () => {
    const path = await file('busy.csv', 'HashFunction,1\nf,100\n');
    const { queries, gapCv2 } = summarize(await replayAzure([path], { rate: 1_000 }));
    expect(queries).toBe(60_000);
    expect(gapCv2).toBeCloseTo(1, 1);
  });

  it.each([
    ['', /^malformed_trace: \S+ is empty\.$/],
    ['HashFunction,Trigger\nf,http\n', /has no counts of invocations: .*\.$/],
    ['HashFunction,percentile_Average_1,Count\nf,2,3\n', /has no counts of invocations/],
    ['HashFunction,1,2,minute_1\nf,1,2,3\n', /has two columns of minute 1\.$/],
    ['HashFunction,1,2\nf,1,2\ng,1,x\n', /line 3 has "x" in column 3, which takes a count\.$/],
    ['HashFunction,1,2\nf,1,-2\n', /line 2 has "-2" in column 3/],
    ['HashFunction,1,2\nf,1,\n', /line 2 has "" in column 3/],
    ['HashFunction,1,2\nf,1.5,1\n', /line 2 has "1.5" in column 2/],
    ['HashFunction,1,2\nf,1,2\n\ng,1\n', /line 4 has 2 columns and the first line 3\.$/],
    ['HashFunction,1,2\nf,"1,2\n', /line 2 is no CSV: a quote is not where it may be, or not closed\.$/],
    ['HashFunction,1,2\nf"x",1,2\n', /line 2 is no CSV/],
    ['HashFunction,1,2\nf,0,0\n', /has no invocation at all\.$/],
    ['HashFunction,1,2\n', /has no invocation at all\.$/],
  ])('%j is refused with its place', async (content, sentence) => {
    for (const spread of ['uniform', 'even'] as const) {
      expect(await refusal(replayAzure([await file('wrong.csv', content)], { spread }))).toMatch(sentence);
    }
  });

  it('takes one minute alone only where its column is named as one', async () => {
    const odd = await file('odd.csv', 'minute,day_1350fn\n1,20\n2,30\n');
    expect(await refusal(replayAzure([odd]))).toMatch(
      / has one column with a number, day_1350fn, which is not named as a/,
    );
    for (const name of ['7', '7_minute', 'minute_7'])
      expect((await replayAzure([await file('one.csv', `HashFunction,${name}\nf,20\n`)])).arrivalsMs).toHaveLength(20);
  });

  it('refuses half a packed file, a folder, what is not there, nothing, and what makes no trace', async () => {
    const whole = gzipSync(`HashFunction,1,2\n${'f,1,2\n'.repeat(500)}`);
    const half = await file('half.csv.gz', whole.subarray(0, whole.length / 2));
    expect(await refusal(replayAzure([half]))).toMatch(/^malformed_trace: \S+ is no whole gzip file/);
    expect(await refusal(replayAzure([join(half, '..')]))).toMatch(/^trace_file: .* cannot be read/);
    expect(await refusal(replayAzure(['/nowhere/at/all']))).toMatch(/^trace_file: \/nowhere\/at\/all cannot be read/);
    expect(await refusal(replayAzure([]))).toMatch(/^invalid_trace: .* takes at least one file\.$/);
    const path = await file('fine.csv', 'HashFunction,1\nf,1\n');
    expect(await refusal(replayAzure([path], { rate: Number.NaN }))).toMatch(
      /^invalid_trace: The rate of a trace takes/,
    );
    expect(await refusal(replayAzure([path], { rate: 1e7, seconds: 1e3 }))).toMatch(
      /^trace_too_long: .* fewer seconds\.$/,
    );
  });

  it('ends with the reason of a signal', async () => {
    const path = await file('stopped.csv', `HashFunction,1\n${'f,1\n'.repeat(100_000)}`);
    const controller = new AbortController();
    const reason = new Error('enough');
    const onProgress = () => controller.abort(reason);
    await expect(replayAzure([path], { signal: controller.signal, onProgress })).rejects.toBe(reason);
  });
});

const data = process.env.SLACKLINE_DATA ?? join(import.meta.dirname, '../../../../shared/data');
const day = join(data, 'maf/maf2019_1day_1350fn.csv.gz');

describe.skipIf(!existsSync(day))(`the day in ${day} (skipped where there is no such file)`, () => {
  it.each(['uniform', 'even'])('squeezed to 120 s at 6,400 queries/s peaks at 1.50 times that (%s)', async (spread) => {
    const progress: number[] = [];
    const onProgress = ({ bytes, totalBytes }: { bytes: number; totalBytes: number }) =>
      progress.push(bytes / totalBytes);
    const trace = await openTrace(`azure:file=${day},seconds=120,rate=6400,spread=${spread}`, { onProgress });
    expect(summarize(trace)).toMatchObject({ queries: 768_000, seconds: 120, meanRate: 6_400, peakRate: 9_614 });
    expect(trace.note).toMatch(/^996503 invocations of 1350 functions in 1440 minutes /);
    expect(progress.at(-1)).toBe(1);
  });
});
