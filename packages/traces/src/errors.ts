/** Why there is no trace: a code that programs match on, and one sentence that names the file and the line. */

export type TraceErrorCode =
  /** The text or the object that describes a trace is wrong. */
  | 'invalid_trace'
  /** A file holds something else than was expected. */
  | 'malformed_trace'
  /** A file cannot be read or written. */
  | 'trace_file'
  /** More queries than a trace in memory may have. */
  | 'trace_too_long';

export class TraceError extends Error {
  override readonly name = 'TraceError';

  /** @param sentence without its full stop */
  constructor(
    readonly code: TraceErrorCode,
    sentence: string,
    options?: ErrorOptions,
  ) {
    // What a file holds may be part of it, line ends and all.
    super(`${sentence.replaceAll(/\p{Cc}+/gu, ' ')}.`, options);
  }
}
