/** What a measuring thread is given and asked. All of it can be sent between threads. */

import type { ArrayFile } from '@slackline/shared';
import type { SubnetConfig } from '@slackline/supernet';
import type { Labelled } from '../stages/accuracy.js';

/** What a thread knows from its start. Arrays and `stop` lie in memory that all threads share. */
export interface ThreadSources {
  onnx: Uint8Array;
  spec: unknown;
  calibration: ArrayFile | undefined;
  heldOut: Labelled;
  test: Labelled;
  /** One element, which is 1 once the threads are to give up what they do. */
  stop: Int32Array;
}

/** Measure the accuracy of a subnet, and its statistics first unless they are known. */
export interface RateTask {
  config: SubnetConfig;
  /** Encoded, or how many calibration rows they are to be computed on. */
  statistics: Uint8Array | { rows: number };
  on: 'heldOut' | 'test';
  /** Labelled rows, spread over all of them. */
  rows: number;
}

export interface RateResult {
  accuracy: number;
  /** Encoded. */
  statistics: Uint8Array;
  /** Rows that were sent through the network. */
  forwardRows: number;
}

/** Time subnets in turns, so that a disturbance touches all of them. */
export interface TimeTask {
  configs: SubnetConfig[];
  /** Rows of a run. */
  rows: number;
  /** Runs of each subnet that count. */
  runs: number;
}

/** Milliseconds of every run, `[subnet][run]`. */
export type TimeResult = number[][];

/** What the threads do, by name. */
export interface MeasuringCalls {
  rate: { task: RateTask; result: RateResult };
  time: { task: TimeTask; result: TimeResult };
}
export type CallName = keyof MeasuringCalls;

/** A call, or the word to end, which a thread hears after what it was told before. */
export type ThreadRequest = { [K in CallName]: { call: K; task: MeasuringCalls[K]['task'] } }[CallName] | 'end';
export type ThreadReply = { result: RateResult | TimeResult } | { error: unknown };
