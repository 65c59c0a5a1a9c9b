/** Keeps the broker's time by reading its clock at a steady beat; absolute deadlines are checked against it. */
import { BrokerClock, type Bus, type Clock, type Log, type Subjects } from '@slackline/shared';

/** After a failed reading the next one comes sooner. */
const retryMs = 500;
/** Readings at the start and after a reconnect: the tightest of a few is believed. */
const firstReadings = 3;

export interface BrokerTimeOptions {
  everyMs: number;
  /** Called when a reading failed: streams in memory are gone after the broker's restart, the clock's always is. */
  restore(): Promise<void>;
}

export class BrokerTime {
  readonly #clock: BrokerClock;
  #cancelNext: () => void = () => {};
  #reading: Promise<void> = Promise.resolve();
  #stopped = false;
  /** Whether the next reading replaces all before. */
  #forget = false;

  constructor(
    private readonly bus: Bus,
    private readonly subjects: Subjects,
    private readonly clock: Clock,
    private readonly options: BrokerTimeOptions,
    private readonly log: Log,
  ) {
    this.#clock = new BrokerClock(() => clock.now());
  }

  /** Reads the clock for the first time, and from now on. Throws what `readClock` throws. */
  async start(): Promise<void> {
    for (let count = 0; count < firstReadings; count++) await this.#read();
    this.bus.onStatus((status) => {
      if (status !== 'reconnected') return;
      // Perhaps another broker: what was read of the old one says nothing.
      this.#forget = true;
      this.#readLater(0);
    });
    this.#readLater(this.options.everyMs);
  }

  /** The broker's time in milliseconds since 1970, or undefined before the first reading. */
  nowMs(): number | undefined {
    return this.#clock.isSet ? this.#clock.nowMs() : undefined;
  }

  /** Ends the readings. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelNext();
    await this.#reading;
  }

  #readLater(delayMs: number): void {
    this.#cancelNext();
    if (this.#stopped) return;
    this.#cancelNext = this.clock.after(delayMs, () => {
      this.#reading = this.#readOrRestore().then((nextMs) => this.#readLater(nextMs));
    });
  }

  /** One reading; gives the time until the next. */
  async #readOrRestore(): Promise<number> {
    try {
      await this.#read();
      return this.options.everyMs;
    } catch (error) {
      this.log.warn({ err: error }, 'the broker’s clock could not be read');
    }
    try {
      await this.options.restore();
    } catch (error) {
      this.log.warn({ err: error }, 'the streams could not be restored');
    }
    return retryMs;
  }

  async #read(): Promise<void> {
    const reading = await this.bus.readClock(this.subjects.stores.clock, this.subjects.clock);
    this.#clock.add(reading, { forget: this.#forget });
    this.#forget = false;
  }
}
