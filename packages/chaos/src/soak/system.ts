/** The system that a soak runs: emulated devices, two models, several of every service, streams in files. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from '@slackline/client';
import { type ProcessEvent, type RunningSystem, startSystem, TemporaryFolder } from '@slackline/local';
import { type ModelEntry, SlacklineError } from '@slackline/shared';

export interface SoakSystemOptions {
  workers: number;
  schedulers: number;
  ingests: number;
  /** How long RESULTS keeps an answer. */
  resultsAgeMs: number;
  /** Folder of the processes' logs. */
  logDir?: string;
  /** A process's own way to NATS. */
  natsUrlOf?: (name: string, natsUrl: string) => string | Promise<string>;
  /** More variables for all services. */
  env: Readonly<Record<string, string>>;
  signal: AbortSignal;
  onEvent: (event: ProcessEvent) => void;
}

export interface SoakSystem {
  system: RunningSystem;
  models: ModelEntry[];
  stop(): Promise<void>;
}

const deviceClass = 'emulated-soak';
/** Rows of the second model are above what a batch command carries: the worker fetches them from the stream. */
const tables = [
  { name: 'small', rowBytes: 784, scaleMs: 1 },
  { name: 'large', rowBytes: 128 * 128 * 3, scaleMs: 2 },
] as const;
const batches = [1, 2, 4, 8, 16];
const subnets = [
  { id: 'least', accuracy: 0.71, firstMs: 2 },
  { id: 'middle', accuracy: 0.77, firstMs: 4 },
  { id: 'best', accuracy: 0.8, firstMs: 8 },
];
const readyLimitMs = 30_000;

/** Starts it; resolves when both models answer. What was started is ended when this rejects. */
export async function startSoakSystem(options: SoakSystemOptions): Promise<SoakSystem> {
  const { workers, schedulers, ingests, resultsAgeMs, logDir, natsUrlOf, env, signal, onEvent } = options;
  const folder = new TemporaryFolder('soak');
  let system: RunningSystem | undefined;
  const stop = async () => {
    await system?.stop();
    folder.remove();
  };
  try {
    const files = await writeTables(folder.path);
    system = await startSystem({
      workers,
      schedulers,
      ingests,
      workerNiceness: 0,
      storage: 'file',
      subjectPrefix: process.env.SUBJECT_PREFIX ?? '',
      ...(logDir !== undefined && { logDir }),
      ...(natsUrlOf && { natsUrlOf }),
      env: {
        all: { ...env, RESULTS_MAX_AGE_MS: String(resultsAgeMs) },
        profiler: { MODELS_DIRS: '', EMULATED_PROFILES: files.join(), PROFILE_DIR: folder.path },
        'gpu-worker': { EXECUTOR: 'emulated', DEVICE_CLASS: deviceClass },
      },
      signal,
      onEvent,
    });
    return { system, models: await untilServed(system, signal), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function writeTables(folder: string): Promise<string[]> {
  const files: string[] = [];
  for (const { name, rowBytes, scaleMs } of tables) {
    // A batch costs what its first row does, and a quarter of that for each other one.
    const cells = (firstMs: number) => batches.map((batch) => firstMs * scaleMs * (0.75 + batch / 4));
    const table = {
      v: 1,
      source: 'made up for the soak',
      model: name,
      deviceClass,
      executor: 'emulated',
      concurrency: 1,
      measuredAt: 'never',
      batches,
      entry: {
        inputs: [{ name: 'image', datatype: 'UINT8', shape: [-1, rowBytes] }],
        outputs: [{ name: 'logits', datatype: 'FP32', shape: [-1, 10] }],
        sloMs: 200,
      },
      subnets: subnets.map(({ id, accuracy, firstMs }) => ({
        id,
        accuracy,
        p50Ms: cells(firstMs),
        p99Ms: cells(firstMs),
      })),
    };
    const file = join(folder, `${name}.json`);
    await writeFile(file, JSON.stringify(table));
    files.push(file);
  }
  return files;
}

/** Asks each model until it has answered once. Throws `service_failed` when it never does. */
async function untilServed(system: RunningSystem, signal: AbortSignal): Promise<ModelEntry[]> {
  const client = await connect({
    url: system.natsUrl,
    prefix: process.env.SUBJECT_PREFIX ?? '',
    name: 'soak-readiness',
  });
  const untilMs = performance.now() + readyLimitMs;
  try {
    for (const { name, rowBytes } of tables) {
      for (;;) {
        signal.throwIfAborted();
        const { outcome } = await client.infer(name, new Uint8Array(rowBytes), { sloMs: 1_000 });
        if (outcome === 'ok' || outcome === 'late') break;
        if (performance.now() > untilMs) {
          throw new SlacklineError('service_failed', `The model ${name} was not served (${outcome})`);
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
    return await client.models();
  } finally {
    await client.close();
  }
}
