/**
 * Where the stored answers of a soak lie: a new result key every few seconds, read back when everything on it must have
 * its outcome, and again until it is too old. So RESULTS is written and read all the time and grows no further.
 */
import type { SlacklineClient } from '@slackline/client';
import { SlacklineError } from '@slackline/shared';
import type { Ledger } from './ledger.js';

/** How long one key is used. */
const useMs = 2_000;
/** From the end of its use to the readings; the longest limit of a query is 2 s. The stream keeps answers longer. */
export const readAfterMs = [3_000, 6_000] as const;

interface Shelf {
  model: string;
  key: string;
  begunMs: number;
  /** How many readings it has had. */
  readings: number;
  /** Ids that were read. */
  read: Set<string>;
}

export class Shelves {
  readonly #shelves: Shelf[] = [];
  #next = 0;
  #reading: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  /** @param client a connection that stays */
  constructor(
    private readonly client: SlacklineClient,
    private readonly ledger: Ledger,
    /** Tells the keys of one soak from another's. */
    private readonly prefix: string,
  ) {
    this.#timer = setInterval(() => this.#readDue(), 500);
  }

  /** The key that answers of `model` are to be stored under now. */
  keyFor(model: string): string {
    const now = performance.now();
    const current = this.#shelves.findLast((shelf) => shelf.model === model);
    if (current !== undefined && now - current.begunMs < useMs) return current.key;
    const key = `${this.prefix}-${this.#next++}`;
    this.#shelves.push({ model, key, begunMs: now, readings: 0, read: new Set() });
    return key;
  }

  /** Reads every key once more, whatever its age; for when nothing is on its way any more. */
  async readAll(): Promise<void> {
    await this.#reading;
    for (const shelf of this.#shelves.splice(0)) await this.#read(shelf);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#reading;
  }

  #readDue(): void {
    const now = performance.now();
    const due = this.#shelves.filter(({ begunMs, readings }) => {
      const afterMs = readAfterMs[readings];
      return afterMs !== undefined && now - begunMs - useMs >= afterMs;
    });
    for (const shelf of due) {
      shelf.readings++;
      if (shelf.readings === readAfterMs.length) this.#shelves.splice(this.#shelves.indexOf(shelf), 1);
      this.#reading = this.#reading.then(() => this.#read(shelf));
    }
  }

  /** Never rejects: a broker that is away is asked again at the next reading, and by `readAll`. */
  async #read(shelf: Shelf): Promise<void> {
    try {
      for await (const answer of this.client.results(shelf.model, shelf.key, { waitMs: 0 })) {
        const { queryId, outcome } = answer;
        // Each reading begins with the first answer; twice in one reading the client would not show it.
        if (shelf.read.has(queryId) || outcome === 'refused' || outcome === 'unanswered') continue;
        shelf.read.add(queryId);
        this.ledger.read(queryId, outcome);
      }
    } catch (error) {
      if (!(error instanceof SlacklineError)) throw error;
      // The last reading failed: another one, as soon as the broker is back.
      if (shelf.readings >= readAfterMs.length) {
        this.#shelves.push({ ...shelf, readings: readAfterMs.length - 1 });
      }
    }
  }
}
