/**
 * Reads a message straight from a copy of its stream: as it was published, not in JSON and base64, and from whichever copy is
 * near. Needs nats-server 2.9 and a stream that allows it.
 * https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-31.md
 */
import { SlacklineError } from '../../errors.js';
import type { Bus, BusMessage } from '../bus.js';

/** The broker's headers on what it read. */
const sequenceHeader = 'Nats-Sequence';
const subjectHeader = 'Nats-Subject';
const timeoutMs = 5_000;

/**
 * Undefined where this way leads to nothing, which does not say that the message is gone: the copy may lag behind, the stream
 * or its broker may not have direct reads, and whose keys are of an earlier version may not use them. Throws as `request` does.
 */
export async function readDirectly(
  bus: Pick<Bus, 'request'>,
  stream: string,
  sequence: number,
): Promise<BusMessage | undefined> {
  const query = Buffer.from(JSON.stringify({ seq: sequence }));
  try {
    const { headers, data } = await bus.request(`$JS.API.DIRECT.GET.${stream}`, query, { timeoutMs });
    // The broker's word that there is none has no sequence.
    if (headers.get(sequenceHeader) === undefined) return undefined;
    return { subject: headers.get(subjectHeader) ?? '', reply: undefined, headers, data };
  } catch (error) {
    if (error instanceof SlacklineError && (error.code === 'no_responders' || error.code === 'not_permitted')) {
      return undefined;
    }
    throw error;
  }
}
