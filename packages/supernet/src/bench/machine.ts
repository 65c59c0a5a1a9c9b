/** What the figures were measured on. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, totalmem } from 'node:os';
import { z } from 'zod';
import { blockSize } from '../blocked/block-size.js';
import { mappingWorks } from '../blocked/mapped-graph.js';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly node: string;
  readonly onnxruntime: string;
  /** Channels per block of ONNX Runtime's layout here; undefined: there is none. */
  readonly blockSize: number | undefined;
  /** Whether weights can be mapped. */
  readonly mapping: boolean;
}

export async function machine(): Promise<Machine> {
  const [first, ...others] = cpus();
  const manifest = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
  const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync(manifest, 'utf8')));
  return {
    cpu: first?.model.trim() ?? 'unknown',
    cores: others.length + 1,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    onnxruntime: version,
    blockSize: await blockSize(),
    mapping: await mappingWorks(),
  };
}
