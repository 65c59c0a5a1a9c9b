/** What the worker's main thread and its inference thread say to each other. Buffers are transferred both ways. */
import type { ExecutionProvider } from '@slackline/supernet';
import type { MeasureGrid } from './executor.js';
import type { Gathered } from './gathered.js';

/** Calls and what they return. The thread serves them one after another. */
export interface ThreadCalls {
  load: { args: { digest: string; data: Uint8Array }; result: { subnets: string[] } };
  unload: { args: { digest: string }; result: null };
  run: {
    args: { digest: string; subnet: string; contentTypes: string[]; bodies: Gathered };
    result: PackedResult;
  };
  measure: { args: MeasureGrid; result: number[][][] };
  close: { args: null; result: null };
}
export type CallName = keyof ThreadCalls;

/** The answers of a batch: where there is an error, the query's outputs are empty. */
export interface PackedResult {
  outputs: Gathered;
  errors: (string | null)[];
  actuationMs: number;
  inferenceMs: number;
}

export type ThreadRequest =
  | { [K in CallName]: { call: K; id: number; args: ThreadCalls[K]['args'] } }[CallName]
  /** Ends the measurement that is going on; not answered. */
  | { call: 'abandon' };

export type ThreadReply = { id: number; result: unknown } | { id: number; error: string };

/** What the thread is started with. */
export interface ThreadData {
  /** Threads of one inference. */
  threads: number;
  executionProvider: ExecutionProvider;
}
