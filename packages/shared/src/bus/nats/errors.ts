/** The client's and the broker's errors as ours. Read by their fields: only the adapter knows the client's classes. */
import { SlacklineError } from '../../errors.js';

// The broker's own error codes (nats-server's server/errors.json).
const apiErrors = {
  /**
   * 10077: the stream's own bounds (and any other failure to store); 10002, 10023, 10028, 10047: the account or the server
   * has no memory or disk left for JetStream; 10122, 10129: the largest stream allowed.
   */
  streamFull: [10077, 10002, 10023, 10028, 10047, 10122, 10129],
  wrongRevision: [10071, 10164],
  noMessage: [10037],
  noStream: [10059],
  noConsumer: [10014],
};
export type ApiError = keyof typeof apiErrors;

/** Whether the broker refused for this reason. */
export function isApiError(error: unknown, kind: ApiError): boolean {
  const code = apiCode(error);
  return code !== undefined && apiErrors[kind].includes(code);
}

/** Whether the broker answered with a refusal, whatever its reason. */
export function isRefusal(error: unknown): boolean {
  return apiCode(error) !== undefined;
}

/** Whether a stream, or the bucket on one, is not there: nobody listens on its subjects, or the broker says so. */
export function isMissing(error: unknown): boolean {
  return (clientCode(error) === '503' && !isRefusal(error)) || isApiError(error, 'noStream');
}

/** `what` begins the sentence. */
export function translate(error: unknown, what: string): SlacklineError {
  if (error instanceof SlacklineError) return error;
  const cause = { cause: error };
  if (isApiError(error, 'streamFull')) {
    return new SlacklineError('stream_full', `${what}: the stream is full (${messageOf(error)})`, cause);
  }
  if (isApiError(error, 'wrongRevision')) {
    return new SlacklineError('conflict', `${what}: another revision is newer`, cause);
  }
  const name = clientCode(error);
  if (name === 'PERMISSIONS_VIOLATION') {
    // The client's sentence names the subject.
    return new SlacklineError('not_permitted', `${what}: ${messageOf(error)}`, cause);
  }
  if (name === 'TIMEOUT') return new SlacklineError('timeout', `${what}: no answer in time`, cause);
  if (name === '503') return new SlacklineError('no_responders', `${what}: nobody listens`, cause);
  return new SlacklineError('bus_failed', `${what}: ${messageOf(error)}`, cause);
}

export async function translated<T>(what: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw translate(error, what);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function clientCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function apiCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('api_error' in error)) return undefined;
  const { api_error: told } = error;
  if (typeof told !== 'object' || told === null || !('err_code' in told)) return undefined;
  return typeof told.err_code === 'number' ? told.err_code : undefined;
}
