/**
 * Loaded into the services of a soak before their own code (`--import`): on SIGUSR2 it collects all garbage and writes what
 * is left into a file. Nothing of the service is changed, and without the signal nothing happens.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';

const folder = process.env.SLACKLINE_HEAP_DIR;
if (isMainThread && folder !== undefined) process.on('SIGUSR2', () => report(folder));

function report(folder: string): void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') collect();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  const path = join(folder, String(process.pid));
  // Whole or not at all: somebody waits for it.
  writeFileSync(`${path}.part`, JSON.stringify({ heapUsed, external, arrayBuffers }));
  renameSync(`${path}.part`, `${path}.json`);
}
