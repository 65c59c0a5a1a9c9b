import { contentTypes, decode, type TensorData, type TensorMetadata } from '@slackline/shared';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { QueryBody } from './executor.js';
import { HostedModel, type SubnetSession } from './hosted-model.js';

const input: TensorMetadata = { name: 'x', datatype: 'FP32', shape: [-1, 2] };
const sums: TensorMetadata = { name: 'sum', datatype: 'FP32', shape: [-1, 1] };
const rows: TensorMetadata = { name: 'row', datatype: 'FP32', shape: [-1, 2] };

/** Sums up each row, times the index of the active subnet + 1; gives the rows themselves as a second output. */
class SummingSession implements SubnetSession {
  readonly actuated: number[] = [];
  readonly batches: number[] = [];
  failWith: Error | undefined;

  actuate(index: number): number {
    this.actuated.push(index);
    return 0.25;
  }
  async run(data: TensorData, count: number): Promise<TensorData[]> {
    this.batches.push(count);
    expect(data.length).toBe(2 * count);
    if (this.failWith !== undefined) throw this.failWith;
    const values = Float32Array.from(data as Float32Array);
    const factor = (this.actuated.at(-1) ?? 0) + 1;
    const sum = Float32Array.from(
      { length: count },
      (_, i) => factor * ((values[2 * i] ?? 0) + (values[2 * i + 1] ?? 0)),
    );
    return [sum, values];
  }
  release = () => Promise.resolve();
}

let session: SummingSession;
let model: HostedModel;
beforeEach(() => {
  session = new SummingSession();
  model = new HostedModel(session, { input, outputs: [sums, rows], subnets: ['small', 'large'] });
});

const raw = (a: number, b: number): QueryBody => ({
  contentType: contentTypes.bytes,
  body: new Uint8Array(Float32Array.of(a, b).buffer),
});
const damaged: QueryBody = { contentType: contentTypes.json, body: Buffer.from('{"inputs":') };

async function run(subnet: string, queries: QueryBody[]) {
  const { answers } = await model.run(subnet, queries);
  return answers.map((answer) =>
    'error' in answer ? 'error' : [...new Float32Array(Uint8Array.from(answer.outputs).buffer)],
  );
}

describe('a batch', () => {
  it('answers every query with its own row, in order, with those that cannot be decoded anywhere between', () => {
    const query = fc.option(fc.tuple(fc.integer({ min: -99, max: 99 }), fc.integer({ min: -99, max: 99 })));
    return fc.assert(
      fc.asyncProperty(fc.array(query, { minLength: 1, maxLength: 20 }), async (queries) => {
        const found = await run(
          'small',
          queries.map((row) => (row === null ? damaged : raw(...row))),
        );
        expect(found).toEqual(queries.map((row) => (row === null ? 'error' : [row[0] + row[1], ...row])));
      }),
    );
  });

  it('runs without the queries that cannot be decoded, and not at all when none can', async () => {
    await run('small', [damaged, raw(1, 2), damaged]);
    expect(session.batches).toEqual([1]);
    expect(await run('small', [damaged])).toEqual(['error']);
    expect(session.batches).toEqual([1]);
  });

  it('answers in the query’s content type', async () => {
    const request = { inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [3, 4] }] };
    const body = Buffer.from(JSON.stringify(request));
    const { answers } = await model.run('small', [{ contentType: contentTypes.json, body }]);
    const [answer] = answers;
    if (answer === undefined || 'error' in answer) throw new Error('no outputs');
    expect(JSON.parse(Buffer.from(answer.outputs).toString())).toEqual([
      { name: 'sum', shape: [1, 1], datatype: 'FP32', data: [7] },
      { name: 'row', shape: [1, 2], datatype: 'FP32', data: [3, 4] },
    ]);
  });
});

describe('actuation', () => {
  it('happens when the subnet changes, and only then', async () => {
    expect(await run('large', [raw(1, 2)])).toEqual([[6, 1, 2]]);
    await run('large', [raw(1, 2)]);
    await run('small', [raw(1, 2)]);
    expect(session.actuated).toEqual([1, 0]);
    expect((await model.run('small', [raw(1, 2)])).actuationMs).toBe(0);
    expect((await model.run('large', [raw(1, 2)])).actuationMs).toBe(0.25);
  });

  it('happens anew after a run that failed', async () => {
    await run('small', [raw(1, 2)]);
    session.failWith = new Error('out of memory');
    const { answers } = await model.run('small', [raw(1, 2), damaged, raw(3, 4)]);
    expect(answers[0]).toEqual({ error: 'out of memory' });
    expect(answers[1]).toHaveProperty('error', expect.stringContaining('JSON'));
    expect(answers[2]).toEqual({ error: 'out of memory' });
    session.failWith = undefined;
    expect(await run('small', [raw(1, 2)])).toEqual([[3, 1, 2]]);
    expect(session.actuated).toEqual([0, 0]);
  });

  it('of a subnet that is not hosted is an error of each query', async () => {
    expect(await run('huge', [raw(1, 2), raw(3, 4)])).toEqual(['error', 'error']);
  });
});

it('warming up visits every subnet', async () => {
  await model.warmUp(1_000);
  expect(session.actuated).toEqual([0, 1]);
});

it('msgpack outputs are bytes in the array of outputs', async () => {
  const request = { inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [3, 4] }] };
  const { encode } = await import('@slackline/shared');
  const { answers } = await model.run('small', [{ contentType: contentTypes.msgpack, body: encode(request) }]);
  const [answer] = answers;
  if (answer === undefined || 'error' in answer) throw new Error('no outputs');
  const decoded = decode(answer.outputs) as { name: string; data: Uint8Array }[];
  expect(decoded.map(({ name, data }) => [name, data.length])).toEqual([
    ['sum', 4],
    ['row', 8],
  ]);
});
