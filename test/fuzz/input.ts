/** What the fuzzer throws at a system: one message, or raw bytes, at one door, and what may become of it. */
import type { Random } from '../harness/random.js';

/** A message as it goes onto the wire. */
export interface Frame {
  subject: string;
  data: Uint8Array;
  /** A whole header block, well-formed or not. */
  headers?: Uint8Array;
  /** `inbox`: an inbox of the fuzzer's, where an answer is looked for; absent: none. */
  reply?: string;
}

export interface Input {
  /** What kind of garbage it is, for the report. */
  kind: string;
  frames: Frame[];
  /** Bytes for a connection of their own: no message at all. */
  wire?: Uint8Array;
  /** Whether an answer must come to the inbox (`must`), may come, or whether silence is documented (`never`). */
  answer: 'must' | 'may' | 'never';
  /** Hits the system as a whole (its lease, a worker's name): so much later a good query is awaited before the next input. */
  settlesMs?: number;
}

/** What inputs are made of beside chance: the system as it is. */
export interface Facts {
  /** The model that good queries ask; no input changes its catalog entry to another valid one. */
  model: string;
  /** Bytes of one good row. */
  row: Uint8Array;
  deviceClass: string;
  digest: string;
  maxPayloadBytes: number;
  /** Ids of the workers, with the epoch that each had last. */
  workers: ReadonlyMap<string, string>;
  /** Of the one scheduler, as in its lease. */
  schedulerId: string;
  /** The fencing token of the leader, as its last batch command said. */
  token: number;
  /** Inboxes of others that were overheard. */
  inboxes: readonly string[];
}

export interface Door {
  name: string;
  /** How often, among the doors. */
  weight: number;
  /** What becomes of what comes in here, for the report. */
  rule: string;
  draw(random: Random, facts: Facts): Input;
}
