/** What the scheduler says of itself once a second: queue, workers, losses. */
import {
  type Bus,
  type SchedulerTelemetry,
  type Subjects,
  type Subscription,
  schedulerTelemetry,
  unpack,
} from '@slackline/shared';

/** Telemetry comes every second; one that is this late does not come. */
const nextLimitMs = 2_500;

export class Monitor {
  readonly #subscription: Subscription;
  #last: SchedulerTelemetry | undefined;
  #lostBefore: number | undefined;
  #onNext: () => void = () => {};

  constructor(bus: Bus, subjects: Subjects) {
    this.#subscription = bus.subscribe(subjects.telemetry('scheduler'), ({ data }) => this.#hear(data));
  }

  /** The last summary; its losses count from the monitor's first. */
  get last(): SchedulerTelemetry | undefined {
    if (this.#last === undefined) return undefined;
    return { ...this.#last, workersLost: this.#last.workersLost - (this.#lostBefore ?? 0) };
  }

  /** Resolves at the next summary, or when none comes. */
  async next(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#onNext = resolve;
      timer = setTimeout(resolve, nextLimitMs);
    });
    clearTimeout(timer);
    this.#onNext = () => {};
  }

  async stop(): Promise<void> {
    await this.#subscription.drain();
  }

  #hear(data: Uint8Array): void {
    try {
      this.#last = unpack('scheduler telemetry', schedulerTelemetry, data);
    } catch {
      // Another version's; the view keeps what it had.
      return;
    }
    this.#lostBefore ??= this.#last.workersLost;
    this.#onNext();
  }
}
