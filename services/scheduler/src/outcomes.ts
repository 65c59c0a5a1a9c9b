/** The one end of every accepted query: its answer is published, then its message is acked, both in one write. */
import {
  type AnswerFacts,
  type Bus,
  type Clock,
  type FramedMessage,
  frameAnswer,
  frameError,
  type Log,
  type Outcome,
  SlacklineError,
  type Subjects,
} from '@slackline/shared';
import type { HeldQuery } from './held-query.js';

/** How often storing an answer in RESULTS is tried again, and how long one try may take. */
const storeRetryMs = 500;
const storeTimeoutMs = 2_000;
/** Room for headers and framing in a message of the broker's largest size. */
const framingBytes = 4_096;

export class Outcomes {
  #stopped = false;
  readonly #retries = new Set<() => void>();

  constructor(
    private readonly bus: Bus,
    private readonly subjects: Subjects,
    private readonly clock: Clock,
    private readonly log: Log,
    /** Told of every query that is settled: answered and acked. */
    private readonly onSettled: (query: HeldQuery, outcome: Outcome) => void,
  ) {}

  /** An answer. Whether it is in time was judged by the caller. */
  answer(query: HeldQuery, facts: AnswerFacts, outputs: Uint8Array): void {
    if (outputs.length + framingBytes > this.bus.maxPayloadBytes) {
      const what = `The answer to query ${query.id} has ${outputs.length} bytes, more than a message may have`;
      this.fail(query, new SlacklineError('executor_failed', what));
      return;
    }
    this.#end(query, facts.outcome, frameAnswer(query.contentType, facts, outputs));
  }

  /** Its deadline has become unreachable. */
  expire(query: HeldQuery, nowMs: number): void {
    const waited = (nowMs - query.acceptedMs).toFixed(1);
    const left = (query.deadlineMs - nowMs).toFixed(1);
    const what = `Query ${query.id} cannot be answered in the ${left} ms left, after ${waited} ms in the queue`;
    const facts = { queryId: query.id, outcome: 'expired' as const };
    this.#end(query, 'expired', frameError(query.contentType, new SlacklineError('expired', what), facts));
  }

  fail(query: HeldQuery, error: SlacklineError): void {
    this.#end(query, 'failed', frameError(query.contentType, error, { queryId: query.id, outcome: 'failed' }));
  }

  /** Ends pending retries; what they were for stays un-acked and comes again to the next leader. */
  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#retries) cancel();
    this.#retries.clear();
  }

  #end(query: HeldQuery, outcome: Outcome, { headers, data }: FramedMessage): void {
    if (query.replyTo === undefined) {
      this.#store(query, outcome, { headers, data });
      return;
    }
    this.bus.publish(query.replyTo, data, { headers });
    this.#settle(query, outcome);
  }

  #settle(query: HeldQuery, outcome: Outcome): void {
    query.message.ack();
    this.onSettled(query, outcome);
  }

  /** Stores an answer for later reading. The query is acked once the stream has it, so an answer is never lost. */
  #store(query: HeldQuery, outcome: Outcome, message: FramedMessage): void {
    const subject = this.subjects.results(query.model, query.resultKey);
    // The id is this acceptance's own: a producer may use its query id again, and a repeat of this answer is stored once.
    const options = { id: `${query.id}-${query.sequence}`, timeoutMs: storeTimeoutMs, headers: message.headers };
    this.bus.publishToStream(subject, message.data, options).then(
      () => {
        if (!this.#stopped) this.#settle(query, outcome);
      },
      (error) => {
        this.log.warn({ err: error, query: query.id }, 'an answer could not be stored; trying again');
        if (this.#stopped) return;
        const cancel = this.clock.after(storeRetryMs, () => {
          this.#retries.delete(cancel);
          this.#store(query, outcome, message);
        });
        this.#retries.add(cancel);
      },
    );
  }
}
