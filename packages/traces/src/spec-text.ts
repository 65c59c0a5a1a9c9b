/** Specs as text, the same in every command: `gamma:rate=400,cv2=4,seconds=20,seed=1`. */
import { TraceError } from './errors.js';
import { checkSpec, isTraceKind, parametersOf, type TraceSpec, traceKinds } from './spec.js';

/** What holds where a text says nothing, if the kind takes it. */
export interface SpecDefaults {
  seconds?: number | undefined;
  rate?: number | undefined;
  seed?: number | undefined;
}

/** Whether the text is a spec of something that can be generated, be it a wrong one, and no name of a file. */
export function isTraceSpec(text: string): boolean {
  return isTraceKind(text.split(':', 1)[0] ?? '');
}

/**
 * Reads `kind:name=value,name=value`.
 *
 * Throws `invalid_trace` with a sentence that says what the kind takes.
 */
export function parseTraceSpec(text: string, defaults: SpecDefaults = {}): TraceSpec {
  const colon = text.indexOf(':');
  const kind = colon < 0 ? text : text.slice(0, colon);
  if (!isTraceKind(kind)) {
    throw new TraceError(
      'invalid_trace',
      `${JSON.stringify(text)} is no trace: it begins with ${traceKinds.join(', ')} and a colon`,
    );
  }
  const given = Object.fromEntries(
    pairsOf(colon < 0 ? '' : text.slice(colon + 1)).map(([name, value]) => [name, numberOf(name, value)]),
  );
  const takes = parametersOf(kind);
  const known = Object.entries(defaults).filter(([name, value]) => value !== undefined && takes.includes(name));
  return checkSpec({ ...Object.fromEntries(known), ...given, kind });
}

/** The text that `parseTraceSpec` reads back as the same spec. */
export function formatTraceSpec(spec: TraceSpec): string {
  const values: Readonly<Record<string, unknown>> = spec;
  return `${spec.kind}:${parametersOf(spec.kind)
    .map((name) => `${name}=${values[name]}`)
    .join(',')}`;
}

/** Throws `invalid_trace`. */
export function numberOf(name: string, value: string): number {
  const number = value.trim() === '' ? Number.NaN : Number(value);
  if (Number.isFinite(number)) return number;
  throw new TraceError('invalid_trace', `${name} of a trace takes a number, not ${JSON.stringify(value)}`);
}

/** `a=1,b=2` in pairs. Throws `invalid_trace` for a part without `=` and for a name that comes twice. */
export function pairsOf(text: string): [name: string, value: string][] {
  if (text.trim() === '') return [];
  const pairs = text.split(',').map((part): [string, string] => {
    const equals = part.indexOf('=');
    if (equals < 0)
      throw new TraceError('invalid_trace', `${JSON.stringify(part)} in a trace has no =: write name=value`);
    return [part.slice(0, equals).trim(), part.slice(equals + 1)];
  });
  const seen = new Set<string>();
  for (const [name] of pairs) {
    if (seen.has(name)) throw new TraceError('invalid_trace', `A trace takes ${name} once`);
    seen.add(name);
  }
  return pairs;
}
