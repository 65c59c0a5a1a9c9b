/**
 * What faults are done to: the processes of a system, wherever they run. A plan of faults names roles; a target turns them
 * into victims.
 */

/** What a process is to the system. `nats` is the broker. */
export type Role = 'worker' | 'scheduler' | 'ingest' | 'nats';
export const roles: readonly Role[] = ['worker', 'scheduler', 'ingest', 'nats'];

/** What becomes of the bytes between a process and its broker. */
export type Cut =
  /** Every byte comes later. */
  | { kind: 'delay'; delayMs: number }
  /** Bytes vanish, both ways; the connection stays open: a network that is gone. */
  | { kind: 'drop' }
  /** Every connection is reset, and new ones too. */
  | { kind: 'reset' }
  /** What the process says arrives, what it should hear does not (`in`), or the other way round (`out`). */
  | { kind: 'half-open'; silent: 'in' | 'out' };

/** One process that faults can be done to. */
export interface Victim {
  readonly role: Role;
  /** As the target names it: `gpu-worker-3`, `scheduler-0`. */
  readonly name: string;
  readonly pid: number;
  /** Whether this scheduler held the lease when it was asked; false for all others. */
  readonly leads: boolean;
  /** SIGKILL. Resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM, and SIGKILL when it takes too long. Resolves when it has ended. */
  stop(): Promise<void>;
  /** SIGSTOP, and SIGCONT. */
  pause(): void;
  resume(): void;
  /** Starts it again after `kill` or `stop`; resolves when it is ready. Throws `chaos_unsupported` where others start it. */
  start(): Promise<void>;
  /** Does this to its connection until the returned function is called. Throws `chaos_unsupported` without a proxy. */
  cut(cut: Cut): () => void;
}

export interface Target {
  /** Where a producer connects. */
  readonly natsUrl: string;
  /** The processes of a role that live now; the leader first among schedulers. */
  victims(role: Role): Promise<Victim[]>;
}
