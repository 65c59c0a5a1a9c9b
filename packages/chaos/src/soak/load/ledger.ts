/**
 * The books of a soak: what each producer sent and what came back, and, apart from the producers, every outcome that the
 * scheduler published. The second settles queries whose producer left before its answer, and stored answers that came so
 * late that they were too old before anybody read them.
 */
import type { RawAnswer } from '@slackline/client';
import { type Outcome, outcomes } from '@slackline/shared';

/** What the books say over a stretch of time; all are counts of queries. */
export interface Books {
  sent: number;
  /** Of these, how many had no reply subject, for their answer was to be stored. */
  toStore: number;
  /** Outcomes of accepted queries: told to their producer, seen on the wire after it had left, or stored in RESULTS. */
  outcomes: Record<Outcome, number>;
  /** Of those, how many were stored; and of the stored ones, how many nobody read before they were too old. */
  stored: number;
  unread: number;
  /** Refusals by code. */
  refused: Record<string, number>;
  /** Answered by nothing, with a reply subject: refused by nobody, or accepted and its answer lost with a connection. */
  unanswered: number;
  /** Ids of queries that went into the stream, as far as could be heard, and of which no outcome was: the first few. */
  suspects: string[];
  /**
   * Of the outcomes: said while the connection of their producer was away, which therefore was not told; whoever watched the
   * wire heard them.
   */
  missed: number;
  /** Outcomes that were published again; no producer is told a second one. */
  secondAnswers: number;
  /** Producers that were told twice, or read a stored answer twice. */
  duplicatesVisible: number;
}

/** What a query that must be served may be refused with while parts of the system are away. */
const passing: ReadonlySet<string> = new Set(['overloaded', 'unavailable', 'no_responders']);
const mostComplaints = 20;
const mostSuspects = 5;
/** An outcome that passed by so long before its producer left should have been told by then. */
const toldWithinMs = 1_000;

/** A query as it goes into the stream. */
export interface Passed {
  model: string;
  /** Whether its answer is to be stored. */
  stored: boolean;
  /** On the soak’s clock. */
  atMs: number;
}

interface Seen {
  outcome: Outcome;
  /** When first. */
  atMs: number;
}

/** One query that waits for its reply. */
export interface OpenQuery {
  id: string;
  minAccuracy: number;
  /** The only code that it may be refused with, beside the passing ones; undefined: it must be served. */
  wrong: string | undefined;
  /** An absolute deadline may be over when the query is looked at. */
  absolute: boolean;
}

export class Ledger {
  readonly #open = new Map<string, OpenQuery>();
  /** Left by producers that went away, and when: still open, and told to nobody. */
  readonly #abandoned = new Map<string, number>();
  /** Whose producer lost its connection while they were open. */
  readonly #cutOff = new Set<string>();
  readonly #seen = new Map<string, Seen>();
  /** Queries on their way into the stream. */
  readonly #passed = new Map<string, Passed>();
  /** Answers that went into RESULTS, by the wire. */
  readonly #shelved = new Map<string, Outcome>();
  readonly #told = new Set<string>();
  #books = emptyBooks();
  /** What must not happen and did, in sentences; the first few. */
  readonly complaints: string[] = [];

  /** @param nowMs a clock of milliseconds */
  constructor(private readonly nowMs: () => number = () => performance.now()) {}

  /** Queries that wait for a reply, those of producers that left included. */
  get open(): number {
    return this.#open.size;
  }

  /** A query with a reply subject goes out. */
  sent(query: OpenQuery): void {
    this.#books.sent++;
    this.#open.set(query.id, query);
  }

  /** A query whose answer is to be stored goes out; it is told nothing else, not that it is refused either. */
  sentForStorage(): void {
    this.#books.sent++;
    this.#books.toStore++;
  }

  /** What a producer was told. */
  told(id: string, answer: RawAnswer): void {
    if (this.#told.has(id)) {
      this.#books.duplicatesVisible++;
      this.complain(`query ${id} was told its outcome twice`);
      return;
    }
    // A producer that leaves is told `unanswered` by its own client.
    if (answer.outcome === 'unanswered') {
      if (answer.connectionLost) this.#cutOff.add(id);
      return;
    }
    const query = this.#open.get(id);
    if (query === undefined) return;
    this.#told.add(id);
    this.#open.delete(id);
    if (answer.outcome === 'refused') this.#refused(query, answer.code, answer.message);
    else this.#ended(query, answer);
  }

  /** A producer leaves without waiting for these. */
  abandon(ids: Iterable<string>): void {
    for (const id of ids) if (this.#open.has(id)) this.#abandoned.set(id, this.nowMs());
  }

  /** An outcome was published to a reply subject, whoever listens there. */
  published(id: string, outcome: Outcome): void {
    if (this.#seen.has(id)) this.#books.secondAnswers++;
    else this.#seen.set(id, { outcome, atMs: this.nowMs() });
  }

  /** An ingest published a query to the stream, for the first time or again. */
  passed(id: string, passed: Passed): void {
    if (!this.#passed.has(id)) this.#passed.set(id, passed);
  }

  /** An answer was published into RESULTS. */
  shelved(id: string, outcome: Outcome): void {
    this.#shelved.set(id, outcome);
  }

  /** A stored answer was read. */
  read(id: string, outcome: Outcome): void {
    if (this.#told.has(id)) {
      this.#books.duplicatesVisible++;
      this.complain(`the stored answer to ${id} was read twice`);
      return;
    }
    this.#told.add(id);
    this.#books.stored++;
    this.#books.outcomes[outcome]++;
  }

  complain(what: string): void {
    if (this.complaints.length < mostComplaints) this.complaints.push(what);
  }

  /** Ends a stretch: what is open has had its time. Returns its books, and begins new ones. */
  close(): Books {
    for (const id of this.#open.keys()) {
      const seen = this.#seen.get(id);
      const leftAtMs = this.#abandoned.get(id);
      if (seen === undefined || leftAtMs === undefined) this.#books.unanswered++;
      else this.#untold(id, seen, leftAtMs);
    }
    for (const [id, outcome] of this.#shelved) {
      if (this.#told.has(id)) continue;
      this.#books.outcomes[outcome]++;
      this.#books.stored++;
      this.#books.unread++;
    }
    for (const [id, { model, stored, atMs }] of this.#passed) {
      if (this.#told.has(id) || this.#seen.has(id) || this.#shelved.has(id)) continue;
      if (this.#books.suspects.length === mostSuspects) break;
      const open = this.#open.has(id) ? 'open' : 'not open';
      this.#books.suspects.push(`${id} (${model}, ${stored ? 'stored' : open}, at ${(atMs / 1_000).toFixed(1)} s)`);
    }
    const books = this.#books;
    this.#open.clear();
    this.#abandoned.clear();
    this.#cutOff.clear();
    this.#seen.clear();
    this.#shelved.clear();
    this.#passed.clear();
    this.#told.clear();
    this.#books = emptyBooks();
    return books;
  }

  /** It has its outcome, and its producer was not told. */
  #untold(id: string, { outcome, atMs }: Seen, leftAtMs: number): void {
    this.#books.outcomes[outcome]++;
    if (atMs > leftAtMs - toldWithinMs) return;
    if (this.#cutOff.has(id)) this.#books.missed++;
    else this.complain(`query ${id} came to ${outcome}, and its producer, connected all the while, was not told`);
  }

  #refused(query: OpenQuery, code: string, message: string): void {
    this.#books.refused[code] = (this.#books.refused[code] ?? 0) + 1;
    if (code === query.wrong || passing.has(code)) return;
    if (query.absolute && code === 'wrong_deadline') return;
    this.complain(`query ${query.id} was refused with ${code}${expected(query)}: ${message}`);
  }

  #ended(query: OpenQuery, answer: RawAnswer): void {
    if (answer.outcome === 'refused' || answer.outcome === 'unanswered') return;
    this.#books.outcomes[answer.outcome]++;
    if (query.wrong !== undefined) this.complain(`query ${query.id} came to ${answer.outcome}${expected(query)}`);
    if (answer.outcome === 'failed' && answer.code !== 'worker_lost') {
      this.complain(`query ${query.id} failed with ${answer.code}: ${answer.message}`);
    }
    if ('accuracy' in answer && answer.accuracy < query.minAccuracy) {
      this.complain(`query ${query.id} asked for ${query.minAccuracy} and got ${answer.accuracy}`);
    }
  }
}

const expected = ({ wrong }: OpenQuery) => (wrong === undefined ? '' : `, not ${wrong}`);

export function emptyBooks(): Books {
  return {
    sent: 0,
    toStore: 0,
    outcomes: { ok: 0, late: 0, expired: 0, failed: 0 },
    stored: 0,
    unread: 0,
    refused: {},
    unanswered: 0,
    missed: 0,
    suspects: [],
    secondAnswers: 0,
    duplicatesVisible: 0,
  };
}

/** The books of several stretches as those of one. */
export function summed(books: readonly Books[]): Books {
  const total = emptyBooks();
  for (const each of books) {
    total.sent += each.sent;
    total.toStore += each.toStore;
    total.stored += each.stored;
    total.unread += each.unread;
    total.unanswered += each.unanswered;
    total.missed += each.missed;
    total.suspects.push(...each.suspects);
    total.secondAnswers += each.secondAnswers;
    total.duplicatesVisible += each.duplicatesVisible;
    for (const outcome of outcomes) total.outcomes[outcome] += each.outcomes[outcome];
    for (const [code, count] of Object.entries(each.refused)) total.refused[code] = (total.refused[code] ?? 0) + count;
  }
  return total;
}

/** Accepted queries by what became of them. */
export const endedOf = ({ outcomes: { ok, late, expired, failed } }: Books): number => ok + late + expired + failed;
