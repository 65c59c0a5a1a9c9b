/**
 * Reads header blocks that anybody may have written, in place of the client's own reader. That one throws on a name it does
 * not like, from within whatever reads headers (a watch of a bucket ends without a word), and takes time in the square of
 * their number (one message of 60 kB holds a process up for a second). This one never throws, and reads so many lines at most.
 */

/** What of the client's headers is needed here. */
export interface ReadableHeaders {
  append(name: string, value: string): void;
}

/** The client's class, whose static `decode` reads every header block of every message. */
interface HeaderClass<H> {
  decode(block: Uint8Array): H;
}

/** Up to this size the client's reader is quick enough: it is tried first. */
const smallBytes = 1_024;
/** A query has a dozen at most. */
const mostLines = 128;

const text = new TextDecoder();
const bytes = new TextEncoder();

/**
 * Puts the safe reader in the place of the client's.
 *
 * @param sample headers of the client, for their class: it is not exported
 */
export function guardHeaders<H extends ReadableHeaders>(sample: H): void {
  const client = sample.constructor as unknown as HeaderClass<H> & { isGuarded?: true };
  if (client.isGuarded) return;
  const decode = client.decode.bind(client);
  client.decode = (block) => safely(block, decode);
  client.isGuarded = true;
}

function safely<H extends ReadableHeaders>(block: Uint8Array, decode: (block: Uint8Array) => H): H {
  if (block.length <= smallBytes) {
    try {
      return decode(block);
    } catch {
      // Line by line, then.
    }
  }
  const [status = '', ...lines] = text.decode(block).split('\r\n', mostLines + 1);
  // The first line may hold the broker's own word (`NATS/1.0 503`), which the client understands.
  const headers = decode(bytes.encode(`${status.slice(0, smallBytes)}\r\n\r\n`));
  for (const line of lines) take(line, headers);
  return headers;
}

/** Takes one line in; one that is no header is left out. */
function take(line: string, headers: ReadableHeaders): void {
  const colon = line.indexOf(':');
  if (colon === -1) return;
  try {
    headers.append(line.slice(0, colon), line.slice(colon + 1));
  } catch {
    // A name or a value that the client does not like.
  }
}
