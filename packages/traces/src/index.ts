/** When queries arrive: seeded generators, replay of recorded traces, and the files they are kept in. */
export { type AzureOptions, replayAzure, type Spread, spreads } from './azure.js';
export { TraceError, type TraceErrorCode } from './errors.js';
export { type Arrivals, arrivals, arrivalsOf, generate } from './generate.js';
export { readJsonLines, writeJsonLines } from './json-lines.js';
export { type OpenOptions, openTrace } from './open.js';
export { type Phase, type Rates, type Span, spansOf, traceOfPhases } from './phases.js';
export { type RequestLogOptions, readRequestLog } from './request-log.js';
export { reshaped } from './reshape.js';
export type { Shape } from './shape.js';
export type { ReadOptions, ReadProgress } from './source.js';
export { checkSpec, type TraceKind, type TraceSpec, type TraceSpecInput, traceKinds } from './spec.js';
export { formatTraceSpec, isTraceSpec, parseTraceSpec, type SpecDefaults } from './spec-text.js';
export { countsPer, ratesOf, summarize, type TraceSummary } from './summary.js';
export type { TimeUnit } from './timestamps.js';
export { mostQueries, noModel, normalPriority, priorityNames, type Trace } from './trace.js';
