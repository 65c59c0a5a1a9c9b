import type { StreamMessage } from '@slackline/shared';
import { hasCode, isReplySubject, namePattern } from '@slackline/shared';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { holdQuery } from './held-query.js';

const stamped = { 'Nats-Msg-Id': 'q-1', 'Budget-Ms': '36.5', 'Reply-To': '_INBOX.a.b' };

function stored(headers: Record<string, string>, subject = 'queries.m'): StreamMessage {
  const data = new Uint8Array(4);
  const reader = { get: (name: string) => headers[name] };
  return { subject, headers: reader, data, reply: undefined, sequence: 7, timestampMs: 1_000, ack: () => {} };
}

it('reads what ingest has stamped', () => {
  expect(holdQuery(stored(stamped), false)).toMatchObject({
    ...{ id: 'q-1', model: 'm', deadlineMs: 1_036.5, replyTo: '_INBOX.a.b', resultKey: 'q-1', priority: 1 },
  });
});

it.each([
  ['an id with a line end, which no header of an answer can hold', { ...stamped, 'Nats-Msg-Id': 'a\nb' }],
  ['a content type with a line end', { ...stamped, 'Content-Type': 'a\rb' }],
  ['no id', { 'Budget-Ms': '5' }],
  ['a reply to the broker', { ...stamped, 'Reply-To': '$JS.API.STREAM.PURGE.QUERIES' }],
  ['a reply with an empty token, which the client refuses to publish to', { ...stamped, 'Reply-To': '_INBOX..a' }],
  ['a budget of no time', { ...stamped, 'Budget-Ms': 'NaN' }],
  ['a budget of any time', { ...stamped, 'Budget-Ms': '1e308' }],
])('refuses %s', (_, headers) => {
  expect(() => holdQuery(stored(headers), false)).toThrow(/./);
});

it('refuses with a code, or gives what can be answered, whatever the stream holds', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('q', '5', '_INBOX.x', '$SYS.x', 'a b', 'a\nb', '-1'),
  );
  const names = ['Nats-Msg-Id', 'Budget-Ms', 'Reply-To', 'Result-Key', 'Content-Type', 'Min-Accuracy', 'Priority'];
  const headers = fc.dictionary(fc.constantFrom(...names), text);
  fc.assert(
    fc.property(
      fc.oneof(
        headers,
        headers.map((each) => ({ ...stamped, ...each })),
      ),
      text,
      (each, model) => {
        try {
          const query = holdQuery(stored(each, `queries.${model}`), false);
          expect(query.id).toMatch(namePattern);
          expect(query.model).toMatch(namePattern);
          expect(query.replyTo === undefined || isReplySubject(query.replyTo)).toBe(true);
          expect(query.contentType).toMatch(/^application\//);
          expect(Number.isFinite(query.deadlineMs)).toBe(true);
        } catch (error) {
          const codes = ['bad_message', 'wrong_constraint', 'wrong_header', 'unsupported_content_type'] as const;
          expect(codes.some((code) => hasCode(error, code))).toBe(true);
        }
      },
    ),
    { numRuns: 100 },
  );
});
