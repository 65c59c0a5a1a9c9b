/**
 * Whether the other schedulers are there. A standby asks the one that holds the lease whether it lives; when the broker says
 * that nobody listens, that one's connection is gone, and nothing it says is heard any more: no need to wait for its lease.
 * A time-out proves nothing (it may be paused, or busy), and is left to the lease.
 *
 * The one that is asked learns by it that somebody stands by.
 */
import { type Bus, type Clock, hasCode, isReplySubject, type Subjects, type Subscription } from '@slackline/shared';

const timeoutMs = 250;
/** So many questions in a row find nobody before the holder is gone: in a cluster, interest may change servers. */
const misses = 2;
/** A leader that was asked within so many rounds has a standby. */
const standbyRounds = 8;
const empty = new Uint8Array(0);

export interface PresenceParts {
  bus: Pick<Bus, 'publish' | 'request' | 'subscribe'>;
  subjects: Subjects;
  clock: Clock;
  /** This scheduler's id, as in the lease. */
  id: string;
  /** From one question to the next. */
  everyMs: number;
  /** Whoever else holds the lease now. */
  other: () => string | undefined;
  /** That scheduler's connection is gone. Told anew with every question that finds nobody. */
  onGone: (id: string) => void;
}

export class Presence {
  #subscription: Subscription | undefined;
  #cancelTimer: () => void = () => {};
  #askedAtMs = Number.NEGATIVE_INFINITY;
  /** Who has been found to be there: who never answered (an older version, a missing permission) cannot be missed. */
  #met = '';
  #missed = 0;

  constructor(private readonly parts: PresenceParts) {}

  /** Begins to answer and to ask. Answers are given before this scheduler can lead. */
  start(): void {
    const { bus, subjects, clock, id } = this.parts;
    this.#subscription = bus.subscribe(subjects.schedulerPing(id), ({ reply }) => {
      this.#askedAtMs = clock.now();
      // An empty message to a subject of the broker's own is a command there.
      if (reply !== undefined && isReplySubject(reply)) bus.publish(reply, empty);
    });
    this.#askLater();
  }

  async stop(): Promise<void> {
    this.#cancelTimer();
    await this.#subscription?.drain();
  }

  /** Whether somebody stands by, who would take over at once. */
  get hasStandby(): boolean {
    return this.parts.clock.now() - this.#askedAtMs <= standbyRounds * this.parts.everyMs;
  }

  #askLater(): void {
    this.#cancelTimer = this.parts.clock.after(this.parts.everyMs, () => {
      const other = this.parts.other();
      if (other !== undefined) void this.#ask(other);
      this.#askLater();
    });
  }

  async #ask(id: string): Promise<void> {
    const { bus, subjects, onGone } = this.parts;
    try {
      await bus.request(subjects.schedulerPing(id), empty, { timeoutMs });
      this.#met = id;
      this.#missed = 0;
    } catch (error) {
      if (!hasCode(error, 'no_responders') || this.#met !== id) return;
      this.#missed += 1;
      if (this.#missed >= misses && this.parts.other() === id) onGone(id);
    }
  }
}
