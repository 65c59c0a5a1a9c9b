/** Which reply subjects an answer may be sent to: whoever can publish a query must not make us publish anywhere else. */
import { quote, SlacklineError } from '@slackline/shared';

const maxLength = 256;
/** Whole tokens without wildcards, white space or control characters. */
const tokens = /^[^\s.*>\p{Cc}]+(\.[^\s.*>\p{Cc}]+)*$/u;

/** Whether answers may go to `reply`. What begins with `$` is the broker's own and never allowed. */
export function isAllowedReply(reply: string, prefixes: readonly string[]): boolean {
  if (reply.length > maxLength || reply.startsWith('$') || !tokens.test(reply)) return false;
  return prefixes.some((prefix) => reply.startsWith(prefix));
}

/** Why a reply subject is refused. */
export function forbiddenReply(reply: string, prefixes: readonly string[]): SlacklineError {
  const allowed = prefixes.length === 0 ? 'none' : prefixes.join(', ');
  return new SlacklineError(
    'forbidden_reply',
    `The reply subject ${quote(reply)} is not under an allowed prefix (${allowed})`,
  );
}
