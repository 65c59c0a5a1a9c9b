/** Whatever the bytes are: a trace, or one sentence that says what is wrong with them. */
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { replayAzure } from './azure.js';
import { readJsonLines } from './json-lines.js';
import { openTrace } from './open.js';
import { readRequestLog } from './request-log.js';
import { filesHere, refusal } from './testing.js';
import type { Trace } from './trace.js';

const file = filesHere();

const whole = [
  'HashOwner,HashApp,HashFunction,Trigger,1,2,3\no,a,f,http,2,0,1\no,a,"g",timer,1,1,1\n',
  'id,timestamp\n1,2024-01-01T00:00:00Z\n2,2024-01-01T00:00:01.5Z\n',
  'ts\n1700000000.5\n1700000001.5\n',
  '{"trace":"x","durationMs":100}\n{"atMs":0,"model":"a"}\n{"atMs":5,"priority":"high","minAccuracy":0.5}\n',
  '{"timestamp":1700000000000,"sloMs":36}\n{"timestamp":1700000000100}\n',
].map((text) => Buffer.from(text));
const valid = fc.constantFrom(...whole, ...whole.map((text) => gzipSync(text)));

/** A file that is right but for some bytes. */
const damaged = fc
  .tuple(
    valid,
    fc.array(fc.tuple(fc.nat(), fc.constantFrom('cut', 'set', 'add'), fc.integer({ min: 0, max: 255 })), {
      maxLength: 4,
    }),
  )
  .map(([bytes, damages]) =>
    damages.reduce<Buffer>((before, [place, how, byte]) => {
      const at = before.length === 0 ? 0 : place % before.length;
      if (how === 'cut') return Buffer.concat([before.subarray(0, at), before.subarray(at + 1 + (byte % 16))]);
      if (how === 'add') return Buffer.concat([before.subarray(0, at), Buffer.from([byte]), before.subarray(at)]);
      const after = Buffer.from(before);
      after[at] = byte;
      return after;
    }, bytes),
  );
/** Cells and lines that mean something to a reader, in any order. */
const pieces = fc.constantFrom(
  ...[
    'HashApp',
    'timestamp',
    'minute_1',
    '2',
    ',',
    '\n',
    '\r\n',
    '"',
    '{',
    '}',
    '"atMs":',
    '"timestamp":',
    '5',
    '-1',
    '1e400',
    '\uFEFF',
    '\0',
    '9'.repeat(400),
  ],
);
const made = fc.array(pieces, { maxLength: 30 }).map((parts) => Buffer.from(parts.join('')));
const anyBytes = fc.oneof(damaged, damaged, made, fc.uint8Array({ maxLength: 300 }));

function checkTrace({ arrivalsMs, durationMs }: Trace): void {
  if (!(durationMs > 0 && durationMs < Number.POSITIVE_INFINITY)) expect.fail(`it lasts ${durationMs} ms`);
  arrivalsMs.forEach((atMs, i) => {
    if (!(atMs >= (arrivalsMs[i - 1] ?? 0) && atMs < durationMs))
      expect.fail(`${atMs} ms of ${durationMs} ms is out of order`);
  });
}

const readers: Readonly<Record<string, (path: string) => Promise<Trace>>> = {
  'any file': (path) => openTrace(path),
  'any file, scaled': (path) => openTrace(path, { seconds: 2, rate: 20 }),
  'the reader of Azure Functions': (path) => replayAzure([path], { seconds: 5, rate: 10, spread: 'even' }),
  'the reader of request logs': (path) => readRequestLog(path),
  'the reader of JSON lines': (path) => readJsonLines(path),
};

it.each(Object.entries(readers))('%s gives a trace or a sentence', async (_name, read) => {
  let traces = 0;
  let sentences = 0;
  await fc.assert(
    fc.asyncProperty(anyBytes, async (bytes) => {
      const path = await file('fuzz', bytes);
      const reading = read(path);
      const trace = await reading.catch(() => undefined);
      if (trace !== undefined) {
        checkTrace(trace);
        traces++;
        return;
      }
      // Without the line end that a name in it could bring.
      expect(await refusal(reading)).toMatch(/^(malformed_trace|trace_too_long|invalid_trace): [^\n]+\.$/);
      sentences++;
    }),
    { numRuns: 400 },
  );
  // Otherwise nothing was tried.
  expect(traces).toBeGreaterThan(5);
  expect(sentences).toBeGreaterThan(5);
});
