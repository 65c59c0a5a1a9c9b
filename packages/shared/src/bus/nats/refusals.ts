/** What NATS refuses for who we are: connections, certificates, subjects. Read by fields, as in errors.ts. */
import { SlacklineError } from '../../errors.js';
import { translate } from './errors.js';

/** The broker refused a subject. What waits for an answer is told besides, by the same code. */
export interface Denial {
  operation: 'publish' | 'subscription';
  subject: string;
  /** `not_permitted`; `nats_unauthorized` when the whole connection is not wanted any more. */
  error: SlacklineError;
}

const unauthorized: ReadonlySet<unknown> = new Set([
  'AUTHORIZATION_VIOLATION',
  'AUTHENTICATION_EXPIRED',
  'ACCOUNT_EXPIRED',
  'BAD_AUTHENTICATION',
  'BAD_CREDS',
]);
/** The client's: TLS failed, or the server has none. */
const noTls: ReadonlySet<unknown> = new Set(['TLS', 'SERVER_OPT_NA']);
/** Node's, of a certificate that it does not believe, and of a server that does not believe ours. */
const untrusted = /^(ERR_(TLS|SSL|OSSL)_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_)/;

/** Why a connection failed where trying again would not mend it. `where` must hold no credentials. */
export function refusalIn(cause: unknown, where: string): SlacklineError | undefined {
  if (!(cause instanceof Error)) return undefined;
  const chained = 'chainedError' in cause && cause.chainedError instanceof Error ? cause.chainedError : undefined;
  const code = codeOf(cause);
  if (unauthorized.has(code)) {
    return new SlacklineError('nats_unauthorized', `NATS at ${where} does not let us in (${cause.message})`);
  }
  if (noTls.has(code) || [code, codeOf(chained)].some((each) => untrusted.test(String(each)))) {
    const why = (chained ?? cause).message;
    return new SlacklineError('nats_untrusted', `There is no TLS with NATS at ${where} (${why})`);
  }
  return isNotPermitted(cause) ? translate(cause, `Connecting to ${where}`) : undefined;
}

/** What the broker said of a subject, as a denial. */
export function denialOf(context: { operation: string; subject: string }): Denial {
  const { subject } = context;
  const operation = context.operation === 'publish' ? 'publish' : 'subscription';
  const what = operation === 'publish' ? 'publish to' : 'subscribe to';
  const error = new SlacklineError('not_permitted', `NATS does not permit this process to ${what} ${subject}`);
  return { operation, subject, error };
}

/** What becomes of a denial that nobody listens for. */
export function warnOfDenial({ error }: Denial): void {
  process.emitWarning(error.message, { type: 'SlacklineWarning', code: error.code });
}

function isNotPermitted(error: Error): boolean {
  return codeOf(error) === 'PERMISSIONS_VIOLATION';
}

function codeOf(error: Error | undefined): unknown {
  return error !== undefined && 'code' in error ? error.code : undefined;
}
