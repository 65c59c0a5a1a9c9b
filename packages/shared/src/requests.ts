/** Requests between a person's command and a service: a control message there, a control message or an error back. */
import type { z } from 'zod';
import { type FramedMessage, frameError, parseAnswer } from './answers.js';
import type { Bus, BusMessage } from './bus/bus.js';
import { SlacklineError } from './errors.js';
import { contentTypes, headerNames } from './headers.js';
import { pack, unpack } from './messages.js';

/**
 * Sends a request and resolves with its checked answer. Throws what it is refused with, `no_responders`, `timeout`, or
 * `bad_message`.
 */
export async function requestReply<T>(
  bus: Bus,
  subject: string,
  message: { v: 1 },
  reply: { kind: string; schema: z.ZodType<T>; timeoutMs: number },
): Promise<T> {
  const answer = await bus.request(subject, pack(message), { timeoutMs: reply.timeoutMs });
  const error = errorIn(answer);
  if (error !== undefined) throw error;
  return unpack(reply.kind, reply.schema, answer.data);
}

/** The error that a reply carries, or undefined for a reply without. */
export function errorIn(reply: BusMessage): SlacklineError | undefined {
  // Without an error code it is a control message, which has no outcome either.
  if (reply.headers.get(headerNames.errorCode) === undefined) return undefined;
  const answer = parseAnswer(reply);
  return 'code' in answer ? SlacklineError.relayed(answer.code, answer.message) : undefined;
}

/** What a request is refused with, as a message; with `retryAfterMs` for what is worth trying again. */
export function refusal(error: SlacklineError, facts: { retryAfterMs?: number } = {}): FramedMessage {
  return frameError(contentTypes.msgpack, error, facts);
}
