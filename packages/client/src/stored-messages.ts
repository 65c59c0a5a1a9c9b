/**
 * What a stream holds, read without a consumer: a look leaves nothing behind at the broker, and needs no more rights than
 * one subject (`$JS.API.DIRECT.GET.<stream>`), which the account of a tenant can be given.
 */
import { type Bus, type BusMessage, hasCode } from '@slackline/shared';

/** The broker's headers on what it read. */
const sequenceHeader = 'Nats-Sequence';
export const subjectHeader = 'Nats-Subject';
const timeoutMs = 5_000;

/**
 * The stored messages of `subject`, which may have wildcards, oldest first, up to the last one. None where there is no such
 * stream. Throws `timeout`, `not_permitted` or `bus_failed`.
 */
export async function* storedMessages(bus: Bus, stream: string, subject: string): AsyncGenerator<BusMessage> {
  let from = 1;
  for (;;) {
    const message = await next(bus, stream, subject, from);
    const sequence = Number(message?.headers.get(sequenceHeader));
    // The broker's word that there is no more has no sequence.
    if (message === undefined || !(sequence >= from)) return;
    yield message;
    from = sequence + 1;
  }
}

async function next(bus: Bus, stream: string, subject: string, from: number): Promise<BusMessage | undefined> {
  const request = Buffer.from(JSON.stringify({ seq: from, next_by_subj: subject }));
  try {
    return await bus.request(`$JS.API.DIRECT.GET.${stream}`, request, { timeoutMs });
  } catch (error) {
    if (hasCode(error, 'no_responders')) return undefined;
    throw error;
  }
}
