/** Recorded files as text: a path, or `azure:file=day1.csv,file=day2.csv,seconds=120,rate=6400,spread=even`. */
import { z } from 'zod';
import { spreads } from './azure.js';
import { TraceError } from './errors.js';
import { shapeFields } from './shape.js';
import { numberOf, type SpecDefaults } from './spec-text.js';
import { timeUnits } from './timestamps.js';

export const formats = ['azure', 'log', 'jsonl'] as const;
export type Format = (typeof formats)[number];

// What a check says ends a sentence that begins with the option.
const oneOf = <const T extends string>(names: readonly T[]) => z.enum(names, { error: `takes ${names.join(', ')}` });

const shared = {
  files: z.array(z.string().min(1, { error: 'takes a path' })).min(1, { error: 'is missing: file=<path>' }),
  ...shapeFields,
};
const options = {
  azure: z.strictObject({ ...shared, spread: oneOf(spreads).optional() }),
  log: z.strictObject({ ...shared, column: z.string().min(1).optional(), unit: oneOf(timeUnits).optional() }),
  jsonl: z.strictObject(shared),
};
const anyOptions = z.strictObject({ ...options.azure.shape, ...options.log.shape });

/** Recorded files, and what is to be made of them. */
export type Recording = z.output<typeof anyOptions> & {
  /** Told by the first file where the text does not say. */
  format?: Format;
};

const numbers = new Set(['seconds', 'rate', 'seed']);
/** A comma within a path is no end of it. */
const betweenOptions = /,(?=\s*[a-z]+=)/;

/**
 * Text without one of the formats and a colon in front is the path of one file.
 *
 * @param defaults what holds where the text says nothing
 * Throws `invalid_trace` with a sentence that names the option.
 */
export function recordingOf(text: string, defaults: SpecDefaults = {}): Recording {
  const format = formats.find((name) => text.startsWith(`${name}:`));
  const { seconds, rate, seed } = defaults;
  const given = format === undefined ? { files: [text] } : optionsOf(text.slice(format.length + 1));
  const checked = (format === undefined ? anyOptions : options[format]).safeParse({ seconds, rate, seed, ...given });
  if (checked.success) return { ...checked.data, ...(format !== undefined && { format }) };
  const [issue] = checked.error.issues;
  if (issue?.code === 'unrecognized_keys') {
    const known = ['file', ...Object.keys(options[format ?? 'jsonl'].shape).slice(1)].join(', ');
    throw new TraceError('invalid_trace', `A trace of ${format} takes ${known}, not ${issue.keys.join(', ')}`);
  }
  const name = String(issue?.path[0]).replace('files', 'file');
  throw new TraceError('invalid_trace', `The ${name} of the trace ${text.slice(0, 200)} ${issue?.message}`);
}

function optionsOf(text: string): Record<string, unknown> {
  const files: string[] = [];
  const given = new Map<string, unknown>();
  for (const part of text.split(betweenOptions)) {
    const equals = part.indexOf('=');
    if (equals < 0)
      throw new TraceError(
        'invalid_trace',
        `${JSON.stringify(part.slice(0, 200))} in a trace has no =: write file=<path>`,
      );
    const name = part.slice(0, equals).trim();
    const value = part.slice(equals + 1);
    if (name === 'file') files.push(value);
    else if (given.has(name)) throw new TraceError('invalid_trace', `A trace takes ${name} once`);
    else given.set(name, numbers.has(name) ? numberOf(name, value) : value);
  }
  return { ...Object.fromEntries(given), files };
}
