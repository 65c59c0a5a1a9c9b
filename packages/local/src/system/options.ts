/** What a system on one machine is made of, and what is told while it starts. */
import type { ProcessEvent } from '../processes/supervisor.js';

export type ServiceKind = 'profiler' | 'ingest' | 'scheduler' | 'gpu-worker';

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
  /** Start a worker again that died. Default: off, a dead worker only lowers capacity. The profiler always comes back. */
  restore?: boolean;
  /** Scheduling priority of the workers, 0 to 19. Default 10: inference takes what the path of the messages leaves. */
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
