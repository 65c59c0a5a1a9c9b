/** Runs figures one after another, writes their reports, and joins what they found into one document. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Figure, Skipped } from '../figure.js';
import { TaskPool } from '../threads/pool.js';
import type { Options } from './options.js';
import type { Progress } from './progress.js';
import { removeReport, writeReport, writeSkipped } from './write.js';

/** What `--json` prints: the default policy, and by figure what it found, or why it found nothing. */
export type Document = { defaultPolicy: string } & Record<string, unknown>;

export interface Outcome {
  readonly document: Document;
  /** Names of those that failed; one that was skipped has not. */
  readonly failed: readonly string[];
}

export interface RunOptions extends Pick<Options, 'quick' | 'live' | 'out' | 'data' | 'seed' | 'threads'> {
  readonly defaultPolicy: string;
  readonly signal: AbortSignal;
}

/** @throws the reason of the signal when that aborts: what was started has ended then */
export async function runFigures(
  figures: readonly Figure[],
  options: RunOptions,
  progress: Progress,
): Promise<Outcome> {
  const document: Document = { defaultPolicy: options.defaultPolicy };
  const failed: string[] = [];
  const pool = new TaskPool(options.threads, options.signal);
  try {
    for (const figure of figures) {
      try {
        document[figure.name] = await runOne(figure, pool, options, progress);
      } catch (error) {
        options.signal.throwIfAborted();
        const text = error instanceof Error ? error.message : String(error);
        if (error instanceof Skipped) {
          progress.note(`${figure.name}: skipped: ${text}`);
          document[figure.name] = { skipped: text };
          if (options.out !== undefined) writeSkipped(options.out, figure, text);
          continue;
        }
        progress.note(`${figure.name}: FAILED: ${error instanceof Error ? (error.stack ?? text) : text}`);
        document[figure.name] = { failed: text };
        failed.push(figure.name);
      }
    }
  } finally {
    await pool.close();
  }
  return { document, failed };
}

async function runOne(figure: Figure, pool: TaskPool, options: RunOptions, progress: Progress): Promise<object> {
  const { seed, quick, live, defaultPolicy, signal, out } = options;
  const startedAtMs = performance.now();
  const say = (text: string) => progress.show(`${figure.name}: ${text}`);
  say('…');
  const data = (relative: string) => dataFile(options.data, relative);
  const { figures, report } = await figure.run({ seed, quick, live, defaultPolicy, signal, pool, data, progress: say });
  const seconds = (performance.now() - startedAtMs) / 1_000;
  if (out !== undefined) {
    removeReport(out, figure);
    writeReport(out, figure, report, { seed, quick, live, seconds });
  }
  progress.note(`${figure.name}: done in ${seconds.toFixed(1)} s`);
  return figures;
}

function dataFile(folder: string, relative: string): string {
  const path = join(folder, relative);
  if (existsSync(path)) return path;
  throw new Skipped(
    `${relative} is not in the data folder (--data or SLACKLINE_DATA; docs/experiments.md says where to get it)`,
  );
}
