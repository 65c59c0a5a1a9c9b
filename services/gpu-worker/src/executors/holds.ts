/**
 * The moments that a process waits for, in memory that it shares with the thread that sleeps until them. Each wait has a
 * slot: its moment is written first, then the slot is said to be taken; the thread reads them in the other order.
 */

/** As many as there may be devices in a process. */
export const mostHolds = 4_096;

const signalAt = 0;
const usedAt = 1;
const headerInts = 2;
const free = 0;
const taken = 1;

export class Holds {
  /** What the thread sleeps on, and how many slots were ever in use. */
  readonly #header: Int32Array;
  readonly #states: Int32Array;
  readonly #untilMs: Float64Array;

  constructor(readonly memory = new SharedArrayBuffer(mostHolds * 12 + headerInts * 4)) {
    this.#untilMs = new Float64Array(memory, 0, mostHolds);
    this.#states = new Int32Array(memory, mostHolds * 8, mostHolds);
    this.#header = new Int32Array(memory, mostHolds * 12, headerInts);
  }

  /**
   * Takes a free slot, and wakes the thread where it would sleep too long. That it would not is certain while another slot
   * is taken whose moment comes first: the thread looks at all slots again after it has freed that one.
   */
  take(slot: number, untilMs: number): void {
    this.#untilMs[slot] = untilMs;
    if (slot >= Atomics.load(this.#header, usedAt)) Atomics.store(this.#header, usedAt, slot + 1);
    Atomics.store(this.#states, slot, taken);
    if (!this.#isSeenBefore(slot, untilMs)) this.wake();
  }

  /** The thread looks again. */
  wake(): void {
    Atomics.add(this.#header, signalAt, 1);
    Atomics.notify(this.#header, signalAt);
  }

  /** Frees the slots whose moment has come, and returns them. For the thread. */
  due(nowMs: number): number[] {
    const due: number[] = [];
    const used = Atomics.load(this.#header, usedAt);
    for (let slot = 0; slot < used; slot++) {
      if (Atomics.load(this.#states, slot) !== taken || (this.#untilMs[slot] ?? 0) > nowMs) continue;
      Atomics.store(this.#states, slot, free);
      due.push(slot);
    }
    return due;
  }

  /** Sleeps until the nearest moment, or until it is woken. For the thread, which reads `signal` before it calls `due`. */
  sleep(signal: number, now: () => number): void {
    let nearestMs = Number.POSITIVE_INFINITY;
    const used = Atomics.load(this.#header, usedAt);
    for (let slot = 0; slot < used; slot++) {
      if (Atomics.load(this.#states, slot) === taken) nearestMs = Math.min(nearestMs, this.#untilMs[slot] ?? 0);
    }
    Atomics.wait(this.#header, signalAt, signal, Math.max(0, nearestMs - now()));
  }

  /** Counts the wakes. */
  get signal(): number {
    return Atomics.load(this.#header, signalAt);
  }

  #isSeenBefore(slot: number, untilMs: number): boolean {
    const used = Atomics.load(this.#header, usedAt);
    for (let other = 0; other < used; other++) {
      if (other === slot || (this.#untilMs[other] ?? 0) > untilMs) continue;
      if (Atomics.load(this.#states, other) === taken) return true;
    }
    return false;
  }
}
