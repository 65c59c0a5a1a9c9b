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

const [space, dollar, star, dot, above, lastPlain] = [0x20, 0x24, 0x2a, 0x2e, 0x3e, 0x7e];

/** Whether `reply` is a subject that something can be published to, and none of the broker's own, which begin with `$`. */
export function isReplySubject(reply: string): boolean {
  const { length } = reply;
  if (length === 0 || length > maxLength || reply.charCodeAt(0) === dollar) return false;
  // One look at each character: every query has a reply subject, and what all of them are made of is ASCII.
  let previous = dot;
  for (let i = 0; i < length; i++) {
    const code = reply.charCodeAt(i);
    if (code > lastPlain) return tokens.test(reply);
    if (code <= space || code === star || code === above || (code === dot && previous === dot)) return false;
    previous = code;
  }
  return previous !== dot;
}

/** Whether answers may go to `reply`. */
export function isAllowedReply(reply: string, prefixes: readonly string[]): boolean {
  for (const prefix of prefixes) if (reply.startsWith(prefix)) return isReplySubject(reply);
  return false;
}

/** Why a reply subject is refused. */
export function forbiddenReply(reply: string, prefixes: readonly string[]): SlacklineError {
  const allowed = prefixes.length === 0 ? 'none' : prefixes.join(', ');
  return new SlacklineError(
    'forbidden_reply',
    `The reply subject ${quote(reply)} is not under an allowed prefix (${allowed})`,
  );
}
