/** Keeps the broker's time: its clock is read at a steady beat, and anew after every reconnect. */
import { BrokerClock } from './broker-clock.js';
import type { Bus } from './bus/bus.js';
import type { Clock } from './clock.js';
import { hasCode } from './errors.js';
import type { Log } from './log.js';
import type { Subjects } from './subjects.js';

const defaultEveryMs = 5_000;
/** After a failed reading the next one comes sooner. */
const retryMs = 500;
/** How long the first reading may take to succeed. */
const startLimitMs = 10_000;
/** Readings at once after the start and after a reconnect: the tightest of a few is believed. */
const firstReadings = 3;

export interface BrokerTimeOptions {
  /** From one reading to the next, in milliseconds. */
  everyMs?: number;
  /** Called when a reading failed: the stream behind the clock lives in memory and went with a restarted broker. */
  onFailure?(): Promise<void>;
}

/** One for the life of a bus: what listens to the bus's status is never taken back. */
export class BrokerTime {
  readonly #clock: BrokerClock;
  #cancelNext: () => void = () => {};
  #reading: Promise<void> = Promise.resolve();
  /** Whether the next reading is planned, so that none is under way. */
  #waiting = false;
  #stopped = false;
  /** Connections so far: a reading counts for the one on which it began. */
  #connection = 0;
  /** Readings taken on this connection; before the first, what an earlier one told still holds. */
  #taken = 0;

  constructor(
    private readonly bus: Bus,
    private readonly subjects: Subjects,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly options: BrokerTimeOptions = {},
  ) {
    this.#clock = new BrokerClock(() => clock.now());
  }

  /**
   * Takes the first few readings, and others from now on. The servers of a cluster choose who leads a new stream: until then
   * nobody answers, so readings are tried again for a while. Throws what `readClock` throws.
   */
  async start(): Promise<void> {
    this.bus.onStatus((status) => {
      if (status !== 'reconnected') return;
      // Perhaps another broker: what was read of the old one says nothing.
      this.#connection++;
      this.#taken = 0;
      if (this.#waiting) this.#readLater(0);
    });
    const giveUpAtMs = this.clock.now() + startLimitMs;
    while (this.#taken < firstReadings && !this.#stopped) {
      try {
        await this.#read();
      } catch (error) {
        const mayPass = hasCode(error, 'no_responders') || hasCode(error, 'timeout');
        if (!mayPass || this.clock.now() >= giveUpAtMs) throw error;
        await new Promise<void>((resolve) => this.clock.after(retryMs, resolve));
      }
    }
    this.#readLater(this.#nextInMs());
  }

  /** Ends the readings; resolves when none is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelNext();
    await this.#reading;
  }

  /** The broker's time in milliseconds since 1970, with fractions. Throws before `start` has resolved. */
  nowMs(): number {
    return this.#clock.nowMs();
  }

  /** By so many milliseconds `nowMs` may be wrong. */
  get uncertaintyMs(): number {
    return this.#clock.uncertaintyMs;
  }

  #nextInMs(): number {
    return this.#taken < firstReadings ? 0 : (this.options.everyMs ?? defaultEveryMs);
  }

  #readLater(delayMs: number): void {
    this.#cancelNext();
    if (this.#stopped) return;
    this.#waiting = true;
    this.#cancelNext = this.clock.after(delayMs, () => {
      this.#waiting = false;
      this.#reading = this.#readOrReport().then((nextInMs) => this.#readLater(nextInMs));
    });
  }

  /** One reading; gives the time until the next. Never rejects. */
  async #readOrReport(): Promise<number> {
    try {
      await this.#read();
      return this.#nextInMs();
    } catch (error) {
      this.log.warn({ err: error }, 'the broker’s clock could not be read');
    }
    try {
      await this.options.onFailure?.();
    } catch (error) {
      this.log.warn({ err: error }, 'what the clock needs could not be restored');
    }
    return retryMs;
  }

  async #read(): Promise<void> {
    const connection = this.#connection;
    const reading = await this.bus.readClock(this.subjects.stores.clock, this.subjects.clock);
    if (connection !== this.#connection) return;
    this.#clock.add(reading, { forget: this.#taken === 0 });
    this.#taken++;
  }
}
