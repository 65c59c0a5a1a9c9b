/**
 * A nats-server of our own: started on a free port of the loopback, with JetStream, and never left behind.
 *
 *   running --stop(), kill()--> stopped --restart()--> running     (same port, same store)
 *   running | stopped --close()--> closed                          (a temporary store is removed)
 */
import { totalmem } from 'node:os';
import { describeExit, startFailure } from '../errors.js';
import { inCheckout } from '../paths.js';
import { dieWithParent } from '../processes/die-with-parent.js';
import { type Exit, type OwnedProcess, startOwnedProcess } from '../processes/owned-process.js';
import { TemporaryFolder } from '../temporary-folder.js';
import { findNatsBinary } from './find.js';

export interface NatsServerOptions {
  /** Path of the binary. Default: what {@link findNatsBinary} finds. */
  binary?: string;
  /** Default: any free port. */
  port?: number;
  /** Default `127.0.0.1`: nothing outside this machine reaches it. */
  host?: string;
  /** JetStream's folder, kept at the end. Default: a temporary one, removed at the end. */
  storeDir?: string;
  /** Largest message, in bytes. Default 8 MiB: a batch of inputs is one message. */
  maxPayloadBytes?: number;
  /** Default `infra/nats/local.conf` of the checkout; another one finds the same variables in its environment. */
  configFile?: string;
  /** File its log is appended to. */
  logFile?: string;
  /** How long it may take to be ready. Default 15 s: a store left by a killed server has to be read. */
  startLimitMs?: number;
}

/** How long a SIGTERM may take; it only has to sync its stores. */
const STOP_GRACE_MS = 5_000;
/**
 * Its garbage collector: by default it runs whenever the heap has doubled, and a broker whose heap is small then spends a
 * quarter of its time on it. Each time it has a core for tens of milliseconds, most of a query's limit. Beyond a quarter of the
 * machine's memory it runs as often as it must.
 * https://go.dev/doc/gc-guide
 */
const collector = { GOGC: '1600', GOMEMLIMIT: `${Math.floor(totalmem() / 4)}B` };
const DEFAULT_MAX_PAYLOAD_BYTES = 8 * 1024 * 1024;

/**
 * Starts a nats-server; resolves when it takes connections.
 * @throws SlacklineError `service_failed`, `nats_server_missing`
 */
export async function startNatsServer(options: NatsServerOptions = {}): Promise<NatsServer> {
  const binary = options.binary ?? (await findNatsBinary()).path;
  const server = new NatsServer(binary, options);
  try {
    await server.restart();
  } catch (error) {
    await server.close();
    throw error;
  }
  return server;
}

export class NatsServer {
  /** JetStream's folder. */
  readonly storeDir: string;
  readonly #binary: string;
  readonly #options: NatsServerOptions;
  readonly #temporary: TemporaryFolder | undefined;
  #port: number | undefined;
  #process: OwnedProcess | undefined;

  /** Use {@link startNatsServer}. */
  constructor(binary: string, options: NatsServerOptions) {
    this.#binary = binary;
    this.#options = options;
    this.#port = options.port;
    this.#temporary = options.storeDir === undefined ? new TemporaryFolder('nats') : undefined;
    this.storeDir = options.storeDir ?? this.#temporary?.path ?? '';
  }

  /** Where clients connect. The same after a restart. */
  get url(): string {
    return `nats://${this.#options.host ?? '127.0.0.1'}:${this.port}`;
  }

  get port(): number {
    if (this.#port === undefined) throw new Error('this nats-server has not been started');
    return this.#port;
  }

  /** Process id of the running server, or of the last one. */
  get pid(): number {
    if (this.#process === undefined) throw new Error('this nats-server has not been started');
    return this.#process.pid;
  }

  /** Settles when the server that now runs has ended, for whatever reason. */
  get exited(): Promise<Exit> {
    return this.#process?.exited ?? Promise.resolve({ code: 0, signal: null });
  }

  get isRunning(): boolean {
    return this.#process !== undefined && this.#process.exit === undefined;
  }

  /** What it logged last, oldest line first. */
  lastLines(): readonly string[] {
    return this.#process?.lastLines() ?? [];
  }

  /** Ends it in order (SIGTERM); the store stays for {@link restart}. */
  async stop(): Promise<void> {
    await this.#process?.end(STOP_GRACE_MS);
  }

  /** Ends it as a power cut would (SIGKILL); the store stays for {@link restart}. */
  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  /** SIGSTOP, SIGCONT …: what a test does to it. */
  signal(signal: NodeJS.Signals): void {
    this.#process?.signal(signal);
  }

  /**
   * Starts it again on the same port and store, stopping it first if it runs.
   * @throws SlacklineError `service_failed`
   */
  async restart(): Promise<void> {
    await this.stop();
    const ready = new ReadyLines();
    const server = await startOwnedProcess({
      ...dieWithParent(this.#binary, ['-c', this.#options.configFile ?? inCheckout('infra/nats/local.conf')]),
      env: { ...collector, ...process.env, ...this.#variables() },
      log: {
        onLine: (line) => ready.see(line),
        ...(this.#options.logFile !== undefined && {
          file: this.#options.logFile,
        }),
      },
    });
    this.#process = server;
    this.#port = await untilReady(server, ready, this.#options.startLimitMs ?? 15_000);
  }

  /** Ends it and removes its temporary store. It cannot be started again. */
  async close(): Promise<void> {
    await this.stop();
    this.#temporary?.remove();
  }

  /** What infra/nats/local.conf reads. A value is parsed as configuration: quotes keep a path a string. */
  #variables(): NodeJS.ProcessEnv {
    return {
      NATS_HOST: JSON.stringify(this.#options.host ?? '127.0.0.1'),
      NATS_PORT: String(this.#port ?? -1),
      NATS_MAX_PAYLOAD: String(this.#options.maxPayloadBytes ?? DEFAULT_MAX_PAYLOAD_BYTES),
      NATS_STORE_DIR: JSON.stringify(this.storeDir),
    };
  }
}

/** Watches the log for the two lines that tell the port and that clients may come. */
class ReadyLines {
  readonly port: Promise<number>;
  #resolve: (port: number) => void = () => undefined;
  #listensOn: number | undefined;

  constructor() {
    this.port = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  see(line: string): void {
    const listening = /Listening for client connections on \S*:(\d+)/.exec(line);
    if (listening) this.#listensOn = Number(listening[1]);
    if (line.endsWith('Server is ready') && this.#listensOn !== undefined) this.#resolve(this.#listensOn);
  }
}

async function untilReady(server: OwnedProcess, ready: ReadyLines, limitMs: number): Promise<number> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`was not ready within ${limitMs} ms`), limitMs);
  });
  const ended = server.exited.then((exit) => `${describeExit(exit)} before it was ready`);
  const outcome = await Promise.race([ready.port, ended, tooLate]);
  clearTimeout(timer);
  if (typeof outcome === 'number') return outcome;
  await server.kill();
  throw startFailure('nats-server', outcome, server.lastLines());
}
