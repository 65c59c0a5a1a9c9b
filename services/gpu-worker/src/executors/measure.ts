/**
 * Times a grid of (subnet, batch size) on the very path that batches take. The cells are visited in turns, a few runs
 * at a time, so that a noisy second of the machine touches all of them and not one alone.
 */
import { contentTypes, elementBytes, newTensorData, rowElements, type TensorMetadata } from '@slackline/shared';
import type { MeasureGrid, QueryBody } from './executor.js';
import type { HostedModel } from './hosted-model.js';

/** More samples of a cell than this say nothing new. */
export const mostSamples = 200;
/** Samples of a whole grid, 9 bytes each: the reply has to fit into one message of a megabyte. */
const mostSamplesOfGrid = 100_000;
/** Fewer give no percentile; a cell gets them even where its budget is spent earlier. */
export const fewestSamples = 3;
/** Runs of one visit that count; one before them, after the switch of subnet, does not. */
const runsPerVisit = 5;

interface Cell {
  subnet: string;
  queries: QueryBody[];
  samplesMs: number[];
  spentMs: number;
}

/** Samples in milliseconds, `[subnet][batch]`. Throws when a run fails or `stopped` says so. */
export async function measureGrid(
  model: Pick<HostedModel, 'run' | 'input' | 'subnets'>,
  grid: MeasureGrid,
  { stopped }: { stopped: () => boolean },
): Promise<number[][][]> {
  const unknown = grid.subnets.find((subnet) => !model.subnets.has(subnet));
  if (unknown !== undefined) throw new Error(`the subnet ${unknown} is not hosted`);
  const largest = randomQueries(model.input, Math.max(...grid.batches));
  const newCell = (subnet: string, batch: number) => ({
    subnet,
    queries: largest.slice(0, batch),
    samplesMs: [],
    spentMs: 0,
  });
  const table: Cell[][] = grid.subnets.map((subnet) => grid.batches.map((batch) => newCell(subnet, batch)));
  const most = Math.min(mostSamples, Math.floor(mostSamplesOfGrid / table.flat().length));
  const isDone = ({ samplesMs, spentMs }: Cell) =>
    samplesMs.length >= most || (spentMs >= grid.budgetMs && samplesMs.length >= fewestSamples);

  for (let open = table.flat(); open.length > 0; open = open.filter((cell) => !isDone(cell))) {
    for (const cell of open) {
      // The warm-up is left out of the samples, not of the budget.
      cell.spentMs += await runOnce(model, cell, stopped);
      for (let run = 0; run < runsPerVisit && !isDone(cell); run++) {
        const ms = await runOnce(model, cell, stopped);
        cell.samplesMs.push(ms);
        cell.spentMs += ms;
      }
    }
  }
  return table.map((row) => row.map((cell) => cell.samplesMs));
}

async function runOnce(
  model: Pick<HostedModel, 'run'>,
  { subnet, queries }: Cell,
  stopped: () => boolean,
): Promise<number> {
  // Lets the word to stop in: a run may block the thread for its whole duration.
  await new Promise((resolve) => setImmediate(resolve));
  if (stopped()) throw new Error('the measurement was abandoned');
  const { answers, inferenceMs } = await model.run(subnet, queries);
  for (const answer of answers) if ('error' in answer) throw new Error(answer.error);
  return inferenceMs;
}

/** Valid rows of noise: fractions of one for floats, zeros and ones for integers (they may be indices), bytes for UINT8. */
function randomQueries(input: TensorMetadata, count: number): QueryBody[] {
  const elements = rowElements(input);
  return Array.from({ length: count }, () => {
    const { data, bytes } = newTensorData(input.datatype, elements);
    for (let i = 0; i < elements; i++) {
      if (data instanceof BigInt64Array) data[i] = Math.random() < 0.5 ? 0n : 1n;
      else data[i] = randomElement(input);
    }
    return { contentType: contentTypes.bytes, body: bytes.subarray(0, elements * elementBytes(input.datatype)) };
  });
}

function randomElement({ datatype }: TensorMetadata): number {
  if (datatype === 'FP32' || datatype === 'FP64') return Math.random();
  return Math.floor(Math.random() * (datatype === 'UINT8' ? 256 : 2));
}
