import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generate } from './generate.js';
import { readJsonLines, writeJsonLines } from './json-lines.js';
import { openTrace } from './open.js';
import { filesHere, refusal } from './testing.js';
import { noModel, type Trace } from './trace.js';

const file = filesHere();

/** Any trace, with any of the columns. */
const anyTrace = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { maxLength: 40 }).chain((times) => {
  const n = { minLength: times.length, maxLength: times.length };
  const limit = fc.oneof(fc.constant(Number.NaN), fc.double({ min: 1e-3, max: 1e4, noNaN: true }));
  return fc.record(
    {
      name: fc.string(),
      note: fc.string(),
      arrivalsMs: fc.constant(Float64Array.from(times).sort()),
      durationMs: fc.constant(1_000_001),
      sloMs: fc.array(limit, n).map((values) => Float64Array.from(values)),
      minAccuracy: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), n).map((values) => Float64Array.from(values)),
      priority: fc.array(fc.nat({ max: 2 }), n).map((values) => Uint8Array.from(values)),
    },
    { requiredKeys: ['name', 'arrivalsMs', 'durationMs'] },
  );
});

describe('JSON lines', () => {
  it('keep a trace as it is, packed or not', async () => {
    await fc.assert(
      fc.asyncProperty(anyTrace, fc.boolean(), async (trace: Trace, packed) => {
        const path = await file(packed ? 'any.jsonl.gz' : 'any.jsonl', '');
        await writeJsonLines(path, trace);
        const { sloMs, ...rest } = await readJsonLines(path);
        // A column in which nothing stands is none; of no queries, every column is.
        const { sloMs: limits, ...others } = trace;
        if (trace.arrivalsMs.length > 0) expect(rest).toEqual(others);
        else expect(rest).toMatchObject({ name: trace.name, durationMs: trace.durationMs });
        expect(sloMs).toEqual(limits?.some((limit) => !Number.isNaN(limit)) ? limits : undefined);
      }),
      { numRuns: 60 },
    );
  });

  it('are read by hand-written lines, in any order, with what some queries say and others do not', async () => {
    const lines = [
      '{"atMs":20,"model":"b","priority":"high","user":"ignored"}',
      '',
      '{"atMs":0}',
      '{"atMs":10,"model":"a","sloMs":36,"minAccuracy":0.75}',
    ];
    const trace = await readJsonLines(await file('hand.jsonl', `\uFEFF${lines.join('\r\n')}`));
    expect(trace).toMatchObject({ durationMs: 30, models: ['b', 'a'] });
    expect([...trace.arrivalsMs]).toEqual([0, 10, 20]);
    expect([...(trace.modelIndex ?? [])]).toEqual([noModel, 1, 0]);
    expect([...(trace.sloMs ?? [])]).toEqual([Number.NaN, 36, Number.NaN]);
    expect([...(trace.minAccuracy ?? [])]).toEqual([0, 0.75, 0]);
    expect([...(trace.priority ?? [])]).toEqual([1, 1, 2]);
  });

  it('with timestamps start at the first', async () => {
    const lines = '{"timestamp":"2024-01-01T00:00:01Z"}\n{"timestamp":"2024-01-01T00:00:00Z"}\n';
    expect([...(await openTrace(await file('iso.jsonl', lines))).arrivalsMs]).toEqual([0, 1_000]);
    const numbers = '{"timestamp":1700000000000}\n{"timestamp":1700000000500}\n';
    expect([...(await openTrace(await file('epoch.jsonl', numbers))).arrivalsMs]).toEqual([0, 500]);
  });

  it('of a large trace are the same trace again', async () => {
    const trace = generate({ kind: 'bursty', base: 1_000, variant: 2_000, cv2: 8, seconds: 10 });
    const path = await file('large.jsonl.gz', '');
    await writeJsonLines(path, trace);
    expect(await openTrace(path)).toEqual(trace);
  });

  it.each([
    ['', /has no query\.$/],
    ['{"trace":"x"}\n', /has no query\.$/],
    ['{"atMs":0}\n{"atMs":1\n', /line 2 has something which is no JSON\.$/],
    ['{"atMs":0}\n[1]\n', /line 2 has something which is no object\.$/],
    ['{"atMs":-1}', /line 1 has something in atMs \(.*\)\.$/],
    ['{"atMs":"1"}', /line 1 has something in atMs/],
    ['{"atMs":0,"minAccuracy":75}', /line 1 has something in minAccuracy/],
    ['{"atMs":0,"priority":"urgent"}', /line 1 has something in priority/],
    ['{"atMs":0,"sloMs":0}', /line 1 has something in sloMs/],
    ['{"model":"a"}', /line 1 has something with neither atMs nor timestamp\.$/],
    ['{"atMs":0}\n{"timestamp":5}', /line 2 has something without atMs, which the lines before it have\.$/],
    [
      '{"timestamp":5}\n{"timestamp":"noon"}',
      /line 2 has something with the timestamp "noon", which is no time as those before it\.$/,
    ],
    ['{"trace":"x","durationMs":10}\n{"atMs":10}', /ends at 10 ms and has a query at 10 ms\.$/],
    [`{"atMs":0,"model":"${'x'.repeat(2 ** 20)}"}`, /line 1 is longer than 1048576 bytes\.$/],
  ])('%.60j is refused with its place', async (content, sentence) => {
    expect(await refusal(readJsonLines(await file('wrong.jsonl', content)))).toMatch(sentence);
  });

  it('cannot be written where nothing can be', async () => {
    const trace = generate({ kind: 'constant', rate: 1, seconds: 1 });
    expect(await refusal(writeJsonLines('/nowhere/at/all', trace))).toMatch(
      /^trace_file: \/nowhere\/at\/all cannot be written/,
    );
  });
});

it('times since 1970 in the place of times since the start are no trace of decades', async () => {
  const path = await file('epoch.jsonl', '{"atMs":0}\n{"atMs":1767225600000}\n');
  expect(await refusal(readJsonLines(path))).toMatch(
    /^malformed_trace: epoch\.jsonl lasts .* days, and a trace at most 400/,
  );
});
