/**
 * Who schedules: a lease in a KV key, taken and renewed by compare-and-set. A standby takes over when its own monotonic clock
 * has seen no new revision for the length of the lease; a leader that could not renew is silent before any standby can start.
 * No two clocks are compared. A leader that was only held up (its process stood still) goes on once a renewal succeeds: it
 * is written over its own last revision, so nobody else can have led in between.
 *
 * Each term has a fencing token, larger than that of every term before. It is written with the lease: one more than the
 * last one's, or the broker's time where that is more. So it also grows when the bucket was lost with a broker's memory.
 *
 * A lease that is gone, with its bucket, is waited out too, except by who held it: the one who did may be heard still.
 *
 * A standby that has proof that the holder's connection is gone (`presence.ts`) need not wait: nothing of the holder's is
 * heard any more, and a holder that has lost its connection ends its term before it makes another.
 */
import {
  type Clock,
  hasCode,
  type KeyBucket,
  type LeaseValue,
  type Log,
  leaseKey,
  type Subscription,
} from '@slackline/shared';
import { type LeaseHolder, readLease, writeLease } from './lease.js';

/** Tries to renew per lease. A try that has no answer by the next one is given up, so three in a row may get lost. */
const triesPerLease = 4;
/** Share of the lease after its last renewal at which a leader stops; the rest is for timers that fire late. */
const validShare = 0.75;

export interface LeadershipEvents {
  /** This process leads from now on. */
  onLead(token: number): void;
  /** It leads no more: nothing may be dispatched or answered under that token. */
  onLost(reason: string): void;
  /** The lease had lapsed, which `check` has said, and was renewed: the same term goes on. */
  onRenewed(): void;
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

/** The newest lease that was seen. One that went with its bucket is waited out like one that is not renewed. */
interface Seen extends LeaseHolder {
  /** What the next one is written over; 0 where there is no lease. */
  revision: number;
  /** By our clock, when this revision, or that it is gone, was first seen. */
  atMs: number;
  /** Whether its holder was found to be gone. */
  isAbandoned: boolean;
}

interface HeldLease {
  token: number;
  revision: number;
  renewedAtMs: number;
  /** When it was first found to have lapsed since it was last renewed. */
  lapsedAtMs: number | undefined;
  /** Whether `onLead` was told of it: not before it is certain, however long the answer to the first write took. */
  isTold: boolean;
}

const nothingSeen: Seen = { revision: 0, atMs: 0, holder: '', token: 0, isAbandoned: false };

export class Leadership {
  #stopped = false;
  /** Whether the term that there is, if any, is the last one. */
  #standsNoMore = false;
  #keys: KeyBucket | undefined;
  #watch: Subscription | undefined;
  #cancelTimer: () => void = () => {};
  #seen = nothingSeen;
  #term: HeldLease | undefined;
  /** The round that is under way, or the last one. Never rejects. */
  #round: Promise<void> = Promise.resolve();
  #isBusy = false;
  /** Whether another round was asked for while one was under way. */
  #isAsked = false;
  /**
   * Our writes come too late to lead by. They arrive all the same, and to a standby each of them looks like a renewal: a
   * lease in our own name is then waited out like anybody's, so that one who is quicker can take it.
   */
  #isSlow = false;
  /** Counts resignations: a lease whose writing one of them has overtaken begins no term. */
  #resigned = 0;

  constructor(
    private readonly parts: LeadershipParts,
    private readonly events: LeadershipEvents,
  ) {}

  async start(): Promise<void> {
    await this.#open();
    this.#step();
  }

  /** Who else holds the lease, as far as it is known here; undefined: we do, or nobody. */
  get other(): string | undefined {
    const { holder } = this.#seen;
    return this.#term !== undefined || holder === '' || holder === this.parts.id ? undefined : holder;
  }

  /** The broker has said that this holder's connection is gone. A holder that writes the lease again counts again. */
  holderGone(holder: string): void {
    if (this.other !== holder) return;
    this.#seen = { ...this.#seen, isAbandoned: true };
    this.stand();
  }

  /** Tries at once what would be tried soon anyway: something has changed that may let it succeed. */
  stand(): void {
    if (this.#term === undefined) this.#step();
  }

  /**
   * Whether the lease is certainly ours at this moment. Asked before anything is said. A lease that has lapsed is renewed at
   * once where that still succeeds; where it does not, the term ends.
   */
  check(): boolean {
    const term = this.#term;
    if (term === undefined) return false;
    const nowMs = this.parts.clock.now();
    if (nowMs - term.renewedAtMs < this.parts.leaseMs * validShare) return true;
    if (term.lapsedAtMs === undefined) {
      term.lapsedAtMs = nowMs;
      this.#step();
    } else if (nowMs - term.lapsedAtMs > this.parts.leaseMs) {
      this.resign('the lease could not be renewed in time');
      this.#isSlow = true;
    }
    return false;
  }

  /** Ends the term, if there is one, and stands again. */
  resign(reason: string): void {
    this.#isSlow = false;
    this.#resigned += 1;
    const term = this.#term;
    this.#term = undefined;
    if (term?.isTold) this.events.onLost(reason);
  }

  /** From now on no term begins here. One that there is goes on, and is renewed until `stop`. */
  standNoMore(): void {
    this.#standsNoMore = true;
  }

  /** Gives the lease up, so that a standby need not wait for its end. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer();
    if (this.#term !== undefined) {
      // A renewal under way would make the lease's revision another one than we know.
      await this.#round;
      await this.#giveUp();
    }
    await this.#watch?.drain();
  }

  async #giveUp(): Promise<void> {
    if (this.#term === undefined || !this.check()) return;
    const { token, revision } = this.#term;
    this.#term = undefined;
    await this.#write({ scheduler: '', token }, revision).catch((error) => {
      this.parts.log.warn({ err: error }, 'the lease could not be given up; it runs out by itself');
    });
  }

  async #open(): Promise<void> {
    await this.#watch?.drain();
    this.#seen = { ...this.#seen, revision: 0 };
    this.#keys = await this.parts.open();
    this.#watch = await this.#keys.watch(({ key, value, revision }) => {
      if (key !== leaseKey) return;
      const atMs = this.parts.clock.now();
      if (value === undefined) {
        // The bucket's loss says nothing of the holder's connection. A holder finds out by renewing.
        this.#seen = { ...this.#seen, revision: 0, atMs };
        this.#step();
        return;
      }
      this.#seen = { revision, atMs, isAbandoned: false, ...readLease(value, this.parts.brokerNowMs()) };
      // A lease that was given up need not run out.
      if (this.#seen.holder === '' && this.#term === undefined) this.#step();
    });
  }

  /** One round of renewing or of trying to take the lease, and the next one after a part of the lease. */
  #step(): void {
    if (this.#stopped) return;
    this.#isAsked = this.#isBusy;
    if (this.#isBusy) return;
    this.#cancelTimer();
    this.#isBusy = true;
    this.#round = this.#tryRound().then(() => {
      this.#isBusy = false;
      if (this.#isAsked) this.#step();
      else if (!this.#stopped) this.#cancelTimer = this.parts.clock.after(this.#nextStepMs(), () => this.#step());
    });
  }

  async #tryRound(): Promise<void> {
    try {
      await (this.#term === undefined ? this.#campaign() : this.#renew(this.#term));
    } catch (error) {
      this.parts.log.warn({ err: error }, 'the lease could not be read or written');
      this.check();
      // A broker that kept it in memory has lost the bucket with its restart.
      if (this.#term === undefined && !hasCode(error, 'timeout')) await this.#open().catch(() => undefined);
    }
  }

  #nextStepMs(): number {
    const { clock, leaseMs } = this.parts;
    const most = leaseMs / triesPerLease;
    if (this.other === undefined) return most;
    // Not a moment later than somebody else's lease may be taken.
    const overInMs = this.#seen.atMs + leaseMs - clock.now() + 1;
    return Math.max(0, Math.min(most, overInMs));
  }

  async #campaign(): Promise<void> {
    if (this.#standsNoMore) return;
    const { revision, atMs, holder, token: last, isAbandoned } = this.#seen;
    const isFree = holder === '' || (holder === this.parts.id && !this.#isSlow) || isAbandoned;
    if (!isFree && this.parts.clock.now() - atMs <= this.parts.leaseMs) return;
    const begunMs = this.parts.clock.now();
    const resigned = this.#resigned;
    const token = Math.max(last + 1, Math.floor(this.parts.brokerNowMs()));
    try {
      const written = await this.#write({ scheduler: this.parts.id, token }, revision);
      // Its connection was lost meanwhile: others may have been told so, and lead. Written anew, it is certain.
      if (resigned !== this.#resigned) return;
      this.#term = { token, revision: written, renewedAtMs: begunMs, lapsedAtMs: undefined, isTold: false };
      this.#isSlow = false;
    } catch (error) {
      this.#isSlow ||= hasCode(error, 'timeout');
      if (!hasCode(error, 'conflict')) throw error;
      // Somebody was quicker. What the watch shows next is theirs.
      const atMs = this.parts.clock.now();
      if (revision === this.#seen.revision) this.#seen = { ...this.#seen, atMs, isAbandoned: false };
      return;
    }
    if (this.#stopped || this.#standsNoMore) await this.#giveUp();
    else this.#tell(this.#term);
  }

  async #renew(term: HeldLease): Promise<void> {
    const { clock, id } = this.parts;
    const begunMs = clock.now();
    this.#adoptLostWrite(term);
    try {
      term.revision = await this.#write({ scheduler: id, token: term.token }, term.revision);
    } catch (error) {
      if (!hasCode(error, 'conflict')) throw error;
      if (this.#adoptLostWrite(term)) this.#isAsked = true;
      else if (this.#term === term) this.resign('the lease is another scheduler’s, or gone');
      return;
    }
    // Counted from before the write: whenever it took place, the lease runs at least until then.
    term.renewedAtMs = begunMs;
    if (term.lapsedAtMs === undefined || this.#term !== term) return;
    term.lapsedAtMs = undefined;
    this.#tell(term);
  }

  #tell(term: HeldLease): void {
    const { isTold } = term;
    if (!this.check() || (this.#standsNoMore && !isTold)) return;
    term.isTold = true;
    if (isTold) this.events.onRenewed();
    else this.events.onLead(term.token);
  }

  /** A write whose answer was lost may have been stored: then the newest revision is still this term's. */
  #adoptLostWrite(term: HeldLease): boolean {
    const { revision, holder, token } = this.#seen;
    if (holder !== this.parts.id || token !== term.token || revision <= term.revision) return false;
    term.revision = revision;
    return true;
  }

  /** Throws `conflict`, and `timeout` when there is no answer within one try's time. */
  #write(value: LeaseValue, revision: number): Promise<number> {
    const { clock, leaseMs } = this.parts;
    return writeLease(this.#keys, value, revision, { clock, limitMs: leaseMs / triesPerLease });
  }
}
