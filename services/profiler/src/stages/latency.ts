/** Has workers time the grid of subnets and batch sizes, all of them at once: they share the cores. */
import {
  type Bus,
  type Clock,
  headerNames,
  measureReply,
  pack,
  SlacklineError,
  type Subjects,
  unpack,
  type WorkerStatus,
} from '@slackline/shared';
import type { SubnetSamples } from '../latency-table.js';
import type { Workers } from '../workers.js';
import { cellsOf, filledIn, planGrid } from './grid.js';

/** The grid is gone through more than once, so that a disturbance of the machine spreads over many cells. */
const rounds = 2;
/** A worker warms up and finishes what it began: it may take this much longer than its budget. */
const graceMs = 10_000;
const lossCheckMs = 250;

export interface Grid {
  model: string;
  digest: string;
  /** Ascending in cost. */
  subnets: string[];
  batches: number[];
  /** Time for each (subnet, batch) in milliseconds, over all rounds. */
  cellBudgetMs: number;
}

export interface LatencyDeps {
  bus: Bus;
  subjects: Subjects;
  clock: Clock;
  workers: Workers;
}

/**
 * The samples of all `timed` workers together. Rejects when one of them dies, refuses or does not answer: what the
 * others measured without it would be the latency of a less busy host. Of a large grid a part is timed (see grid.ts).
 *
 * @param onProgress is told how many of the steps are done
 */
export async function measureGrid(
  grid: Grid,
  timed: readonly WorkerStatus[],
  deps: LatencyDeps,
  onProgress: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<SubnetSamples[]> {
  const plan = planGrid(grid.subnets, grid.batches, grid.cellBudgetMs);
  const results = grid.subnets.map((id) => ({ id, samples: grid.batches.map((): number[] => []) }));
  const total = rounds * results.length;
  const watch = watchLoss(timed, deps, signal);
  try {
    for (let step = 0; step < total; step++) {
      const subnet = results[step % results.length];
      if (subnet === undefined) break;
      const cells = cellsOf(plan, subnet.id, grid.batches, grid.cellBudgetMs);
      const answers = Promise.all(timed.map((worker) => askWorker(worker, subnet.id, { ...grid, ...cells }, deps)));
      // A loss ends the wait; what becomes of the requests no longer matters.
      answers.catch(() => {});
      for (const samples of await Promise.race([answers, watch.lost])) {
        for (const [i, batch] of cells.batches.entries()) {
          subnet.samples[grid.batches.indexOf(batch)]?.push(...(samples[i] ?? []));
        }
      }
      onProgress(step + 1, total);
    }
    return filledIn(results, plan);
  } finally {
    watch.end();
  }
}

/** One worker's samples of one subnet, by batch size. */
async function askWorker(
  worker: WorkerStatus,
  subnet: string,
  grid: Grid & { budgetMs: number },
  deps: LatencyDeps,
): Promise<number[][]> {
  const budgetMs = grid.budgetMs / rounds;
  const request = {
    v: 1,
    model: grid.model,
    digest: grid.digest,
    subnets: [subnet],
    batches: grid.batches,
    budgetMs,
  } as const;
  const timeoutMs = 2 * budgetMs * grid.batches.length + graceMs;
  const reply = await deps.bus.request(deps.subjects.measure(worker.workerId), pack(request), { timeoutMs });
  const refusal = reply.headers.get(headerNames.serviceError);
  if (refusal !== undefined)
    throw new SlacklineError('executor_failed', `${worker.workerId} did not measure: ${refusal}`);
  const samples = unpack('measure reply', measureReply, reply.data).samplesMs[0];
  if (samples?.length === grid.batches.length && samples.every((cell) => cell.length > 0)) return samples;
  throw new SlacklineError('bad_message', `${worker.workerId} left out cells of the grid`);
}

/** Rejects `lost` once one of the workers is no longer heard or `signal` aborts, until `end` is called. */
function watchLoss(timed: readonly WorkerStatus[], { workers, clock }: LatencyDeps, signal: AbortSignal) {
  const { promise: lost, reject } = rejectable();
  const check = () => {
    const gone = timed.find((worker) => !workers.isAlive(worker.workerId, worker.epoch));
    if (gone !== undefined) reject(new SlacklineError('worker_lost', `${gone.workerId} went away while it was timed`));
    cancel = clock.after(lossCheckMs, check);
  };
  const onAbort = () => reject(signal.reason instanceof Error ? signal.reason : new Error('measuring was given up'));
  let cancel = clock.after(lossCheckMs, check);
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  const end = () => {
    cancel();
    signal.removeEventListener('abort', onAbort);
  };
  return { lost, end };
}

function rejectable(): { promise: Promise<never>; reject: (reason: Error) => void } {
  let reject: (reason: Error) => void = () => {};
  const promise = new Promise<never>((_resolve, onReject) => {
    reject = onReject;
  });
  promise.catch(() => {});
  return { promise, reject };
}
