import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { forbiddenReply, isAllowedReply, isReplySubject } from './reply.js';

const inbox = ['_INBOX.'];

describe('a reply subject', () => {
  it.each(['_INBOX.a', '_INBOX.Xk3.7', '_INBOX.ä'])('%j is allowed', (reply) => {
    expect(isAllowedReply(reply, inbox)).toBe(true);
  });

  it.each([
    '',
    '_INBOX',
    '_INBOX.',
    '_INBOX..a',
    '_INBOX.a.',
    '_INBOX.>',
    '_INBOX.*',
    '_INBOX.a*',
    '_INBOX.a b',
    '_INBOX.a\tb',
    '_INBOX.a\r\nPUB x 0',
    '_INBOX.a\0',
    '_INBOX.a\u2028b',
    `_INBOX.${'a'.repeat(300)}`,
    'x._INBOX.a',
    '_inbox.a',
    '$JS.API.STREAM.PURGE.X',
  ])('%j is not', (reply) => {
    expect(isAllowedReply(reply, inbox)).toBe(false);
  });

  it('is whole tokens without wildcards, white space or control characters, in whatever script', () => {
    const whole = /^(?!\$)[^\s.*>\p{Cc}]+(\.[^\s.*>\p{Cc}]+)*$/u;
    const piece = fc.oneof(
      fc.constantFrom(
        '.',
        '..',
        '*',
        '>',
        '$',
        ' ',
        '\t',
        '\r\n',
        '\0',
        '\x7f',
        '\x85',
        '\u00a0',
        '\u2028',
        '\ufeff',
        'ä',
        '😀',
      ),
      fc.string({ minLength: 1, maxLength: 4 }),
    );
    const subject = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(subject, (reply) => {
        expect(isReplySubject(reply)).toBe(whole.test(reply));
      }),
      { numRuns: 1_000 },
    );
  });

  it('of the broker is never allowed, whatever the configuration says', () => {
    for (const prefix of ['$JS.', '$SYS.', '$SRV.', '$KV.']) expect(isAllowedReply(`${prefix}x`, [prefix])).toBe(false);
  });

  it('is refused in words that name the prefixes', () => {
    expect(forbiddenReply('evil\r\n', ['_INBOX.', 'shop.']).message).toMatch(/^[^\r\n]*_INBOX\., shop\.[^\r\n]*$/);
  });
});
