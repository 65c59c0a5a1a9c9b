/** The answers of one result key: what is stored first, then what comes. */
import { type Bus, type BusMessage, headerNames } from '@slackline/shared';
import { storedMessages } from './stored-messages.js';

export interface ResultOptions {
  /** How long to wait for a new answer after the last one, in milliseconds; default: without end. 0: stored ones only. */
  waitMs?: number;
  signal?: AbortSignal;
}

/** Remembered query ids, so that an answer that is both stored and seen live, or was published twice, comes once. */
const maxRemembered = 10_000;

/** Where the answers of one key are: as they come, and in the stream. */
export interface ResultsPlace {
  subject: string;
  stream: string;
  /** What the stream calls `subject`: another name, where the broker maps it for the account of a tenant. */
  stored: string;
}

export async function* readResults(
  bus: Bus,
  { subject, stream, stored }: ResultsPlace,
  options: ResultOptions & { signal: AbortSignal },
): AsyncGenerator<BusMessage> {
  const seen = new Set<string>();
  const isNew = (message: BusMessage) => {
    const id = message.headers.get(headerNames.queryId);
    if (id === undefined) return true;
    if (seen.has(id)) return false;
    seen.add(id);
    const [oldest] = seen;
    if (seen.size > maxRemembered && oldest !== undefined) seen.delete(oldest);
    return true;
  };
  // Listening first: an answer that comes while the stored ones are read is seen both ways, not neither.
  const arrivals = new Arrivals(options.signal);
  const subscription = bus.subscribe(subject, (message) => arrivals.add(message));
  try {
    await bus.flush();
    for await (const message of storedMessages(bus, stream, stored)) {
      if (options.signal.aborted) return;
      if (isNew(message)) yield message;
    }
    for (;;) {
      const message = await arrivals.next(options.waitMs);
      if (message === undefined) return;
      if (isNew(message)) yield message;
    }
  } catch (error) {
    // A client that closes takes the connection from under a read.
    if (!options.signal.aborted) throw error;
  } finally {
    arrivals.end();
    await subscription.drain();
  }
}

/** A queue of messages with one reader. */
class Arrivals {
  readonly #messages: BusMessage[] = [];
  #wake: () => void = () => {};
  readonly #abort = () => this.#wake();

  constructor(private readonly signal: AbortSignal) {
    signal.addEventListener('abort', this.#abort);
  }

  add(message: BusMessage): void {
    this.#messages.push(message);
    this.#wake();
  }

  end(): void {
    this.signal.removeEventListener('abort', this.#abort);
  }

  /** The next message; undefined when none came within `waitMs` or the signal was given. */
  async next(waitMs: number | undefined): Promise<BusMessage | undefined> {
    if (this.#messages.length === 0 && !this.signal.aborted && waitMs !== 0) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        if (waitMs !== undefined && Number.isFinite(waitMs)) timer = setTimeout(resolve, waitMs);
      });
      clearTimeout(timer);
    }
    return this.signal.aborted ? undefined : this.#messages.shift();
  }
}
