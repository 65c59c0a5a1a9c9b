/**
 * The broker's time, kept by a process whose own clock may be anything. A reading of the broker's clock bounds its offset to our
 * monotonic clock by half of the round trip. Two readings bound how fast the one clock runs against the other (their *rate*), the
 * better the further they lie apart. Of the readings of the last minute that one is believed which bounds the offset best at this
 * moment, carried on by the rate; and the clock is slewed towards it.
 */
import type { ClockReading } from './bus/bus.js';

/** Readings older than this are forgotten: a clock's rate changes. */
const windowMs = 60_000;
/** Offset is corrected by at most this much per millisecond, so that time never jumps or runs backwards. */
const slewPerMs = 0.005;
/** A clock that is off by more was set anew (another stream leader, a suspended machine): slewing would take minutes. */
const stepMs = 250;
/** No clock runs faster or slower by more, in milliseconds per millisecond; those that are slewed by NTP reach half of it. */
const mostRate = 0.001;
/** A rate is only reckoned with when it is known so well. */
const knownRate = 0.000_1;

interface Reading {
  /** Middle of its round trip, by our clock. */
  atMs: number;
  offsetMs: number;
  /** By so much the offset may have been wrong. */
  errorMs: number;
}

interface Rate {
  /** Milliseconds that the broker's clock gains on ours per millisecond. */
  perMs: number;
  /** By so much it may be wrong. */
  error: number;
}

const unknownRate: Rate = { perMs: 0, error: mostRate };

export class BrokerClock {
  #readings: Reading[] = [];
  /** Of the readings, what bounds the offset best. Their bounds all widen alike, so it is the same until another one comes. */
  #best: Reading | undefined;
  #rate = unknownRate;
  #offsetMs: number | undefined;
  #slewedAtMs = 0;

  /** @param monotonicNow milliseconds that only grow */
  constructor(private readonly monotonicNow: () => number) {}

  /** Takes one reading in. The first one sets the clock; `forget` says that those before are of another clock. */
  add({ sentAtMs, receivedAtMs, brokerMs }: ClockReading, options: { forget?: boolean } = {}): void {
    const now = this.monotonicNow();
    const atMs = (sentAtMs + receivedAtMs) / 2;
    const reading = { atMs, offsetMs: brokerMs - atMs, errorMs: (receivedAtMs - sentAtMs) / 2 };
    const earlier = options.forget ? [] : this.#readings.filter((each) => now - each.atMs < windowMs);
    // Where two cannot both be true, a clock was set in between.
    this.#readings = [...earlier.filter((each) => agree(each, reading)), reading];
    this.#rate = rateOf(this.#readings);
    this.#best = this.#readings.reduce((best, each) =>
      this.#errorAt(each, now) < this.#errorAt(best, now) ? each : best,
    );
    const offsetMs = this.#offsetAt(now);
    if (this.#offsetMs === undefined || Math.abs(offsetMs - this.#offsetMs) > stepMs) {
      this.#offsetMs = offsetMs;
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
    const wrong = this.#offsetAt(now) - this.#offsetMs;
    const most = (now - this.#slewedAtMs) * slewPerMs;
    this.#offsetMs += Math.max(-most, Math.min(most, wrong));
    this.#slewedAtMs = now;
    return now + this.#offsetMs;
  }

  /** By so much the clock may be wrong now, once it has been slewed. */
  get uncertaintyMs(): number {
    return this.#best === undefined ? 0 : this.#errorAt(this.#best, this.monotonicNow());
  }

  #offsetAt(now: number): number {
    const { offsetMs = 0, atMs = now } = this.#best ?? {};
    return offsetMs + this.#rate.perMs * (now - atMs);
  }

  #errorAt({ errorMs, atMs }: Reading, now: number): number {
    return errorMs + this.#rate.error * (now - atMs);
  }
}

function agree(earlier: Reading, later: Reading): boolean {
  const mostMs = earlier.errorMs + later.errorMs + mostRate * (later.atMs - earlier.atMs);
  // The timestamps of a broker are rounded somewhere.
  return Math.abs(later.offsetMs - earlier.offsetMs) <= mostMs + 1e-3;
}

/** What the two readings say that bound it best. */
function rateOf(readings: readonly Reading[]): Rate {
  let best: Rate = unknownRate;
  for (const [i, later] of readings.entries()) {
    for (const earlier of readings.slice(0, i)) {
      const passedMs = later.atMs - earlier.atMs;
      const error = (earlier.errorMs + later.errorMs) / passedMs;
      if (error < best.error) best = { perMs: (later.offsetMs - earlier.offsetMs) / passedMs, error };
    }
  }
  return best.error <= knownRate ? best : unknownRate;
}
