import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openTrace } from './open.js';
import { readRequestLog } from './request-log.js';
import { filesHere, refusal } from './testing.js';
import { readTime, unitOf } from './timestamps.js';

const file = filesHere();

describe('times', () => {
  it('are told apart by how they are written', () => {
    const units = {
      '2023-11-16 18:17:03.97996': 'iso',
      '1700000000.25': 's',
      '1700000000250': 'ms',
      '1700000000250000': 'us',
    };
    for (const [text, unit] of Object.entries(units)) expect(unitOf(text), text).toBe(unit);
    expect(unitOf('1700000000250000000')).toBe('ns');
    expect(unitOf('12.5')).toBe('s');
    for (const text of [
      '',
      'noon',
      '0x10',
      '1,5',
      'Infinity',
      '12:30',
      '2023-13-01T00:00Z',
      '2023-02-29T00:00:00Z',
      '1e999',
    ])
      expect(unitOf(text) === undefined || readTime(text, 's') === undefined, text).toBe(true);
  });

  it('in ISO 8601 are read to the microsecond, by zone, as UTC without one', () => {
    const ms = Date.UTC(2023, 10, 16, 18, 17, 3);
    const forms = [
      '2023-11-16T18:17:03Z',
      '2023-11-16 18:17:03',
      '2023-11-16T19:47:03+01:30',
      '2023-11-16T13:17:03-0500',
    ];
    for (const form of forms) expect(readTime(form, 'iso'), form).toBe(ms);
    expect(readTime('2023-11-16 18:17:03.9799600', 'iso')).toBeCloseTo(ms + 979.96, 3);
    expect(readTime('2024-02-29T00:00Z', 'iso')).toBe(Date.UTC(2024, 1, 29));
    fc.assert(
      fc.property(
        fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
        (date) => {
          expect(readTime(date.toISOString(), 'iso')).toBe(date.getTime());
        },
      ),
    );
  });
});

describe('a request log', () => {
  it('is a trace from its first request on, in any order of rows', async () => {
    const log =
      'id,timestamp,user\n1,2024-01-01T00:00:02Z,a\n2,2024-01-01T00:00:00Z,"b,c"\n3,2024-01-01T00:00:06.5Z,a\n';
    const trace = await readRequestLog(await file('log.csv', log));
    expect([...trace.arrivalsMs]).toEqual([0, 2_000, 6_500]);
    // And one mean gap behind the last.
    expect(trace.durationMs).toBe(9_750);
  });

  it('is read in any unit, told or given, by the name or the number of the column, with or without names', async () => {
    const times = [1_700_000_000_000, 1_700_000_000_250, 1_700_000_001_000];
    const factors = { s: 1e-3, ms: 1, us: 1e3 } as const;
    for (const [unit, factor] of Object.entries(factors)) {
      const rows = times.map((time) => `x,${time * factor}\n`).join('');
      const named = await file(`${unit}.csv.gz`, `what,Started At\n${rows}`);
      const bare = await file(`bare-${unit}.csv`, rows);
      for (const trace of [
        await readRequestLog(named),
        await readRequestLog(named, { column: 'Started At', unit: unit as keyof typeof factors }),
        await readRequestLog(bare),
        await readRequestLog(bare, { column: '2' }),
        await openTrace(bare),
        await openTrace(`log:file=${named},column=2`),
      ])
        expect([...trace.arrivalsMs]).toEqual([0, 250, 1_000]);
    }
    const small = await file('small.csv', 'at\n1000\n1250\n');
    expect([...(await readRequestLog(small)).arrivalsMs]).toEqual([0, 250_000]);
    expect([...(await readRequestLog(small, { unit: 'ms' })).arrivalsMs]).toEqual([0, 250]);
  });

  it('may have quotes, commas and line ends in its cells', async () => {
    const log = 'path,"time"\n"/a,""b""",1\n"one\ntwo ""2""\n",2\n/c,4\n';
    expect([...(await readRequestLog(await file('quoted.csv', log))).arrivalsMs]).toEqual([0, 1_000, 3_000]);
    const wrong = await file('quoted-wrong.csv', 'path,time\n"one\ntwo",1\n"three",never\n');
    expect(await refusal(readRequestLog(wrong))).toMatch(/line 4 has "never", which is no time in s\.$/);
  });

  it('of one request, or of requests at one moment, lasts a second', async () => {
    expect(await readRequestLog(await file('one.csv', 'ts\n5\n'))).toMatchObject({ durationMs: 1_000 });
    expect((await readRequestLog(await file('two.csv', 'ts\n5\n5\n'))).durationMs).toBe(1_000);
  });

  it.each([
    ['', {}, /has no request\.$/],
    ['timestamp,x\n', {}, /has no request\.$/],
    ['a,b\nx,y\n', {}, /has no column named as a time; it has a, b: name one with column=\.$/],
    ['a,b\n1,2\n', { column: 'c' }, /has no column c; it has a, b/],
    ['a,b\n1,2\n', { column: '3' }, /has no column 3/],
    ['ts\n5\nsoon\n', {}, /line 3 has "soon", which is no time in s\.$/],
    ['ts\n2024-01-01T00:00Z\n1704067200\n', {}, /line 3 has "1704067200", which is no time\.$/],
    ['ts\n5\n2024-01-01T00:00Z\n', {}, /line 3 has "2024-01-01T00:00Z", which is no time in s\.$/],
    ['ts\n2024-01-01T00:00Z\n', { unit: 'ms' }, /line 2 has "2024-01-01T00:00Z", which is no time in ms\.$/],
    [
      'ts\n1767225600\n1767225600000\n',
      {},
      /lasts 40,867,092 days, and a trace at most 400: its times may be in mixed/,
    ],
    ['a;b\nx;y\n', {}, /it has a;b, and seems to separate its columns by semicolons, not commas: name one/],
    ['start\ttime\n1\t2\n', {}, /seems to separate its columns by tabs, not commas/],
    ['ts\n\n""\n', {}, /line 3 has "", which is no time\.$/],
  ] as const)('%j %o is refused with its place', async (content, options, sentence) => {
    expect(await refusal(readRequestLog(await file('wrong.csv', content), options))).toMatch(sentence);
  });

  it('is no list in JSON, and one with other separators is told so', async () => {
    expect(await refusal(openTrace(await file('list.jsonl', '[1,2,3]\n')))).toMatch(
      / is a list in JSON: write its queries/,
    );
    expect(await refusal(readRequestLog(await file('list.csv', '[1,2,3]\n')))).toMatch(/has no column named as a time/);
    expect(await refusal(openTrace(await file('semi.csv', 'user;time\n1;2\n')))).toMatch(/by semicolons, not commas/);
  });
});
