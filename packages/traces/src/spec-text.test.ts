import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recordingOf } from './recording-text.js';
import { formatTraceSpec, isTraceSpec, parseTraceSpec } from './spec-text.js';

/** How a sentence about something else ends. */
const noTrace = 'is no trace: it begins with constant, poisson, gamma, bursty, accelerating, diurnal and a colon.';

describe('the text of a spec', () => {
  it('is read with what it leaves out', () => {
    expect(parseTraceSpec('gamma:rate=400,cv2=4,seconds=20,seed=3')).toEqual({
      ...{ kind: 'gamma', rate: 400, cv2: 4, seconds: 20, seed: 3 },
    });
    expect(parseTraceSpec('poisson:rate=1e3')).toEqual({ kind: 'poisson', rate: 1_000, seconds: 60, seed: 1 });
    expect(parseTraceSpec(' diurnal: high=5 , low=0 '.trim(), { seconds: 7, rate: 3, seed: 2 })).toEqual({
      ...{ kind: 'diurnal', low: 0, high: 5, period: 60, cv2: 1, seconds: 7, seed: 2 },
    });
  });

  it('is read back as what was written', () => {
    const number = fc.double({ min: 1e-3, max: 1e6, noNaN: true });
    const spec = fc.record({
      kind: fc.constant('bursty' as const),
      base: number,
      variant: number,
      cv2: fc.double({ min: 0, max: 1e4, noNaN: true }),
      seconds: number,
      seed: fc.maxSafeInteger(),
    });
    fc.assert(
      fc.property(spec, (given) => {
        expect(parseTraceSpec(formatTraceSpec(given))).toEqual(given);
      }),
    );
  });

  it.each([
    ['gamma:rate=400', 'The cv2 of a trace gamma takes a number from 0 to 10000, and is missing.'],
    ['gamma:rate=0,cv2=1', 'The rate of a trace gamma takes a rate above 0 and at most 10000000, not 0.'],
    ['gamma:rate=x,cv2=1', 'rate of a trace takes a number, not "x".'],
    ['gamma:rate=,cv2=1', 'rate of a trace takes a number, not "".'],
    ['gamma:rate=1,cv2=1,burst=2', 'A trace gamma takes rate, cv2, seconds, seed, not burst.'],
    ['gamma:rate=1,rate=2', 'A trace takes rate once.'],
    ['gamma:400', '"400" in a trace has no =: write name=value.'],
    ['poisson:rate=1,seed=0.5', 'The seed of a trace poisson takes a whole number, not 0.5.'],
    ['poisson', 'The rate of a trace poisson takes a rate above 0 and at most 10000000, and is missing.'],
    ['posson:rate=1', `"posson:rate=1" ${noTrace}`],
    ['__proto__:rate=1', `"__proto__:rate=1" ${noTrace}`],
  ])('%s: is refused in a sentence', (text, message) => {
    expect(() => parseTraceSpec(text)).toThrow(expect.objectContaining({ code: 'invalid_trace', message }));
  });

  it('is told from the name of a file', () => {
    expect(['gamma:rate=1', 'gamma', 'gamma.csv', './gamma:x', 'azure:file=x'].map(isTraceSpec)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});

describe('the text of a recording', () => {
  it('is a path, or files with what is to be made of them', () => {
    expect(recordingOf('a,b=c.csv')).toMatchObject({ files: ['a,b=c.csv'] });
    expect(
      recordingOf('azure:file=a, b.csv,file=c=d.csv,seconds=120,rate=6400,spread=even', { rate: 1, seed: 5 }),
    ).toEqual({
      ...{ format: 'azure', files: ['a, b.csv', 'c=d.csv'], seconds: 120, rate: 6_400, spread: 'even', seed: 5 },
    });
    expect(recordingOf('log:file=a,column=started at,unit=us')).toMatchObject({ column: 'started at', unit: 'us' });
  });

  it.each([
    ['azure:seconds=5', 'The file of the trace azure:seconds=5 is missing: file=<path>.'],
    ['azure:file=a,spread=odd', 'The spread of the trace azure:file=a,spread=odd takes uniform, even.'],
    ['azure:file=a,column=b', 'A trace of azure takes file, seconds, rate, seed, spread, not column.'],
    ['log:file=a,unit=days', 'The unit of the trace log:file=a,unit=days takes iso, s, ms, us, ns.'],
    [
      'jsonl:file=a,seconds=-1',
      'The seconds of the trace jsonl:file=a,seconds=-1 takes a number above 0 and at most 100000000.',
    ],
    ['jsonl:file=a,seconds=1,seconds=2', 'A trace takes seconds once.'],
    ['jsonl:a', '"a" in a trace has no =: write file=<path>.'],
  ])('%s: is refused in a sentence', (text, message) => {
    expect(() => recordingOf(text)).toThrow(expect.objectContaining({ code: 'invalid_trace', message }));
  });
});
