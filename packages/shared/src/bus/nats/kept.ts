/**
 * Keeps open what lives on the broker and ends with a connection or with the broker's memory: it is closed and opened anew
 * when it is told to, and again until that succeeds.
 */

/** From a failed opening to the next. */
const retryMs = 250;

/**
 * Opens, and resolves with what closes it. Once `signal` is aborted the result is not wanted any more: it is closed as soon
 * as it is there, and nothing should be begun that takes messages.
 */
export type Open = (signal: AbortSignal) => Promise<() => Promise<void>>;

/** Keeps something open that is opened so, until it is stopped or the bus is closed. */
export type Keep = (open: Open) => Kept;

export class Kept {
  #close: (() => Promise<void>) | undefined;
  /** Of the opening that is under way, or of what is open. */
  #present = new AbortController();
  #cancelRetry: () => void = () => {};
  #onSettled: () => void = () => {};
  #stopped = false;

  constructor(
    private readonly open: Open,
    /** Called at the first `stop`. */
    private readonly onStopped: () => void = () => {},
  ) {}

  /** The first opening. Throws what it throws; then nothing is open, and nothing is tried again. */
  async start(): Promise<void> {
    const settled = new Promise<void>((resolve) => {
      this.#onSettled = resolve;
    });
    try {
      await this.#replace();
      // A reconnect meanwhile has begun another opening.
      await settled;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Closes what is open, and opens anew until it succeeds. */
  again(): void {
    if (this.#stopped) return;
    this.#replace().catch(() => {
      // The broker may still be starting, or be gone again. Whoever asks it for anything finds out what is wrong.
      const timer = setTimeout(() => this.again(), retryMs);
      this.#cancelRetry = () => clearTimeout(timer);
    });
  }

  /** Ends it for good. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#present.abort();
    this.#cancelRetry();
    this.#onSettled();
    this.onStopped();
    await this.#closeNow();
  }

  /** Rejects only where it is still wanted and failed. */
  async #replace(): Promise<void> {
    this.#present.abort();
    this.#cancelRetry();
    const mine = new AbortController();
    this.#present = mine;
    await this.#closeNow();
    if (mine.signal.aborted) return;
    try {
      const close = await this.open(mine.signal);
      if (mine.signal.aborted) {
        await close().catch(() => undefined);
        return;
      }
      this.#close = close;
      this.#onSettled();
    } catch (error) {
      if (!mine.signal.aborted) throw error;
    }
  }

  async #closeNow(): Promise<void> {
    const close = this.#close;
    this.#close = undefined;
    await close?.().catch(() => undefined);
  }
}
