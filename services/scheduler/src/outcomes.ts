/**
 * The one end of every accepted query: its answer is published, then its message is acked, both in one write.
 *
 * Ends are decided while messages are read, and said at the end of the turn, those of all its batches together: after one more
 * look at the lease, with nothing left between that and the write. A process that stood still in between has decided, but not
 * said. Those of queries that were given up together are said later (later-ends.ts).
 */
import {
  type AnswerFrames,
  type Bus,
  type Clock,
  errorWords,
  type FramedMessage,
  frameError,
  type Log,
  type Outcome,
  type QueryFacts,
  SlacklineError,
  type Subjects,
} from '@slackline/shared';
import { AnswerStore } from './answer-store.js';
import type { WhenCurrent } from './gate.js';
import type { HeldQuery } from './held-query.js';
import { LaterEnds } from './later-ends.js';
import type { SaidAnswers } from './said.js';

/** Room for headers and framing in a message of the broker's largest size. */
const framingBytes = 4_096;

/** Said after one look at the lease: a millisecond or so. When all that waits expires, it may be tens of thousands. */
const mostAtOnce = 256;

/** Whoever is given up with no more others than this is told at once: its producer may still turn to something else. */
const fewAtMost = 16;

interface Expired {
  query: HeldQuery;
  /** When that was found. */
  atMs: number;
}

interface End {
  query: HeldQuery;
  outcome: Outcome;
  message: FramedMessage;
}

export class Outcomes {
  /** Decided in this turn. */
  #unsaid: End[] = [];
  /** Given up in this turn. */
  #expired: Expired[] = [];
  #isPlanned = false;
  readonly #later: LaterEnds<Expired>;
  readonly #store: AnswerStore;

  constructor(
    private readonly bus: Bus,
    private readonly subjects: Subjects,
    clock: Clock,
    log: Log,
    private readonly said: Pick<SaidAnswers, 'note'>,
    /** Does `act` once the lease is certainly held; never when the term is over. */
    private readonly whenCurrent: WhenCurrent,
    /** Told of every query that is settled: answered and acked. */
    private readonly onSettled: (query: HeldQuery, outcome: Outcome) => void,
  ) {
    this.#later = new LaterEnds(clock, (expired) => this.#endExpired(expired));
    this.#store = new AnswerStore(bus, clock, log, whenCurrent);
  }

  /** An answer of a batch. Whether it is in time was judged by the caller. */
  answer(query: HeldQuery, frames: AnswerFrames, facts: QueryFacts, outputs: Uint8Array): void {
    if (outputs.length + framingBytes > this.bus.maxPayloadBytes) {
      const what = `The answer to query ${query.id} has ${outputs.length} bytes, more than a message may have`;
      this.fail(query, new SlacklineError('executor_failed', what));
      return;
    }
    this.#end(query, facts.outcome, frames.frame(query.contentType, facts, outputs));
  }

  /** It is given up: its deadline has become unreachable, or others would miss theirs. */
  expire(query: HeldQuery, nowMs: number): void {
    const expired = { query, atMs: nowMs };
    // A large body takes room in its stream until it is acked.
    if (query.isClaim) {
      this.#endExpired(expired);
      return;
    }
    this.#expired.push(expired);
    this.#plan();
  }

  fail(query: HeldQuery, error: SlacklineError): void {
    this.#end(query, 'failed', frameError(query.contentType, error, { queryId: query.id, outcome: 'failed' }));
  }

  /** What was to be said later is said at the end of this turn. */
  flush(): void {
    for (const expired of this.#expired.splice(0)) this.#endExpired(expired);
    this.#later.flush();
  }

  /** Calls back once all that was said is also stored, where it is to be. */
  onceStored(callback: () => void): void {
    this.#store.onceIdle(callback);
  }

  /** Ends what is being stored, or to be said later; what it was for stays un-acked and comes again to the next leader. */
  stop(): void {
    this.#expired = [];
    this.#later.stop();
    this.#store.stop();
  }

  #endExpired({ query, atMs }: Expired): void {
    const waited = (atMs - query.acceptedMs).toFixed(1);
    const leftMs = query.deadlineMs - atMs;
    const when = `${Math.abs(leftMs).toFixed(1)} ms ${leftMs < 0 ? 'after' : 'before'} its deadline`;
    const what = `Query ${query.id} was given up ${when}, after ${waited} ms in the queue`;
    const facts = { queryId: query.id, outcome: 'expired' as const };
    this.#end(query, 'expired', frameError(query.contentType, errorWords('expired', what), facts));
  }

  #end(query: HeldQuery, outcome: Outcome, message: FramedMessage): void {
    this.#unsaid.push({ query, outcome, message });
    this.#plan();
  }

  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    setImmediate(this.#sayAll);
  }

  readonly #sayAll = (): void => {
    const expired = this.#expired.splice(0);
    if (expired.length <= fewAtMost) for (const each of expired) this.#endExpired(each);
    else for (const each of expired) this.#later.add(each, each.query.deadlineMs - each.atMs);
    const ends = this.#unsaid;
    this.#unsaid = [];
    this.#isPlanned = false;
    for (let from = 0; from < ends.length; from += mostAtOnce) {
      this.whenCurrent(this.#say, ends.slice(from, from + mostAtOnce));
    }
  };

  readonly #say = (ends: readonly End[]): void => {
    for (const end of ends) this.#sayOne(end);
    this.bus.sendNow();
  };

  #sayOne({ query, outcome, message }: End): void {
    if (query.replyTo === undefined) {
      this.#keep(query, outcome, message);
      return;
    }
    this.bus.publish(query.replyTo, message.data, { headers: message.headers });
    this.said.note(query.replyTo, query.id, message);
    this.#settle(query, outcome);
  }

  #settle(query: HeldQuery, outcome: Outcome): void {
    query.message.ack();
    this.onSettled(query, outcome);
  }

  /** Stores an answer for later reading. The query is acked once the stream has it, so an answer is never lost. */
  #keep(query: HeldQuery, outcome: Outcome, message: FramedMessage): void {
    if (!this.#store.hasRoomFor(message.data.length)) {
      const what = `The answer to query ${query.id} found no room: the stream of answers takes none, and others wait for it`;
      const facts = { queryId: query.id, outcome: 'failed' as const };
      this.#keep(query, 'failed', frameError(query.contentType, new SlacklineError('stream_full', what), facts));
      return;
    }
    this.#store.add({
      subject: this.subjects.results(query.model, query.resultKey, query.tenant),
      // The id is this acceptance's own: a producer may use its query id again, and a repeat of this answer is stored once. Each
      // of the two streams counts for itself.
      id: `${query.id}-${query.isClaim ? 'c' : ''}${query.sequence}`,
      message,
      onStored: () => this.#settle(query, outcome),
    });
  }
}
