/** What a system on one machine is made of, and what is told while it starts. */
import type { ProcessEvent } from '../processes/supervisor.js';

/** In the order that they are started in. */
export const serviceKinds = ['profiler', 'ingest', 'scheduler', 'gpu-worker'] as const;
export type ServiceKind = (typeof serviceKinds)[number];

/** A step of starting, in order. `progress` comes any number of times between the other two. */
export type SystemStep =
  | { step: StepName; state: 'started' | 'done' }
  | { step: StepName; state: 'progress'; message: string };
export type StepName = 'nats-server' | ServiceKind;

/** Workers that are alike. */
export interface WorkerGroup {
  count: number;
  /** More variables for them; they win over those of all workers. */
  env: Readonly<Record<string, string>>;
}

export interface SystemOptions {
  /** How many workers, or how many of each kind. Default 2. */
  workers?: number | readonly WorkerGroup[];
  /** Default 1; they share the queries. */
  ingests?: number;
  /** Default 1; one leads, the others stand by. */
  schedulers?: number;
  /**
   * Start what died again: everything, or services of these kinds. Default: off, a dead worker only lowers capacity. The
   * profiler always comes back.
   */
  restore?: boolean | readonly ServiceKind[];
  /**
   * A process's own way to NATS, for instance through a proxy; asked once for each process, before its first start.
   * Default: the way there is.
   */
  natsUrlOf?: (name: string, natsUrl: string) => string | Promise<string>;
  /** Scheduling priority of the workers, 0 to 19. Default 3: inference takes what the path of the messages leaves. */
  workerNiceness?: number;
  /** pino's levels. Default `info`. */
  logLevel?: string;
  /** Folder that gets one log file a process. Default: only the last lines of each, in memory. */
  logDir?: string;
  /** Tokens before every subject: several systems share one NATS. */
  subjectPrefix?: string;
  /** Folder of JetStream's store, kept at the end. Default: a temporary one. Without meaning where NATS_URL is set. */
  storeDir?: string;
  storage?: 'memory' | 'file';
  /** Largest message of the nats-server started here, in bytes. */
  maxPayloadBytes?: number;
  /** More variables: for all services, or for one kind, which wins. */
  env?: Partial<Record<ServiceKind | 'all', Readonly<Record<string, string>>>>;
  /** Node's own options, such as `--import` of a module that measures: for all services, and for each kind besides. */
  nodeOptions?: Partial<Record<ServiceKind | 'all', readonly string[]>>;
  /** Modules that run in place of the services' own entries; absolute paths. */
  entries?: Partial<Record<ServiceKind, string>>;
  /** How long a process may take to be ready. */
  readyLimitMs?: number;
  /** How long a process may drain when the system stops. */
  stopGraceMs?: number;
  /** Ends a start that is under way; it then rejects with the signal's reason. */
  signal?: AbortSignal;
  onStep?: (step: SystemStep) => void;
  /** Told when a process starts, is ready or ends, at any time until the system has stopped. */
  onEvent?: (event: ProcessEvent) => void;
}
