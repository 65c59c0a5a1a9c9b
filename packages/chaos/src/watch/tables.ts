/** What the services say they hold, by their one-second summaries: the in-flight tables, seen from outside. */
import {
  type Bus,
  type IngestTelemetry,
  ingestTelemetry,
  type SchedulerTelemetry,
  type Subjects,
  type Subscription,
  schedulerTelemetry,
  unpack,
  type WorkerTelemetry,
  workerTelemetry,
} from '@slackline/shared';

/** Told once a second; what is older was said by a process that is gone, or stands by. */
const validMs = 2_500;

/** What is held now, over all processes that have spoken lately. */
export interface TablesSample {
  /** Publishes of ingests that wait for their PubAck. */
  ingestInFlight: number;
  /** Queries that the leader holds: waiting, and in batches. */
  schedulerQueued: number;
  schedulerInFlight: number;
  /** Workers that the leader believes in, and those that have a batch by their own word. */
  workers: number;
  busyWorkers: number;
  /** Whether a leader has spoken; without, the scheduler's figures are 0. */
  hasLeader: boolean;
}

interface Heard<T> {
  atMs: number;
  said: T;
}

/** Listens to the telemetry of a deployment until it is stopped. */
export class Tables {
  readonly #subscription: Subscription;
  readonly #ingests = new Map<string, Heard<IngestTelemetry>>();
  readonly #workers = new Map<string, Heard<WorkerTelemetry>>();
  #leader: Heard<SchedulerTelemetry> | undefined;

  constructor(
    bus: Bus,
    subjects: Subjects,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.#subscription = bus.subscribe(subjects.telemetry('>'), ({ subject, data }) => this.#hear(subject, data));
  }

  sample(): TablesSample {
    const ingests = this.#current(this.#ingests);
    const workers = this.#current(this.#workers);
    const leader = this.#leader !== undefined && this.#isCurrent(this.#leader) ? this.#leader.said : undefined;
    return {
      ingestInFlight: ingests.reduce((sum, { inFlight }) => sum + inFlight, 0),
      schedulerQueued: leader?.queued ?? 0,
      schedulerInFlight: leader?.inFlight ?? 0,
      workers: leader?.workers ?? 0,
      busyWorkers: workers.filter(({ state }) => state === 'busy').length,
      hasLeader: leader !== undefined,
    };
  }

  /** What the leader said last, if it still speaks. */
  get leader(): SchedulerTelemetry | undefined {
    return this.#leader !== undefined && this.#isCurrent(this.#leader) ? this.#leader.said : undefined;
  }

  async stop(): Promise<void> {
    await this.#subscription.drain();
  }

  #hear(subject: string, data: Uint8Array): void {
    const atMs = this.now();
    try {
      if (subject.endsWith('.scheduler')) {
        this.#leader = { atMs, said: unpack('scheduler telemetry', schedulerTelemetry, data) };
      } else if (subject.endsWith('.ingest')) {
        const said = unpack('ingest telemetry', ingestTelemetry, data);
        this.#ingests.set(said.instanceId, { atMs, said });
      } else if (subject.endsWith('.worker')) {
        const said = unpack('worker telemetry', workerTelemetry, data);
        this.#workers.set(said.workerId, { atMs, said });
      }
    } catch {
      // Another version's, or garbage that somebody sends: what was heard before stands.
    }
  }

  #isCurrent({ atMs }: Heard<unknown>): boolean {
    return this.now() - atMs < validMs;
  }

  /** Those that spoke lately; the others are forgotten, so that a long watch of a restless system stays small. */
  #current<T>(heard: Map<string, Heard<T>>): T[] {
    for (const [key, entry] of heard) if (!this.#isCurrent(entry)) heard.delete(key);
    return [...heard.values()].map(({ said }) => said);
  }
}
