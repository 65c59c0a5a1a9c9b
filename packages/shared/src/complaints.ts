/** Warnings about what comes from outside: a flood of bad messages must not become a flood of log lines. */
import type { Clock } from './clock.js';
import type { Log } from './log.js';

/** One line a kind in this time; the others are counted. */
const everyMs = 5_000;

interface Kind {
  saidAtMs: number;
  /** Held back since then. */
  suppressed: number;
}

export class Complaints {
  readonly #kinds = new Map<string, Kind>();

  constructor(
    private readonly log: Log,
    private readonly clock: Clock,
  ) {}

  /**
   * Logs a warning, or counts it for the next one of its kind.
   *
   * @param kind one of a few: never made of what was received
   */
  warn(kind: string, fields: Readonly<Record<string, unknown>>, message: string): void {
    const nowMs = this.clock.now();
    const known = this.#kinds.get(kind);
    if (known !== undefined && nowMs - known.saidAtMs < everyMs) {
      known.suppressed++;
      return;
    }
    this.#kinds.set(kind, { saidAtMs: nowMs, suppressed: 0 });
    this.log.warn(
      { ...fields, ...(known !== undefined && known.suppressed > 0 && { alike: known.suppressed }) },
      message,
    );
  }
}
