/**
 * One side of the memory measurement, in a process of its own: loads what it is to load, runs it, and prints by how
 * much its resident memory grew over what the process took when it had run a trivial model.
 *
 * Usage: node --expose-gc dist/bench/memory-side.js supernet|extracted FOLDER ROUNDS
 */
import '../no-telemetry.js';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { type Model, makeNode, type Value } from '../onnx/model.js';
import { openSession } from '../ort.js';
import { SupernetSession } from '../runtime/session.js';
import { readFleet, readIndex } from './fleet.js';
import { pixels } from './measure.js';

const BATCH = 16;

/** What is loaded. It lives until the process ends, so that none of it is garbage when memory is read. */
interface Side {
  /** Runs each chosen subnet once. */
  round(): Promise<void>;
  readonly detail: object;
}

async function trivialRun(): Promise<void> {
  const value = (name: string): Value => ({ name, type: 'float32', dims: [1] });
  const nodes = [makeNode('Relu', ['x'], ['y'])];
  const graph = { name: 'trivial', inputs: [value('x')], outputs: [value('y')], nodes, initializers: new Map() };
  const model: Model = { irVersion: 8, opsets: new Map([['', 13]]), graph };
  const session = await openSession(model);
  await session.run({ x: new ort.Tensor('float32', new Float32Array(1), [1]) });
  await session.release();
}

/** Resident bytes when all garbage is gone. */
async function resident(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage.rss();
}

/** The Supernet and all statistics are garbage when this returns: what is needed of them is in the session. */
async function supernetSide(folder: string, data: Uint8Array): Promise<Side> {
  const { supernet, subnets } = readFleet(folder);
  const { chosen } = readIndex(folder);
  const session = await SupernetSession.open(supernet, subnets);
  return {
    detail: { form: session.form, actuatedBytes: session.actuatedBytes },
    round: async () => {
      for (const index of chosen) {
        session.actuate(index);
        await session.run(data, BATCH);
      }
    },
  };
}

async function extractedSide(folder: string, data: Uint8Array): Promise<Side> {
  const { chosen, input } = readIndex(folder);
  const sessions: ort.InferenceSession[] = [];
  for (const i of chosen.keys()) sessions.push(await openSession(readFileSync(join(folder, `extracted-${i}.onnx`))));
  return {
    detail: {},
    round: async () => {
      for (const session of sessions) {
        await session.run({ [input.name]: new ort.Tensor('uint8', data, [BATCH, ...input.sizes]) });
      }
    },
  };
}

const [, , which = '', folder = '', rounds = '20'] = process.argv;
const { input } = readIndex(folder);
const data = pixels(input.sizes.reduce((product, size) => product * size, BATCH));
await trivialRun();
const before = await resident();
const side = which === 'supernet' ? await supernetSide(folder, data) : await extractedSide(folder, data);
const loaded = await resident();
for (let i = 0; i < Number(rounds); i++) await side.round();
const after = await resident();
console.log(JSON.stringify({ bytes: after - before, loadedBytes: loaded - before, ...side.detail }));
