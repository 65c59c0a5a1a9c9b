/** The workers that the profiler knows of, from their heartbeats: who is alive, of which class, and idle. */
import {
  type Bus,
  type Clock,
  type Log,
  type Subjects,
  type Subscription,
  unpack,
  type WorkerStatus,
  workerStatus,
} from '@slackline/shared';

/** A worker that has not been heard for so long is gone. Generous: while measuring, the host's cores are all busy. */
const goneAfterMs = 3_000;

interface Known {
  status: WorkerStatus;
  heardAtMs: number;
}

/** Follows `workers.available` and the heartbeats until `stop`. */
export class Workers {
  readonly #known = new Map<string, Known>();
  readonly #listeners = new Set<(status: WorkerStatus) => void>();
  readonly #subscriptions: Subscription[];
  readonly #clock: Clock;
  #badMessages = 0;

  constructor(bus: Bus, subjects: Subjects, clock: Clock, log: Log) {
    this.#clock = clock;
    const hear = (data: Uint8Array) => {
      try {
        this.#hear(unpack('worker status', workerStatus, data));
      } catch (error) {
        // The first of many: a worker of another version repeats it ten times a second.
        this.#badMessages += 1;
        if (this.#badMessages === 1) log.warn({ err: error }, 'dropped a worker status');
      }
    };
    const heard = [subjects.workersAvailable, subjects.heartbeat('*')];
    this.#subscriptions = heard.map((subject) => bus.subscribe(subject, (message) => hear(message.data)));
  }

  /** The living workers; those that are gone are forgotten. */
  all(): WorkerStatus[] {
    const now = this.#clock.now();
    for (const [id, { heardAtMs }] of this.#known) if (now - heardAtMs >= goneAfterMs) this.#known.delete(id);
    return [...this.#known.values()].map(({ status }) => status);
  }

  /** Whether this life of the worker goes on. */
  isAlive(workerId: string, epoch: string): boolean {
    return this.all().some((worker) => worker.workerId === workerId && worker.epoch === epoch);
  }

  /** Calls `listener` with every status. The returned function ends that. */
  onStatus(listener: (status: WorkerStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when a worker's status makes `condition` true, after `limitMs`, or when the signal aborts. */
  until(condition: () => boolean, limitMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        unlisten();
        cancel();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const unlisten = this.onStatus(() => condition() && end());
      const cancel = this.#clock.after(limitMs, end);
      signal.addEventListener('abort', end);
      if (condition() || signal.aborted) end();
    });
  }

  async stop(): Promise<void> {
    await Promise.all(this.#subscriptions.map((subscription) => subscription.drain()));
  }

  #hear(status: WorkerStatus): void {
    this.#known.set(status.workerId, { status, heardAtMs: this.#clock.now() });
    for (const listener of this.#listeners) listener(status);
  }
}

/** Whether a worker can start something new at once. */
export function isIdle(worker: WorkerStatus): boolean {
  return worker.freeSlots > 0 && worker.batchId === null && !worker.draining;
}

/** The largest number of these workers on any one host. */
export function mostOnOneHost(workers: readonly WorkerStatus[]): number {
  const onHost = new Map<string, number>();
  for (const { host } of workers) onHost.set(host, (onHost.get(host) ?? 0) + 1);
  return Math.max(0, ...onHost.values());
}
