/** The file of mapped weights from its making to its end, and which optimized graphs are trusted with it. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import * as ort from 'onnxruntime-node';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { subnetId } from '../config.js';
import { floatTensor, type Model, makeNode, type Tensor, type Value } from '../onnx/model.js';
import { floatOutput } from '../ort.js';
import { SupernetSession } from '../runtime/session.js';
import { analyse } from '../supernet.js';
import { drawConfigs, rowsOf } from '../testing/compare.js';
import { transformer } from '../testing/transformer.js';
import { folderPrefix, MappedFile } from './mapped-file.js';
import { mappingWorks, openMapped } from './mapped-graph.js';
import { fillUp, trusted } from './tuned.js';

describe.runIf(await mappingWorks())('mapped weights', () => {
  it('are not written once their file is closed, whoever has its descriptor by then', () => {
    const file = MappedFile.create(64);
    if (file === undefined) throw new Error('There is no shared memory.');
    file.close();
    file.close();
    expect(() => file.write(new Float32Array(4), 0)).toThrowError('closed');
  });

  it('leave no subnet active when they cannot be written', async () => {
    const { model, spec } = transformer({ layers: 1, heads: [1, 2], headSize: 4, hidden: [8], depths: [0, 1] });
    const supernet = analyse(model, spec);
    const hosted = drawConfigs(supernet, 0).map((config) => ({
      id: subnetId(supernet, config),
      config,
      statistics: {},
    }));
    // Room for one subnet: each switch writes.
    const session = await SupernetSession.open(supernet, hosted, { form: 'blocked', actuatedBytes: 0 });
    onTestFinished(() => session.release());
    const data = rowsOf(supernet, 1, 1);
    const spy = vi.spyOn(MappedFile.prototype, 'write').mockImplementation(() => {
      throw new Error('no room');
    });
    expect(() => session.actuate(1)).toThrowError('no room');
    spy.mockRestore();
    await expect(session.run(data, 1)).rejects.toThrowError('No subnet is active');
    session.actuate(1);
    expect(await session.run(data, 1)).toHaveLength(1);
  });

  it('of a process that was killed are swept away, those of a live one stay', () => {
    const { pid } = spawnSync(process.execPath, ['--version']);
    const [dead, alive] = [pid, process.ppid].map((id) => `/dev/shm/${folderPrefix()}${id}-sweep`);
    for (const folder of [dead, alive]) mkdirSync(folder ?? '');
    try {
      MappedFile.create(64)?.close();
      expect([existsSync(dead ?? ''), existsSync(alive ?? '')]).toEqual([false, true]);
    } finally {
      rmSync(alive ?? '', { recursive: true });
    }
  });

  it.each([
    // Behind them stands what hides a copied weight: a bound that only large numbers reach, or a small factor.
    ['in every number', 1, []],
    ['in large numbers alone', 1, ['Min']],
    ['in small numbers', 1e-5, []],
  ])('are only trusted to an optimized graph that follows them: %s', async (_, factor, ops) => {
    const bytes = 64 * 4;
    const file = MappedFile.create(bytes);
    if (file === undefined) throw new Error('There is no shared memory.');
    onTestFinished(() => file.close());
    const value = (name: string): Value => ({ name, type: 'float32', dims: ['n', 64] });
    const initializers = new Map<string, Tensor>([
      ['w', { type: 'float32', dims: [64], bytes: new Uint8Array(0), external: { file: file.name, offset: 0 } }],
      ['factor', floatTensor([], [factor])],
    ]);
    // The optimizer computes w + w once and for all.
    const nodes = [makeNode('Add', ['w', 'w'], ['twice'])];
    if (ops.length > 0) nodes.push(makeNode('Add', ['twice', 'w'], ['bound']), makeNode('Min', ['x', 'bound'], ['y']));
    else nodes.push(makeNode('Mul', ['x', 'twice'], ['product']), makeNode('Mul', ['product', 'factor'], ['y']));
    const graph = { name: 'g', inputs: [value('x')], outputs: [value('y')], nodes, initializers };
    const model: Model = { irVersion: 7, opsets: new Map([['', 13]]), graph };
    fillUp(file);
    const optimized = await openMapped(model, file, 1, true);
    file.write(new Float32Array(64).fill(3), 0);
    const session = await trusted(optimized, model, file, 1, [{ name: 'x', datatype: 'float32', shape: [-1, 64] }]);
    onTestFinished(() => session.release());
    const x = new ort.Tensor('float32', new Float32Array(64).fill(100), [1, 64]);
    expect(floatOutput(await session.run({ x }), 'y')[0]).toBeCloseTo(ops.length > 0 ? 9 : 600 * factor, 6);
  });
});
