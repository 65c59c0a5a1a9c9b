/** Which reply subjects an answer may be sent to: whoever can publish a request must not make us publish anywhere else. */
import { z } from 'zod';
import { listFrom } from './config.js';
import { SlacklineError } from './errors.js';
import { quote } from './quote.js';

/** A reply subject begins with whole tokens of letters, digits, `-` and `_`: never with `$`, the broker's own. */
const replyPrefix = z.string().regex(/^([A-Za-z0-9_-]+\.)+$/, 'each prefix is tokens that each end with a dot');

/** A variable that says where answers may be sent: reply subjects must begin with one of these. */
export const replyPrefixes = z.string().default('_INBOX.').pipe(listFrom).pipe(z.array(replyPrefix));

const maxLength = 256;
/** Whole tokens without wildcards, white space or control characters. */
const tokens = /^[^\s.*>\p{Cc}]+(\.[^\s.*>\p{Cc}]+)*$/u;

/** Whether `reply` is a subject that something can be published to, and none of the broker's own, which begin with `$`. */
export function isReplySubject(reply: string): boolean {
  return reply.length <= maxLength && !reply.startsWith('$') && tokens.test(reply);
}

/** Whether answers may go to `reply`. */
export function isAllowedReply(reply: string, prefixes: readonly string[]): boolean {
  if (!isReplySubject(reply)) return false;
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
