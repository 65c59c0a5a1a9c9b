/**
 * How queries leave. While the connection is away they wait here, because the NATS client forgets what is published then; at
 * the reconnect they go with what is left of their time, and those that have none left do not go.
 */
import { type Bus, type Clock, decimalText, type HeaderLines, headerNames, SlacklineError } from '@slackline/shared';

export interface Leaving {
  subject: string;
  body: Uint8Array;
  /** All but the limit. */
  headers: HeaderLines;
  /** Undefined: the answer is stored. */
  reply: string | undefined;
  /** The limit that the query states, in milliseconds from now. */
  sloMs: number | undefined;
}

interface Waiting {
  query: Leaving;
  sinceMs: number;
}

/** Queries that wait, together: beyond this one is refused. */
const mostBytes = 64 * 1024 * 1024;
/** What a query takes beside its body. */
const overheadBytes = 1_024;

export class Outbox {
  #isAway = false;
  #waiting: Waiting[] = [];
  #bytes = 0;

  constructor(
    private readonly bus: Pick<Bus, 'publish' | 'onStatus'>,
    private readonly clock: Clock,
  ) {
    bus.onStatus((status) => {
      this.#isAway = status !== 'reconnected';
      if (status === 'reconnected') this.#sendWaiting();
      if (status === 'closed') this.#waiting = [];
    });
  }

  /** Sends a query now, or when there is a connection again. Throws `unavailable` when too much waits for that. */
  send(query: Leaving): void {
    if (!this.#isAway) {
      this.#publish(query, query.sloMs);
      return;
    }
    const bytes = query.body.length + overheadBytes;
    if (this.#bytes + bytes > mostBytes) {
      throw new SlacklineError(
        'unavailable',
        `The connection is away, and ${this.#bytes} bytes of queries wait for it`,
      );
    }
    this.#bytes += bytes;
    this.#waiting.push({ query, sinceMs: this.clock.now() });
  }

  #sendWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    const nowMs = this.clock.now();
    for (const { query, sinceMs } of waiting) {
      const leftMs = query.sloMs === undefined ? undefined : wholeMicroseconds(query.sloMs - (nowMs - sinceMs));
      if (leftMs === undefined || leftMs > 0) this.#publish(query, leftMs);
    }
  }

  #publish({ subject, body, headers, reply }: Leaving, sloMs: number | undefined): void {
    const all = sloMs === undefined ? headers : headers.and(headerNames.sloMs, decimalText(sloMs));
    this.bus.publish(subject, body, reply === undefined ? { headers: all } : { headers: all, reply });
  }
}

/** A difference of two clock readings may have more digits than a header may. */
const wholeMicroseconds = (ms: number): number => Math.floor(ms * 1_000) / 1_000;
