/**
 * Memory of one supernet against six extracted subnets loaded side by side, each side in a process of its own
 * (memory-side.ts).
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { type Fleet, writeModelFleet, writeResNet } from './fleet.js';
import type { ServedModel } from './served.js';

const run = promisify(execFile);
const sidePath = fileURLToPath(new URL('memory-side.js', import.meta.url));

const Side = z.object({
  bytes: z.number(),
  loadedBytes: z.number(),
  form: z.string().optional(),
  actuatedBytes: z.number().optional(),
});

export interface Memory {
  readonly ratio: number;
  /** Hosted by the supernet. */
  readonly subnets: number;
  /** Growth of resident memory after all runs. */
  readonly supernetBytes: number;
  readonly sixExtractedBytes: number;
  /** One subnet's statistics over the shared weights. */
  readonly statisticsShare: number;
  readonly parameters: number;
  /** The subnets that ran, on both sides. */
  readonly chosen: readonly string[];
  /** The same growth before the first run: weights, graphs and statistics alone. */
  readonly loaded: { readonly supernetBytes: number; readonly sixExtractedBytes: number };
  /** Of the supernet's weights, what is made for active and recently active subnets. */
  readonly actuatedBytes: number;
  readonly form: string;
}

/** A network of ResNet-50's size with random weights. */
export function measureResNet(subnets: number, rounds: number): Promise<Memory> {
  return inFolder((folder) => measure(writeResNet(folder, subnets), rounds));
}

export function measureModel(model: ServedModel, rounds: number): Promise<Memory> {
  return inFolder((folder) => measure(writeModelFleet(folder, model), rounds));
}

async function inFolder(use: (folder: string) => Promise<Memory>): Promise<Memory> {
  const folder = mkdtempSync(join(tmpdir(), 'slackline-memory-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(fleet: Fleet, rounds: number): Promise<Memory> {
  const side = async (name: string) => {
    const { stdout } = await run(process.execPath, ['--expose-gc', sidePath, name, fleet.folder, String(rounds)]);
    return Side.parse(JSON.parse(stdout));
  };
  const [supernet, extracted] = await Promise.all([side('supernet'), side('extracted')]);
  return {
    ratio: extracted.bytes / supernet.bytes,
    subnets: fleet.subnets,
    supernetBytes: supernet.bytes,
    sixExtractedBytes: extracted.bytes,
    statisticsShare: fleet.statisticsShare,
    parameters: fleet.parameters,
    chosen: fleet.chosen,
    loaded: { supernetBytes: supernet.loadedBytes, sixExtractedBytes: extracted.loadedBytes },
    actuatedBytes: supernet.actuatedBytes ?? 0,
    form: supernet.form ?? '',
  };
}
