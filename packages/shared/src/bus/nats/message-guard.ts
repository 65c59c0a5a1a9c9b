/**
 * Stands between the client's parser and the client's handling of a message, for what anybody may have written:
 *
 * - A stored message may carry a status (`NATS/1.0 409 …`) of its publisher's making. The client takes it for the broker's own
 *   word about the consumer and ends a watch over it, for good, at every process that watches. It is blanked out.
 * - A message that came in two pieces lies in plain arrays, any other in `Buffer`s. Everybody behind is given `Buffer`s, so that
 *   code which V8 has optimised for the one is not thrown away over the other.
 * - What the client throws over a message would end the reading of the connection. It is told, and the next message read.
 */

import { emitWarning } from 'node:process';
import { asBuffer } from './as-buffer.js';

/** A message as the client's parser gives it; the header block is the first `hdr` bytes of the data, -1 without one. */
interface ParsedMessage {
  subject: Uint8Array;
  reply?: Uint8Array;
  readonly hdr: number;
}

interface Protocol {
  processMsg(message: ParsedMessage, data: Uint8Array): void;
}

/** How the reply subject of every message begins that a consumer delivers. */
const delivered = new TextEncoder().encode('$JS.ACK.');
const versionBytes = 'NATS/1.0'.length;
const carriageReturn = 13;
const space = 32;

/**
 * Guards all messages of a connection, those of subscriptions to come included.
 *
 * @param connection the client's; one without the parts that are guarded here is left as it is
 */
export function guardMessages(connection: object): void {
  let hasWarned = false;
  const protocol: unknown = Reflect.get(connection, 'protocol');
  if (!isProtocol(protocol)) return;
  const handle = protocol.processMsg.bind(protocol);
  protocol.processMsg = (message, data) => {
    if (message.hdr > versionBytes && data[versionBytes] !== carriageReturn && isDelivered(message)) {
      blankStatus(data.subarray(0, message.hdr));
    }
    try {
      handle(message, asBuffers(message, data));
    } catch (error) {
      // It should not happen; whoever sends such messages may send many.
      if (!hasWarned) emitWarning(`The NATS client could not handle a message: ${error}`, 'SlacklineWarning');
      hasWarned = true;
    }
  };
}

/** @returns the data. The command of a message may have come in two pieces, or its body, or both */
function asBuffers(message: ParsedMessage, data: Uint8Array): Buffer {
  message.subject = asBuffer(message.subject);
  if (message.reply !== undefined) message.reply = asBuffer(message.reply);
  return asBuffer(data);
}

function isProtocol(value: unknown): value is Protocol {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'processMsg') === 'function';
}

function isDelivered({ reply }: ParsedMessage): boolean {
  return reply !== undefined && delivered.every((byte, at) => reply[at] === byte);
}

function blankStatus(block: Uint8Array): void {
  for (let at = versionBytes; at < block.length && block[at] !== carriageReturn; at++) block[at] = space;
}
