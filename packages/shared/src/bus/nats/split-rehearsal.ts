/**
 * Has the client's parser read messages that come in two pieces, before any real one does.
 *
 * What a read of the socket brings ends anywhere, at high rates often within a message, and such a message the client keeps in
 * arrays of another kind. V8 throws optimised code away when it meets a kind that it has not met before: the whole way in, in
 * the middle of the first burst, and then compiles for half a second what it takes to serve it. Met at the start, both
 * kinds are nothing new.
 */

import { emitWarning } from 'node:process';

interface Parser {
  /** What is given each message. */
  readonly dispatcher: object;
  parse(bytes: Uint8Array): void;
}

/** Of a subscription that there is not: the client counts the messages and drops them. */
const frames = [
  'MSG rehearsal.a 0 5\r\nhello\r\n',
  'MSG rehearsal.a 0 reply.a 5\r\nhello\r\n',
  'HMSG rehearsal.a 0 18 23\r\nNATS/1.0\r\nA: b\r\n\r\nhello\r\n',
  'HMSG rehearsal.a 0 reply.a 18 23\r\nNATS/1.0\r\nA: b\r\n\r\nhello\r\n',
].map((frame) => Buffer.from(frame));

/**
 * By a parser of the same class, so that the connection's own is not touched, whatever comes of it.
 *
 * @param connection the client's; nothing happens where its parser is not as expected
 */
export function rehearseSplits(connection: object): void {
  const own: unknown = Reflect.get(Reflect.get(connection, 'protocol') ?? {}, 'parser');
  if (!isParser(own)) return;
  const parser: unknown = Reflect.construct(own.constructor, [own.dispatcher]);
  if (!isParser(parser)) return;
  try {
    for (const frame of frames) {
      for (let at = 0; at < frame.length; at++) {
        parser.parse(frame.subarray(0, at));
        parser.parse(frame.subarray(at));
      }
    }
  } catch (error) {
    emitWarning(`Messages that come in two pieces could not be rehearsed: ${error}`, 'SlacklineWarning');
  }
}

function isParser(value: unknown): value is Parser {
  if (typeof value !== 'object' || value === null) return false;
  return typeof Reflect.get(value, 'parse') === 'function' && typeof Reflect.get(value, 'dispatcher') === 'object';
}
