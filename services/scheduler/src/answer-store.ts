/**
 * Answers on their way into RESULTS, for producers without a reply subject. Each is published until the stream has it, a
 * bounded number at a time; while the stream takes none they wait here in turn, within a bound of bytes.
 */
import type { Bus, Clock, FramedMessage, Log } from '@slackline/shared';
import type { WhenCurrent } from './gate.js';

export interface StoredAnswer {
  subject: string;
  /** The same for every attempt, so that the stream stores it once. */
  id: string;
  message: FramedMessage;
  /** The stream has it. */
  onStored: () => void;
}

/** Publishes under way at a time. */
const mostInFlight = 256;
/** When the stream has refused one or said nothing, the next attempt comes so much later. */
const retryMs = 500;
const timeoutMs = 2_000;
/** What may wait here: its query is un-acked meanwhile, so that the queue fills and producers are refused. */
const mostBytes = 64 * 1024 * 1024;

export class AnswerStore {
  /** In turn. */
  readonly #waiting = new Set<StoredAnswer>();
  #inFlight = 0;
  #bytes = 0;
  #cancelPause: (() => void) | undefined;
  #stopped = false;
  #onIdle: (() => void) | undefined;

  constructor(
    private readonly bus: Bus,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly whenCurrent: WhenCurrent,
  ) {}

  /** Whether an answer of this size may be added. Small ones always may: that there was no room must be told too. */
  hasRoomFor(bytes: number): boolean {
    return bytes <= 1_024 || this.#bytes + bytes <= mostBytes;
  }

  add(answer: StoredAnswer): void {
    this.#bytes += answer.message.data.length;
    this.#waiting.add(answer);
    this.#pump();
  }

  /** Calls back once all answers are stored, or none will be any more. */
  onceIdle(callback: () => void): void {
    this.#onIdle = callback;
    this.#tellIdle();
  }

  /** Stores nothing more. What was not stored is un-acked and comes again to the next leader. */
  stop(): void {
    this.#stopped = true;
    this.#cancelPause?.();
    this.#waiting.clear();
    this.#tellIdle();
  }

  #pump(): void {
    for (const answer of this.#waiting) {
      if (this.#stopped || this.#cancelPause !== undefined || this.#inFlight >= mostInFlight) return;
      this.#waiting.delete(answer);
      this.#inFlight += 1;
      this.whenCurrent(this.#publish, answer);
    }
  }

  readonly #publish = (answer: StoredAnswer): void => {
    const { subject, id, message } = answer;
    this.bus.publishToStream(subject, message.data, { id, timeoutMs, headers: message.headers }).then(
      () => {
        this.#inFlight -= 1;
        this.#bytes -= message.data.length;
        if (this.#stopped) return;
        answer.onStored();
        this.#pump();
        this.#tellIdle();
      },
      (error: unknown) => {
        this.#inFlight -= 1;
        if (this.#stopped) return;
        this.#waiting.add(answer);
        this.#pause(error);
      },
    );
  };

  #tellIdle(): void {
    if (!this.#stopped && this.#inFlight + this.#waiting.size > 0) return;
    this.#onIdle?.();
    this.#onIdle = undefined;
  }

  #pause(error: unknown): void {
    if (this.#cancelPause !== undefined) return;
    this.log.warn({ err: error, waiting: this.#waiting.size }, 'answers could not be stored; trying again');
    this.#cancelPause = this.clock.after(retryMs, () => {
      this.#cancelPause = undefined;
      this.#pump();
    });
  }
}
