/** What can be known of CUDA without loading it. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Adapter } from './adapter.js';

const run = promisify(execFile);

/** Why CUDA cannot work with the binaries that are installed; undefined when nothing stands against trying. */
export function missingCudaLibrary(): string | undefined {
  const main = createRequire(import.meta.url).resolve('onnxruntime-node');
  const folder = join(dirname(main), '..', 'bin', 'napi-v6', process.platform, process.arch);
  const library = join(folder, 'libonnxruntime_providers_cuda.so');
  return existsSync(library) ? undefined : 'onnxruntime-node is installed without its CUDA binaries';
}

/** The GPU that CUDA takes as its first: the first of `CUDA_VISIBLE_DEVICES`, which is an index or an id. */
export async function cudaAdapter(env: NodeJS.ProcessEnv): Promise<Adapter | undefined> {
  const [first = ''] = (env.CUDA_VISIBLE_DEVICES ?? '').split(',');
  const args = ['--query-gpu=name', '--format=csv,noheader', '-i', first.trim() || '0'];
  try {
    const { stdout } = await run('nvidia-smi', args, { timeout: 5_000 });
    const name = stdout.trim().split('\n')[0];
    return name ? { name, software: false } : undefined;
  } catch {
    // No nvidia-smi: a container without NVIDIA's tools.
    return undefined;
  }
}
