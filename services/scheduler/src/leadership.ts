/**
 * Who schedules: a lease in a KV key, taken and renewed by compare-and-set. The revision at which it was taken is the
 * fencing token of the term. A standby takes over when its own monotonic clock has seen no new revision for the length of
 * the lease; a leader that could not renew stops before any standby can start. No two clocks are compared.
 */
import { type Clock, hasCode, type KeyBucket, type Log, type Subscription } from '@slackline/shared';

const leaseKey = 'scheduler';
/** Renewals per lease: three may get lost before the term ends. */
const renewalsPerLease = 4;
/** Share of the lease after its last renewal at which a leader stops; the rest is for timers that fire late. */
const validShare = 0.75;

export interface LeadershipEvents {
  /** This process leads from now on. */
  onLead(token: number): void;
  /** It leads no more: nothing may be dispatched or answered under that token. */
  onLost(reason: string): void;
}

export class Leadership {
  #stopped = false;
  #watch: Subscription | undefined;
  #cancelTimer: () => void = () => {};
  /** The newest revision of the lease, 0 when nobody holds it, and when it was first seen. */
  #seen = { revision: 0, atMs: 0 };
  #term: { token: number; revision: number; renewedAtMs: number } | undefined;

  constructor(
    private readonly keys: KeyBucket,
    private readonly id: string,
    private readonly leaseMs: number,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly events: LeadershipEvents,
  ) {}

  async start(): Promise<void> {
    this.#watch = await this.keys.watch(({ key, value, revision }) => {
      if (key !== leaseKey) return;
      this.#seen = { revision: value === undefined ? 0 : revision, atMs: this.clock.now() };
      // An abandoned lease need not run out.
      if (value === undefined && this.#term === undefined) this.#step();
    });
    this.#step();
  }

  /** Whether the lease is certainly ours at this moment. Looked at on every wake-up before anything is said. */
  get isCurrent(): boolean {
    return this.#term !== undefined && this.clock.now() - this.#term.renewedAtMs < this.leaseMs * validShare;
  }

  /** Gives the lease up, so that a standby need not wait for its end. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer();
    await this.#watch?.drain();
    if (this.isCurrent) await this.keys.delete(leaseKey);
    this.#term = undefined;
  }

  /** One round of renewing or of trying to take the lease, and the next one after a part of the lease. */
  #step(): void {
    if (this.#stopped) return;
    this.#cancelTimer();
    const done = this.#term === undefined ? this.#campaign() : this.#renew(this.#term);
    const again = () => {
      this.#cancelTimer();
      if (!this.#stopped) this.#cancelTimer = this.clock.after(this.leaseMs / renewalsPerLease, () => this.#step());
    };
    done.then(again, (error) => {
      this.log.warn({ err: error }, 'the lease could not be read or written');
      this.#checkOwn();
      again();
    });
  }

  async #campaign(): Promise<void> {
    const { revision, atMs } = this.#seen;
    if (revision !== 0 && this.clock.now() - atMs <= this.leaseMs) return;
    const begunMs = this.clock.now();
    try {
      const token = await this.keys.compareAndSet(leaseKey, this.#value(), revision);
      if (this.#stopped) return;
      this.#term = { token, revision: token, renewedAtMs: begunMs };
    } catch (error) {
      if (!hasCode(error, 'conflict')) throw error;
      // Somebody was quicker. What the watch shows next is theirs.
      if (revision === this.#seen.revision) this.#seen = { revision, atMs: this.clock.now() };
      return;
    }
    this.events.onLead(this.#term.token);
  }

  async #renew(term: { revision: number; renewedAtMs: number }): Promise<void> {
    const begunMs = this.clock.now();
    try {
      term.revision = await this.keys.compareAndSet(leaseKey, this.#value(), term.revision);
      // Counted from before the write: whenever it took place, the lease runs at least until then.
      term.renewedAtMs = begunMs;
    } catch (error) {
      if (!hasCode(error, 'conflict')) throw error;
      this.#lose('another scheduler took the lease');
      return;
    }
    this.#checkOwn();
  }

  #checkOwn(): void {
    if (this.#term !== undefined && !this.isCurrent) this.#lose('the lease could not be renewed in time');
  }

  #lose(reason: string): void {
    if (this.#term === undefined) return;
    this.#term = undefined;
    this.events.onLost(reason);
  }

  #value(): Uint8Array {
    return Buffer.from(JSON.stringify({ scheduler: this.id }));
  }
}
