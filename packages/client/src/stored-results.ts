/** Answers that lie in the RESULTS stream, read without a consumer: a look at one key leaves nothing behind. */
import type { Bus, BusMessage } from '@slackline/shared';
import { SlacklineError } from '@slackline/shared';

/** What the stream API answers: the next message of a subject, or an error. */
interface NextMessage {
  message?: { seq: number };
  error?: { err_code?: number; description?: string };
}

/** The broker's code for "no such message". */
const noMessage = 10_037;
const timeoutMs = 5_000;

/** The stored messages of `subject` in `stream`, oldest first, up to the last one. Throws `bus_failed` or `timeout`. */
export async function* storedMessages(bus: Bus, stream: string, subject: string): AsyncGenerator<BusMessage> {
  let from = 1;
  for (;;) {
    const sequence = await nextSequence(bus, stream, subject, from);
    if (sequence === undefined) return;
    const message = await bus.readMessage(stream, sequence);
    if (message !== undefined) yield message;
    from = sequence + 1;
  }
}

async function nextSequence(bus: Bus, stream: string, subject: string, from: number): Promise<number | undefined> {
  const request = Buffer.from(JSON.stringify({ seq: from, next_by_subj: subject }));
  const reply = await bus.request(`$JS.API.STREAM.MSG.GET.${stream}`, request, { timeoutMs });
  const answer = JSON.parse(Buffer.from(reply.data).toString()) as NextMessage;
  if (answer.error === undefined) return answer.message?.seq;
  if (answer.error.err_code === noMessage) return undefined;
  throw new SlacklineError('bus_failed', `Reading ${subject}: ${answer.error.description ?? 'the broker refused it'}`);
}
