/**
 * Every refusal of the compiler and its runtime, as one class with a code: what was refused, by name and size, stands
 * in the message; what to do about it follows from the code.
 */

/**
 * - `corrupt-model`: the bytes are no ONNX model
 * - `model-too-large`: more than a protobuf can hold (2 GiB)
 * - `unsupported-model`: a valid model with something outside what is served (several inputs, an opset, a data type)
 * - `unknown-op`: an operator the compiler cannot see through
 * - `invalid-spec`: the elastic spec is malformed or contradicts the graph
 * - `invalid-config`: a subnet configuration that the spec does not allow
 * - `invalid-statistics`: statistics that do not belong to the subnet, or bytes that hold none
 * - `invalid-input`: a run with data of the wrong type or length
 * - `session-busy`: a switch or a run asked of a session whose last run is not over
 * - `session-released`: a switch or a run asked of a session that was released
 * - `blocked-unavailable`: the blocked form cannot hold this network on this machine; the portable one can
 */
export type SupernetErrorCode =
  | 'corrupt-model'
  | 'model-too-large'
  | 'unsupported-model'
  | 'unknown-op'
  | 'invalid-spec'
  | 'invalid-config'
  | 'invalid-statistics'
  | 'invalid-input'
  | 'session-busy'
  | 'session-released'
  | 'blocked-unavailable';

/** A refusal by the compiler or the runtime; `message` is a sentence that names the offending part. */
export class SupernetError extends Error {
  override readonly name = 'SupernetError';

  constructor(
    readonly code: SupernetErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
