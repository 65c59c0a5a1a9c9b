/**
 * The queries that wait for an answer. Each has a token, a number that stands at the end of its reply subject. Their time limits
 * lie in slots of some milliseconds that one timer looks at, because a timer for each of many thousand queries would cost
 * more than they do.
 */
import type { Clock } from '@slackline/shared';

/** A query that waits; whoever keeps it here adds what it needs at its end. */
export interface Waiting {
  queryId: string;
  /** Where it was sent. */
  subject: string;
  sentAtMs: number;
  /** Whether the connection broke after it was sent: its answer may have gone to nobody. */
  isCutOff: boolean;
}

const slotMs = 10;
/** So many timed-out queries are remembered, to tell answers that come too late from second ones. */
const maxRemembered = 100_000;

export class Outstanding<W extends Waiting> {
  readonly #waiting = new Map<number, W>();
  readonly #slots = new Map<number, number[]>();
  readonly #timedOut = new Set<number>();
  #next = 0;
  #swept = 0;
  #cancelSweep: (() => void) | undefined;
  /** Answers that came after their query had timed out. */
  tooLate = 0;
  /** Second answers to one query. */
  duplicates = 0;

  constructor(
    private readonly clock: Clock,
    private readonly onTimeout: (waiting: W) => void,
  ) {}

  get size(): number {
    return this.#waiting.size;
  }

  /** Takes a query in, and returns the token under which its answer will come: from 0 on, one more for each. */
  add(waiting: W, timeoutMs: number): number {
    const token = this.#next++;
    this.#waiting.set(token, waiting);
    const slot = Math.floor((waiting.sentAtMs + Math.max(0, timeoutMs)) / slotMs) + 1;
    const tokens = this.#slots.get(slot);
    if (tokens === undefined) this.#slots.set(slot, [token]);
    else tokens.push(token);
    if (this.#cancelSweep === undefined) {
      this.#swept = Math.floor(waiting.sentAtMs / slotMs);
      this.#sweepLater();
    }
    return token;
  }

  /** The query of a token, still waiting; undefined, and counted, when nothing waits for it (any more). */
  peek(token: number): W | undefined {
    const waiting = this.#waiting.get(token);
    if (waiting !== undefined) return waiting;
    if (this.#timedOut.delete(token)) this.tooLate++;
    else this.duplicates++;
    return undefined;
  }

  /** Ends the waiting of a token. */
  remove(token: number): void {
    this.#waiting.delete(token);
  }

  /** Ends the waiting of all that `isMeant`, and returns them. */
  take(isMeant: (waiting: W) => boolean): W[] {
    const taken = [...this.#waiting].filter(([, waiting]) => isMeant(waiting));
    for (const [token] of taken) this.#waiting.delete(token);
    return taken.map(([, waiting]) => waiting);
  }

  /** The connection broke: what waits now was sent before. */
  markCutOff(): void {
    for (const waiting of this.#waiting.values()) waiting.isCutOff = true;
  }

  /** What still waits of that, by token. */
  cutOff(): [token: number, waiting: W][] {
    return [...this.#waiting].filter(([, { isCutOff }]) => isCutOff);
  }

  /** Times out everything that waits. */
  end(): void {
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
    for (const token of [...this.#waiting.keys()]) this.#timeOut(token);
    this.#slots.clear();
  }

  #sweepLater(): void {
    this.#cancelSweep = this.clock.after(slotMs, () => this.#sweep());
  }

  #sweep(): void {
    const now = Math.floor(this.clock.now() / slotMs);
    for (; this.#swept <= now; this.#swept++) {
      for (const token of this.#slots.get(this.#swept) ?? []) this.#timeOut(token);
      this.#slots.delete(this.#swept);
    }
    this.#cancelSweep = undefined;
    if (this.#waiting.size > 0) this.#sweepLater();
    else this.#slots.clear();
  }

  #timeOut(token: number): void {
    const waiting = this.#waiting.get(token);
    if (waiting === undefined) return;
    this.#waiting.delete(token);
    this.#timedOut.add(token);
    if (this.#timedOut.size > maxRemembered) {
      const [oldest] = this.#timedOut;
      if (oldest !== undefined) this.#timedOut.delete(oldest);
    }
    this.onTimeout(waiting);
  }
}
