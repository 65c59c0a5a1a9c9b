/**
 * A trace from the one text form that every command takes: the spec of a generator, or a file with or without options.
 */

import { replayAzure } from './azure.js';
import { TraceError } from './errors.js';
import { formatOf } from './format.js';
import { generate } from './generate.js';
import { readJsonLines } from './json-lines.js';
import { recordingOf } from './recording-text.js';
import { readRequestLog } from './request-log.js';
import { reshaped } from './reshape.js';
import type { ReadOptions } from './source.js';
import { isTraceSpec, parseTraceSpec, type SpecDefaults } from './spec-text.js';
import type { Trace } from './trace.js';

export type OpenOptions = SpecDefaults & ReadOptions;

/**
 * Reads `gamma:rate=400,cv2=4`, `trace.jsonl.gz`, `azure:file=day1.csv,file=day2.csv,seconds=120,rate=6400` and the
 * like (docs/traces.md). `seconds`, `rate` and `seed` hold where the text says nothing.
 *
 * Throws `TraceError`, or the signal's reason.
 */
export async function openTrace(text: string, options: OpenOptions = {}): Promise<Trace> {
  if (isTraceSpec(text)) return generate(parseTraceSpec(text, options));
  const recording = recordingOf(text, options);
  const format = recording.format ?? (await formatOf(recording.files[0] ?? '', options));
  if (format === 'azure') return replayAzure(recording.files, { ...options, ...recording });
  const [file = '', ...others] = recording.files;
  if (others.length > 0)
    throw new TraceError('invalid_trace', `A trace of ${format} takes one file, not ${recording.files.length}`);
  const trace =
    format === 'jsonl'
      ? await readJsonLines(file, options)
      : await readRequestLog(file, { ...options, column: recording.column, unit: recording.unit });
  return reshaped(trace, recording);
}
