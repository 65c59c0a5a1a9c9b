/**
 * Every error that Slackline reports, in one registry: the code that programs match on, the HTTP-like status, whether
 * the same call may be tried again, and what to do about it. docs/protocol.md is checked against this table.
 */

interface ErrorKind {
  /** HTTP status of the same meaning; also sent as `Nats-Service-Error-Code`. */
  status: number;
  /** Whether the same call, unchanged, may succeed later. */
  retryable: boolean;
  /** What the reader can do about it; ends the sentence that the caller began. */
  advice: string;
}

const kinds = {
  // What ingest refuses.
  unknown_model: {
    status: 404,
    retryable: false,
    advice: 'publish to infer.<model> with the name of a model that is served (slackline models lists them)',
  },
  unsupported_content_type: {
    status: 415,
    retryable: false,
    advice: 'set Content-Type to application/octet-stream, application/json or application/msgpack',
  },
  empty_body: { status: 400, retryable: false, advice: 'send one row of the model’s input as the body' },
  oversized_body: { status: 413, retryable: false, advice: 'send one row per query and stay under the size limit' },
  malformed_body: { status: 400, retryable: false, advice: 'see the request form in docs/protocol.md' },
  wrong_input: {
    status: 400,
    retryable: false,
    advice: 'send the inputs, datatypes and shapes that the model’s metadata names',
  },
  wrong_deadline: {
    status: 400,
    retryable: false,
    advice: 'send Slo-Ms (milliseconds from now) or Deadline (broker time, milliseconds since 1970), within the limits',
  },
  wrong_constraint: {
    status: 400,
    retryable: false,
    advice: 'send Min-Accuracy as a number from 0 to 1 and Priority as low, normal or high, or leave them out',
  },
  unreachable_accuracy: {
    status: 400,
    retryable: false,
    advice: 'ask for less, or ask another model (slackline models show tells the accuracies)',
  },
  wrong_header: { status: 400, retryable: false, advice: 'see the headers in docs/protocol.md' },
  forbidden_reply: { status: 403, retryable: false, advice: 'use a reply subject under one of the allowed prefixes' },
  duplicate_query: {
    status: 409,
    retryable: false,
    advice: 'give every query an id of its own, or leave Query-Id out',
  },
  overloaded: { status: 503, retryable: true, advice: 'try again after Retry-After-Ms' },
  unavailable: { status: 503, retryable: true, advice: 'try again: the broker did not confirm the query' },

  // Outcomes of accepted queries that carry no answer.
  expired: { status: 504, retryable: true, advice: 'allow more time or send less at once' },
  executor_failed: { status: 500, retryable: false, advice: 'look at the worker’s log for this query id' },
  query_lost: {
    status: 500,
    retryable: true,
    advice: 'ask again; with STORAGE=file a broker keeps what it has accepted',
  },
  worker_lost: { status: 500, retryable: false, advice: 'two workers died on this query; it may be what kills them' },

  model_removed: { status: 410, retryable: false, advice: 'the model was taken away; ask one that is served' },

  // What the profiler refuses of a submitted supernet.
  invalid_name: { status: 400, retryable: false, advice: 'name it with 1 to 64 letters, digits, - or _' },
  model_exists: { status: 409, retryable: false, advice: 'submit it with --replace, or under another name' },
  other_signature: {
    status: 409,
    retryable: false,
    advice: 'keep names, types and shapes of inputs and outputs, or submit it under another name',
  },
  submission_incomplete: { status: 409, retryable: true, advice: 'upload the files named above, then submit again' },
  corrupt_model: { status: 400, retryable: false, advice: 'export the network again, as ONNX in one file' },
  model_too_large: {
    status: 413,
    retryable: false,
    advice: 'stay under the size limit; a network must be below 2 GiB',
  },
  unsupported_model: { status: 400, retryable: false, advice: 'see docs/supernet.md for what can be compiled' },
  unknown_op: { status: 400, retryable: false, advice: 'see docs/supernet.md for the operators that can be followed' },
  invalid_spec: { status: 400, retryable: false, advice: 'correct the elastic spec; docs/supernet.md describes it' },
  invalid_array: { status: 400, retryable: false, advice: 'write the array with numpy.save, in row-major order' },
  wrong_calibration: { status: 400, retryable: false, advice: 'give training rows of the model’s input' },
  wrong_validation: {
    status: 400,
    retryable: false,
    advice: 'give labelled rows of the model’s input, and the class of each as a whole number',
  },
  submission_failed: { status: 500, retryable: false, advice: 'look at the profiler’s log' },
  submission_abandoned: { status: 410, retryable: false, advice: 'submit it again if it is still wanted' },

  // Between the services.
  stale_token: { status: 409, retryable: false, advice: 'the scheduler that sent this no longer leads' },
  unknown_subnet: { status: 404, retryable: true, advice: 'wait until the worker hosts this version of the model' },
  plan_failed: { status: 500, retryable: true, advice: 'the last plan is followed until another one succeeds' },
  bad_message: { status: 400, retryable: false, advice: 'run the same version of Slackline everywhere' },

  // Starting up and the bus.
  invalid_config: { status: 500, retryable: false, advice: 'correct the environment variables named above' },
  invalid_model: { status: 500, retryable: false, advice: 'correct the model’s folder' },
  nats_unreachable: {
    status: 503,
    retryable: true,
    advice: 'start nats-server with JetStream (-js) or all of it (slackline up), or set NATS_URL',
  },
  nats_unauthorized: {
    status: 401,
    retryable: false,
    advice: 'check NATS_NKEY, NATS_CREDS, NATS_USER or the URL: the server must know this key (docs/security.md)',
  },
  nats_untrusted: {
    status: 502,
    retryable: false,
    advice:
      'set NATS_CA to the certificates that signed the server’s, and NATS_CERT and NATS_KEY where it asks for ours',
  },
  not_permitted: {
    status: 403,
    retryable: false,
    advice: 'give this key that permission, or use the key of the right service (docs/security.md)',
  },
  nats_server_missing: {
    status: 500,
    retryable: false,
    advice: 'set NATS_URL, or install nats-server (2.9 or later) and put it on PATH',
  },
  no_responders: { status: 503, retryable: true, advice: 'start the service that answers this subject' },
  timeout: { status: 504, retryable: true, advice: 'try again' },
  stream_full: { status: 503, retryable: true, advice: 'wait until the stream has room' },
  conflict: { status: 409, retryable: true, advice: 'read the newer revision first' },
  bus_failed: { status: 500, retryable: true, advice: 'look at the nats-server’s log' },
  chaos_unsupported: {
    status: 400,
    retryable: false,
    advice: 'let slackline chaos start the system itself, or choose another fault (docs/chaos.md)',
  },
  service_failed: { status: 500, retryable: false, advice: 'look at the log lines above' },
} as const satisfies Record<string, ErrorKind>;

/** The code of an error in the registry. */
export type ErrorCode = keyof typeof kinds;

/** The registry, for documentation and for status codes. */
export const errorKinds: Readonly<Record<ErrorCode, ErrorKind>> = kinds;

/** Names come from outside and may be as long as anybody likes: a sentence must still fit into a message and into a log. */
const mostCharacters = 2_000;

/** What is told of an error. */
export interface ErrorWords {
  readonly code: ErrorCode;
  readonly message: string;
  /** HTTP status of the same meaning. */
  readonly status: number;
}

/**
 * What an error of the registry says, for one that is told and never thrown: an Error notes its stack, which costs more than
 * all else of a refusal. Parameters as of `SlacklineError`.
 */
export function errorWords(code: ErrorCode, what: string): ErrorWords {
  const { advice, status } = kinds[code];
  return { code, message: `${cut(what)}: ${advice}`, status };
}

/** An error of the registry. Its message is `what happened: what to do`. */
export class SlacklineError extends Error implements ErrorWords {
  override readonly name = 'SlacklineError';
  readonly code: ErrorCode;

  /**
   * @param code a code of the registry
   * @param what what happened, as the beginning of a sentence, with the offending names and sizes
   */
  constructor(code: ErrorCode, what: string, options?: { cause?: unknown }) {
    super(errorWords(code, what).message, options);
    this.code = code;
  }

  /** An error that another process reported: its sentence is whole already. A code of another version is `bus_failed`. */
  static relayed(code: string, sentence: string): SlacklineError {
    const error = new SlacklineError(isErrorCode(code) ? code : 'bus_failed', '');
    error.message = cut(sentence);
    return error;
  }

  get status(): number {
    return kinds[this.code].status;
  }

  get retryable(): boolean {
    return kinds[this.code].retryable;
  }
}

function cut(text: string): string {
  return text.length > mostCharacters ? `${text.slice(0, mostCharacters)}…` : text;
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(kinds, code);
}

/** Whether `error` is Slackline's and carries `code`. */
export function hasCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof SlacklineError && error.code === code;
}
