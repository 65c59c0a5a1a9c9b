/** What ingest counts, told once a second on `telemetry.ingest`, and logged without flooding. */
import type { IngestTelemetry, Log, SlacklineError } from '@slackline/shared';

/** One line per code in this time; the rest is only counted. */
const logEveryMs = 5_000;

export class Counters {
  accepted = 0;
  unconfirmed = 0;
  readonly #refused = new Map<string, number>();
  readonly #loggedAtMs = new Map<string, number>();

  constructor(private readonly log: Log) {}

  /** Counts a refusal; `told` says whether the producer could be answered. */
  refuse(error: SlacklineError, model: string, told: boolean, nowMs: number): void {
    const count = (this.#refused.get(error.code) ?? 0) + 1;
    this.#refused.set(error.code, count);
    const loggedAtMs = this.#loggedAtMs.get(error.code) ?? Number.NEGATIVE_INFINITY;
    if (nowMs - loggedAtMs < logEveryMs) return;
    this.#loggedAtMs.set(error.code, nowMs);
    this.log.warn({ code: error.code, model: model.slice(0, 64), told, count }, error.message);
  }

  /** The counts that the telemetry carries. */
  summary(): Pick<IngestTelemetry, 'accepted' | 'unconfirmed' | 'refused'> {
    return { accepted: this.accepted, unconfirmed: this.unconfirmed, refused: Object.fromEntries(this.#refused) };
  }
}
