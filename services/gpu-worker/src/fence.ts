/**
 * Who may command this worker, and under which name it answers. The *epoch* is one life of the worker as schedulers
 * see it: whoever may have given it up must meet it under a new one. The *token* is the scheduler's: a leader that was
 * replaced has a smaller one than its successor, and its commands end when the successor's first command arrives. Anybody
 * who can command a worker can also name a token that no leader will ever reach: what the lease says lowers the fence again.
 */
import type { Clock } from '@slackline/shared';

export interface FenceOptions {
  clock: Clock;
  /** A silence longer than this may have been taken for death. */
  deadAfterMs: number;
  /** Makes an epoch that was never used before. */
  newEpoch: () => string;
}

export class Fence {
  #epoch: string;
  #largestToken = 0;
  #lastSignOfLifeMs: number;

  constructor(private readonly options: FenceOptions) {
    this.#epoch = options.newEpoch();
    this.#lastSignOfLifeMs = options.clock.now();
  }

  get epoch(): string {
    return this.#epoch;
  }

  /** Ends the epoch: somebody may have given this worker up. */
  renew(): void {
    this.#epoch = this.options.newEpoch();
    this.#lastSignOfLifeMs = this.options.clock.now();
  }

  /** A notice said that `epoch` was given up. Says whether that was the present one, which is over then. */
  fenced(epoch: string): boolean {
    if (epoch !== this.#epoch) return false;
    this.renew();
    return true;
  }

  /** To be called before anything is said or taken. Says whether the process was silent for too long; the epoch is over then. */
  noticeSilence(): boolean {
    if (this.options.clock.now() - this.#lastSignOfLifeMs <= this.options.deadAfterMs) return false;
    this.renew();
    return true;
  }

  /** A heartbeat has been sent. */
  signOfLife(): void {
    this.#lastSignOfLifeMs = this.options.clock.now();
  }

  /** The lease names this token: nobody leads under a larger one, whatever was heard. */
  leads(token: number): void {
    this.#largestToken = Math.min(this.#largestToken, token);
  }

  /** Whether what came under these is over: the epoch was given up, or another leader has taken over. */
  isOver(epoch: string, token: number): boolean {
    return epoch !== this.#epoch || token < this.#largestToken;
  }

  /** Takes a command's token in; false when a larger one was seen before: its sender no longer leads. */
  admits(token: number): boolean {
    if (token < this.#largestToken) return false;
    this.#largestToken = token;
    return true;
  }
}
