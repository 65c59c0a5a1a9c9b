/**
 * Who schedules: a lease in a KV key, taken and renewed by compare-and-set. A standby takes over when its own monotonic clock
 * has seen no new revision for the length of the lease; a leader that could not renew stops before any standby can start. No
 * two clocks are compared.
 *
 * Each term has a fencing token, larger than that of every term before. It is written with the lease: one more than the
 * last one's, or the broker's time where that is more. So it also grows when the bucket was lost with a broker's memory.
 */
import { type Clock, hasCode, type KeyBucket, type Log, SlacklineError, type Subscription } from '@slackline/shared';
import { z } from 'zod';

const leaseKey = 'scheduler';
/** Tries to renew per lease. A try that has no answer by the next one is given up, so three in a row may get lost. */
const triesPerLease = 4;
/** Share of the lease after its last renewal at which a leader stops; the rest is for timers that fire late. */
const validShare = 0.75;

/** `scheduler` is empty when the lease was given up. */
const leaseValue = z.object({ scheduler: z.string(), token: z.number() });

export interface LeadershipEvents {
  /** This process leads from now on. */
  onLead(token: number): void;
  /** It leads no more: nothing may be dispatched or answered under that token. */
  onLost(reason: string): void;
}

export interface LeadershipParts {
  /** Opens the bucket, and creates it where it is gone. */
  open: () => Promise<KeyBucket>;
  /** Unique among schedulers. */
  id: string;
  leaseMs: number;
  clock: Clock;
  /** Broker time, for tokens. */
  brokerNowMs: () => number;
  log: Log;
}

interface Seen {
  /** 0 where there is no lease. */
  revision: number;
  /** By our clock, when this revision was first seen. */
  atMs: number;
  holder: string;
  token: number;
}

const nothingSeen: Seen = { revision: 0, atMs: 0, holder: '', token: 0 };

export class Leadership {
  #stopped = false;
  #keys: KeyBucket | undefined;
  #watch: Subscription | undefined;
  #cancelTimer: () => void = () => {};
  #seen = nothingSeen;
  #term: { token: number; revision: number; renewedAtMs: number } | undefined;

  constructor(
    private readonly parts: LeadershipParts,
    private readonly events: LeadershipEvents,
  ) {}

  async start(): Promise<void> {
    await this.#open();
    this.#step();
  }

  /** Whether the lease is certainly ours at this moment; ends the term when it is not. Asked before anything is said. */
  check(): boolean {
    if (this.#term === undefined) return false;
    if (this.parts.clock.now() - this.#term.renewedAtMs < this.parts.leaseMs * validShare) return true;
    this.resign('the lease could not be renewed in time');
    return false;
  }

  /** Ends the term, if there is one, and stands again. */
  resign(reason: string): void {
    if (this.#term === undefined) return;
    this.#term = undefined;
    this.events.onLost(reason);
  }

  /** Gives the lease up, so that a standby need not wait for its end. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer();
    await this.#watch?.drain();
    if (this.#term === undefined || !this.check()) return;
    const { token, revision } = this.#term;
    this.#term = undefined;
    await this.#write({ scheduler: '', token }, revision).catch((error) => {
      this.parts.log.warn({ err: error }, 'the lease could not be given up; it runs out by itself');
    });
  }

  async #open(): Promise<void> {
    await this.#watch?.drain();
    this.#seen = nothingSeen;
    this.#keys = await this.parts.open();
    this.#watch = await this.#keys.watch(({ key, value, revision }) => {
      if (key !== leaseKey) return;
      this.#seen = { revision: value === undefined ? 0 : revision, atMs: this.parts.clock.now(), ...readLease(value) };
      // A lease that was given up need not run out.
      if (this.#seen.holder === '' && this.#term === undefined) this.#step();
    });
  }

  /** One round of renewing or of trying to take the lease, and the next one after a part of the lease. */
  #step(): void {
    if (this.#stopped) return;
    this.#cancelTimer();
    const done = this.#term === undefined ? this.#campaign() : this.#renew(this.#term);
    const again = () => {
      this.#cancelTimer();
      if (this.#stopped) return;
      this.#cancelTimer = this.parts.clock.after(this.parts.leaseMs / triesPerLease, () => this.#step());
    };
    done.then(again, async (error) => {
      this.parts.log.warn({ err: error }, 'the lease could not be read or written');
      this.check();
      // A broker that kept it in memory has lost the bucket with its restart.
      if (this.#term === undefined && !hasCode(error, 'timeout')) await this.#open().catch(() => undefined);
      again();
    });
  }

  async #campaign(): Promise<void> {
    const { revision, atMs, holder, token: last } = this.#seen;
    const isFree = revision === 0 || holder === '' || holder === this.parts.id;
    if (!isFree && this.parts.clock.now() - atMs <= this.parts.leaseMs) return;
    const begunMs = this.parts.clock.now();
    const token = Math.max(last + 1, Math.floor(this.parts.brokerNowMs()));
    try {
      const written = await this.#write({ scheduler: this.parts.id, token }, revision);
      if (this.#stopped) return;
      this.#term = { token, revision: written, renewedAtMs: begunMs };
    } catch (error) {
      if (!hasCode(error, 'conflict')) throw error;
      // Somebody was quicker. What the watch shows next is theirs.
      if (revision === this.#seen.revision) this.#seen = { ...this.#seen, atMs: this.parts.clock.now() };
      return;
    }
    this.events.onLead(token);
  }

  async #renew(term: { token: number; revision: number; renewedAtMs: number }): Promise<void> {
    const begunMs = this.parts.clock.now();
    try {
      term.revision = await this.#write({ scheduler: this.parts.id, token: term.token }, term.revision);
    } catch (error) {
      // A write whose answer was lost may have been stored: then the newest revision is still this term's.
      const { revision, holder, token } = this.#seen;
      if (holder === this.parts.id && token === term.token && revision > term.revision) term.revision = revision;
      else if (hasCode(error, 'conflict') && this.#term === term) this.resign('another scheduler took the lease');
      else throw error;
      return;
    }
    // Counted from before the write: whenever it took place, the lease runs at least until then.
    term.renewedAtMs = begunMs;
  }

  /** Writes the lease. Throws `conflict`, and `timeout` when there is no answer within one try's time. */
  async #write(value: z.infer<typeof leaseValue>, revision: number): Promise<number> {
    const { clock, leaseMs } = this.parts;
    if (this.#keys === undefined) throw new SlacklineError('bus_failed', 'The lease’s bucket is not open');
    let cancel: () => void = () => {};
    const late = new Promise<never>((_, reject) => {
      cancel = clock.after(leaseMs / triesPerLease, () => {
        reject(new SlacklineError('timeout', 'Writing the lease took too long'));
      });
    });
    try {
      return await Promise.race([this.#keys.compareAndSet(leaseKey, encodeLease(value), revision), late]);
    } finally {
      cancel();
    }
  }
}

const encodeLease = (value: z.infer<typeof leaseValue>) => Buffer.from(JSON.stringify(value));

function readLease(value: Uint8Array | undefined): Pick<Seen, 'holder' | 'token'> {
  if (value === undefined) return { holder: '', token: 0 };
  try {
    const { scheduler, token } = leaseValue.parse(JSON.parse(Buffer.from(value).toString()));
    return { holder: scheduler, token };
  } catch {
    // Whoever wrote it: it is left to run out.
    return { holder: 'unknown', token: 0 };
  }
}
