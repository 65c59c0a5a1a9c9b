/**
 * A thread that measures subnets: a run of ONNX Runtime blocks its thread, and there are as many cores as threads. Holds
 * the supernet, and takes one task after the other.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { rows } from '@slackline/shared';
import {
  calibrate,
  decodeStatistics,
  encodeStatistics,
  type HostedSubnet,
  readSupernet,
  type SubnetConfig,
  SupernetSession,
  subnetId,
  type TypedArray,
} from '@slackline/supernet';
import { type Labelled, top1Accuracies } from '../stages/accuracy.js';
import type {
  RateResult,
  RateTask,
  ThreadReply,
  ThreadRequest,
  ThreadSources,
  TimeResult,
  TimeTask,
} from './measuring-tasks.js';
import { spread, spreadRows } from './sources.js';

const sources = workerData as ThreadSources;
const supernet = readSupernet(sources.onnx, sources.spec);
/** Parts of the sources that were asked for: nearly every task asks for the same. */
const labelledParts = new Map<string, Labelled>();
const calibrationParts = new Map<number, TypedArray>();
/** Enough for a forward pass that takes the usual time; what is computed does not matter. */
const timingCalibrationRows = 32;

/** Asked between runs: a thread that is ended within one takes the whole process with it. */
const signal = {
  throwIfAborted(): void {
    if (Atomics.load(sources.stop, 0) !== 0) throw new Error('the measurement was given up');
  },
};

async function rate({ config, statistics, on, rows: count }: RateTask): Promise<RateResult> {
  const own = statistics instanceof Uint8Array ? statistics : await statisticsOf(config, statistics.rows);
  const part = kept(labelledParts, `${on} ${count}`, () => spread(sources[on], count));
  const [accuracy] = await top1Accuracies(supernet, [hosted(config, own)], part, { signal });
  const calibrated = statistics instanceof Uint8Array ? 0 : Math.min(statistics.rows, calibrationRows());
  return { accuracy: accuracy ?? 0, statistics: own, forwardRows: calibrated + part.labels.length };
}

async function time({ configs, rows: count, runs }: TimeTask): Promise<TimeResult> {
  const subnets: HostedSubnet[] = [];
  for (const config of configs) subnets.push(hosted(config, await statisticsOf(config, timingCalibrationRows)));
  const session = await SupernetSession.open(supernet, subnets);
  const input = rows(sources.heldOut.images, 0, count);
  const samples: TimeResult = subnets.map(() => []);
  try {
    for (let turn = 0; turn < runs; turn++) {
      for (const [index, own] of samples.entries()) {
        signal.throwIfAborted();
        session.actuate(index);
        const data = input.data.slice();
        // The first run after a change of subnet finds cold caches; a worker's batches mostly do not.
        await session.run(data, input.shape[0] ?? 0);
        const begun = performance.now();
        await session.run(data, input.shape[0] ?? 0);
        own.push(performance.now() - begun);
      }
    }
    return samples;
  } finally {
    await session.release();
  }
}

function hosted(config: SubnetConfig, statistics: Uint8Array): HostedSubnet {
  return { id: subnetId(supernet, config), config, statistics: decodeStatistics(statistics) };
}

/** Statistics on calibration rows spread over all, encoded. */
async function statisticsOf(config: SubnetConfig, count: number): Promise<Uint8Array> {
  signal.throwIfAborted();
  const { calibration } = sources;
  if (calibration === undefined) return encodeStatistics({});
  // A copy: ONNX Runtime takes no memory that threads share.
  const images = kept(calibrationParts, count, () => spreadRows(calibration, count).data.slice());
  return encodeStatistics(await calibrate(supernet, config, images));
}

function kept<K, V>(known: Map<K, V>, key: K, make: () => V): V {
  const value = known.get(key) ?? make();
  known.set(key, value);
  return value;
}

function calibrationRows(): number {
  return sources.calibration?.shape[0] ?? 0;
}

async function answer(request: Exclude<ThreadRequest, 'end'>): Promise<ThreadReply> {
  try {
    signal.throwIfAborted();
    return { result: await (request.call === 'rate' ? rate(request.task) : time(request.task)) };
  } catch (error) {
    return { error };
  }
}

/** One call after the other; the caller waits for the answer to each. */
function listen(port: MessagePort): void {
  port.on('message', (request: ThreadRequest) => {
    if (request === 'end') port.close();
    else
      answer(request).then(
        (reply) => port.postMessage(reply),
        (error: unknown) => port.postMessage({ error }),
      );
  });
}

if (parentPort !== null) listen(parentPort);
