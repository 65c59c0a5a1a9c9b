/** Whether the system is serving queries now, from the scheduler's summaries: then not every worker may be timed. */
import { type Bus, type Clock, type Subjects, type Subscription, schedulerTelemetry, unpack } from '@slackline/shared';

/** Summaries come every second; so long after the last outcome the system counts as serving. */
const serveMs = 2_500;

/** Follows `telemetry.scheduler` until `stop`. */
export class Traffic {
  readonly #subscription: Subscription;
  readonly #listeners = new Set<() => void>();
  #outcomes: number | undefined;
  #busyAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    bus: Bus,
    subjects: Subjects,
    private readonly clock: Clock,
  ) {
    this.#subscription = bus.subscribe(subjects.telemetry('scheduler'), ({ data }) => this.#hear(data));
  }

  get isServing(): boolean {
    return this.clock.now() - this.#busyAtMs < serveMs;
  }

  /** Calls `listener` when queries begin to be served. The returned function ends that. */
  onServing(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async stop(): Promise<void> {
    await this.#subscription.drain();
  }

  #hear(data: Uint8Array): void {
    const { success, summary } = read(data);
    if (!success) return;
    const { ok, late, expired, failed } = summary.outcomes;
    const outcomes = ok + late + expired + failed;
    const busy = summary.queued > 0 || summary.inFlight > 0 || (this.#outcomes ?? outcomes) !== outcomes;
    this.#outcomes = outcomes;
    if (!busy) return;
    const wasServing = this.isServing;
    this.#busyAtMs = this.clock.now();
    if (!wasServing) for (const listener of [...this.#listeners]) listener();
  }
}

/** A summary of another version says nothing. */
function read(data: Uint8Array) {
  try {
    return { success: true, summary: unpack('scheduler telemetry', schedulerTelemetry, data) } as const;
  } catch {
    return { success: false, summary: undefined } as const;
  }
}
