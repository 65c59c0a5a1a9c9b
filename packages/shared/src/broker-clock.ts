/**
 * The broker's time, kept by a process whose own clock may be anything. Readings of the broker's clock bound its offset
 * to our monotonic clock; the tightest one of the last minute is believed, and the clock is slewed towards it.
 */
import type { ClockReading } from './bus/bus.js';

/** Readings older than this are forgotten: clocks drift. */
const windowMs = 60_000;
/** Offset is corrected by at most this much per millisecond, so that time never jumps or runs backwards. */
const slewPerMs = 0.005;
/** A clock that is off by more was set anew (another stream leader, a suspended machine): slewing would take minutes. */
const stepMs = 250;

interface Estimate {
  takenAtMs: number;
  offsetMs: number;
  roundTripMs: number;
}

export class BrokerClock {
  #readings: Estimate[] = [];
  #offsetMs: number | undefined;
  #slewedAtMs = 0;

  /** @param monotonicNow milliseconds that only grow */
  constructor(private readonly monotonicNow: () => number) {}

  /** Takes one reading in. The first one sets the clock; `fresh` ones after a leader change replace all before. */
  add(reading: ClockReading, options: { forget?: boolean } = {}): void {
    if (options.forget) this.#readings = [];
    const now = this.monotonicNow();
    const roundTripMs = reading.receivedAtMs - reading.sentAtMs;
    this.#readings = this.#readings.filter((r) => now - r.takenAtMs < windowMs);
    this.#readings.push({
      takenAtMs: now,
      offsetMs: reading.brokerMs - (reading.sentAtMs + reading.receivedAtMs) / 2,
      roundTripMs,
    });
    if (this.#offsetMs === undefined || Math.abs(this.#best().offsetMs - this.#offsetMs) > stepMs) {
      this.#offsetMs = this.#best().offsetMs;
      this.#slewedAtMs = now;
    }
  }

  /** Whether a reading has been taken; before, `nowMs` throws. */
  get isSet(): boolean {
    return this.#offsetMs !== undefined;
  }

  /** The broker's time in milliseconds since 1970, with fractions. */
  nowMs(): number {
    if (this.#offsetMs === undefined) throw new Error('the broker clock has not been read yet');
    const now = this.monotonicNow();
    const wrong = this.#best().offsetMs - this.#offsetMs;
    const most = (now - this.#slewedAtMs) * slewPerMs;
    this.#offsetMs += Math.max(-most, Math.min(most, wrong));
    this.#slewedAtMs = now;
    return now + this.#offsetMs;
  }

  /** Half of the tightest round trip: by so much the clock may be wrong. */
  get uncertaintyMs(): number {
    return this.#readings.length === 0 ? 0 : this.#best().roundTripMs / 2;
  }

  #best(): Estimate {
    return this.#readings.reduce((best, r) => (r.roundTripMs < best.roundTripMs ? r : best));
  }
}
