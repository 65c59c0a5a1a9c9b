/**
 * Deadlines of many items, told by one timer: a ring of slots that is gone through as time passes (Varghese and Lauck,
 * "Hashed and Hierarchical Timing Wheels", 1987, scheme 6). To enter an item and to take it out costs the same however many
 * there are. The timer runs while something is in the wheel, and at most one slot longer.
 */
import type { Clock } from '@slackline/shared';

/** No item is told early, and none later than this and what the timer is late. */
export const slotMs = 8;
/** A round is longer than most of our timeouts; what lies further ahead is passed over until its round has come. */
const slots = 128;

/** An item. Both fields are the wheel's own. */
export interface Timed {
  /** The slot that it lies in, counted from the clock's zero, or `outside`. */
  tick: number;
  /** Its place in that slot. */
  place: number;
}
/** The tick of an item that is in no wheel. */
export const outside = -1;

export class DeadlineWheel<T extends Timed> {
  /** Arrays, in no order: a linked list or a Set would keep what has left it alive until the next full collection. */
  readonly #slots = Array.from({ length: slots }, (): T[] => []);
  #size = 0;
  /** The last slot that was gone through. */
  #turnedTo = 0;
  #cancelTimer: (() => void) | undefined;

  /** @param onDue told of each item once its time has come, when it is out of the wheel; must not throw */
  constructor(
    private readonly clock: Clock,
    private readonly onDue: (item: T) => void,
  ) {}

  get size(): number {
    return this.#size;
  }

  /** Enters an item that is in no wheel. */
  add(item: T, dueAtMs: number): void {
    if (this.#cancelTimer === undefined) this.#start();
    item.tick = Math.max(Math.ceil(dueAtMs / slotMs), this.#turnedTo + 1);
    item.place = this.#slot(item.tick).push(item) - 1;
    this.#size++;
  }

  /** Takes an item out, if it is in the wheel. */
  delete(item: T): void {
    if (item.tick === outside) return;
    const slot = this.#slot(item.tick);
    const last = slot.pop();
    if (last !== undefined && last !== item) {
      slot[item.place] = last;
      last.place = item.place;
    }
    item.tick = outside;
    this.#size--;
  }

  /** Forgets everything. */
  clear(): void {
    for (const slot of this.#slots) {
      for (const item of slot) item.tick = outside;
      slot.length = 0;
    }
    this.#size = 0;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #slot(tick: number): T[] {
    return this.#slots[tick % slots] ?? [];
  }

  #start(): void {
    const nowMs = this.clock.now();
    this.#turnedTo = Math.floor(nowMs / slotMs);
    this.#waitFrom(nowMs);
  }

  #waitFrom(nowMs: number): void {
    const endsInMs = (this.#turnedTo + 1) * slotMs - nowMs;
    // A timer of Node fires at whole milliseconds, early where it is given fractions.
    this.#cancelTimer = this.clock.after(Math.ceil(endsInMs), () => this.#turn());
  }

  #turn(): void {
    const nowMs = this.clock.now();
    const to = Math.floor(nowMs / slotMs);
    // After a pause longer than a round, one round shows everything.
    const from = Math.max(this.#turnedTo + 1, to - slots + 1);
    // What is entered meanwhile lies ahead.
    this.#turnedTo = Math.max(this.#turnedTo, to);
    for (let tick = from; tick <= to; tick++) {
      const slot = this.#slot(tick);
      // From the end: what takes the place of one that goes was looked at before.
      for (let place = slot.length - 1; place >= 0; place--) {
        const item = slot[place];
        if (item === undefined || item.tick > to) continue;
        this.delete(item);
        this.onDue(item);
      }
    }
    this.#cancelTimer = undefined;
    if (this.#size > 0) this.#waitFrom(nowMs);
  }
}
