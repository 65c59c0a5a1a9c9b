import { contentTypes, elementBytes, rowElements, type TensorMetadata } from '@slackline/shared';
import { describe, expect, it } from 'vitest';
import type { QueryBody } from './executor.js';
import { fewestSamples, measureGrid, mostSamples } from './measure.js';

const input: TensorMetadata = { name: 'x', datatype: 'UINT8', shape: [-1, 3] };

/** Takes one millisecond per query on `small`, three on `large`. */
function model() {
  const visited: string[] = [];
  return {
    visited,
    input,
    subnets: new Set(['small', 'large']),
    async run(subnet: string, queries: readonly QueryBody[]) {
      for (const { contentType, body } of queries) {
        expect(contentType).toBe(contentTypes.bytes);
        expect(body.length).toBe(rowElements(input) * elementBytes(input.datatype));
      }
      visited.push(`${subnet} ${queries.length}`);
      const inferenceMs = (subnet === 'small' ? 1 : 3) * queries.length;
      return { answers: queries.map(() => ({ outputs: new Uint8Array(1) })), actuationMs: 9, inferenceMs };
    },
  };
}
const never = { stopped: () => false };
const grid = { digest: 'd', subnets: ['small', 'large'], batches: [1, 8], budgetMs: 50 };

describe('measuring a grid', () => {
  it('gives the samples of each cell in the order of the request, without the time of actuation', async () => {
    const samples = await measureGrid(model(), grid, never);
    const kinds = samples.map((row) => row.map((cell) => [...new Set(cell)]));
    expect(kinds).toEqual([
      [[1], [8]],
      [[3], [24]],
    ]);
  });

  it('spends the budget on each cell, warm-up included, and never less than a percentile needs', async () => {
    const [small, large] = await measureGrid(model(), grid, never);
    // 50 runs of 1 ms in visits of six, of which the first does not count: 8 x 5 + 1.
    expect(small?.[0]?.length).toBe(41);
    expect(large?.[1]?.length).toBe(fewestSamples);
  });

  it('bounds the samples, whatever the budget', async () => {
    const samples = await measureGrid(model(), { ...grid, budgetMs: 1e9 }, never);
    for (const cell of samples.flat()) expect(cell.length).toBe(mostSamples);
  });

  it('visits the cells in turns', async () => {
    const timed = model();
    await measureGrid(timed, grid, never);
    const changes = timed.visited.filter((cell, i) => cell !== timed.visited[i - 1]);
    expect(changes.slice(0, 6)).toEqual(['small 1', 'small 8', 'large 1', 'large 8', 'small 1', 'small 8']);
  });

  it('ends when it is told to stop', async () => {
    const timed = model();
    const stopped = () => timed.visited.length >= 4;
    await expect(measureGrid(timed, grid, { stopped })).rejects.toThrow('abandoned');
    expect(timed.visited.length).toBe(4);
  });

  it('refuses a subnet that is not hosted', async () => {
    await expect(measureGrid(model(), { ...grid, subnets: ['huge'] }, never)).rejects.toThrow('huge');
  });
});
