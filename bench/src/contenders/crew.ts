/** The processes of a contender: started together, one that ends by itself fails whatever is under way, ended together. */
import { describeEvent, type NatsServer, type ServiceSpec, Supervisor, startNatsServer } from '@slackline/local';

const stopGraceMs = 2_000;

export class Crew {
  readonly #supervisor: Supervisor;
  readonly #failure = new AbortController();
  readonly #signal: AbortSignal;
  #nats: NatsServer | undefined;
  #stopped: Promise<void> | undefined;

  /** @param signal ends a start and every step */
  constructor(signal: AbortSignal) {
    this.#signal = AbortSignal.any([signal, this.#failure.signal]);
    this.#supervisor = new Supervisor({
      stopGraceMs,
      onEvent: (event) => {
        if (event.kind !== 'exited' || event.expected) return;
        this.fail(new Error([describeEvent(event), ...event.lastLines].join('\n')));
      },
    });
  }

  /** Aborted when the work is given up or a process has ended by itself. */
  get signal(): AbortSignal {
    return this.#signal;
  }

  /** Whatever is under way ends with this error. */
  fail(error: Error): void {
    this.#failure.abort(error);
  }

  /** Starts a nats-server, whose store goes with it. Throws as `startNatsServer`. */
  async startNats(): Promise<NatsServer> {
    this.#signal.throwIfAborted();
    this.#nats = await startNatsServer();
    return this.#nats;
  }

  /** Starts a process, waits until it is ready and resolves with what it said of itself. Throws `service_failed` and the reason of the signal. */
  async start(spec: ServiceSpec): Promise<Readonly<Record<string, unknown>>> {
    this.#signal.throwIfAborted();
    const end = () => void this.#supervisor.stop();
    this.#signal.addEventListener('abort', end, { once: true });
    try {
      return await (await this.#supervisor.spawnService(spec)).ready;
    } catch (error) {
      this.#signal.throwIfAborted();
      throw error;
    } finally {
      this.#signal.removeEventListener('abort', end);
    }
  }

  /** Ids of the processes by their names, nats-server as `nats`. */
  pids(): Record<string, number> {
    const pids = Object.fromEntries(this.#supervisor.all().map(({ name, pid }) => [name, pid]));
    return this.#nats === undefined ? pids : { ...pids, nats: this.#nats.pid };
  }

  /** Ends all. May be called more than once. */
  stop(): Promise<void> {
    this.#stopped ??= this.#supervisor.stop().then(() => this.#nats?.close());
    return this.#stopped;
  }
}
