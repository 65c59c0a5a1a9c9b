/**
 * Checks or builds submissions in a process of its own, one after the other: compiling and measuring take every core that
 * they get, and what ONNX Runtime makes of a stranger's network, a crash included, must not be the profiler's end.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packServable } from '@slackline/supernet';
import { buildSubnets } from '../build/build-subnets.js';
import { splitValidation } from '../build/sources.js';
import { servableFrom } from '../stages/servable.js';
import { checkSignature, coded, type ReadSubmission, readParts, readSubmission } from './check.js';
import { servableFile, type Task, type TaskMessage } from './task.js';

const report = (message: TaskMessage) => process.send?.(message);

async function run(task: Task): Promise<void> {
  const files = await readParts((part) =>
    task.parts.includes(part) ? readFile(join(task.directory, part)) : Promise.resolve(undefined),
  );
  const submission = await readSubmission(files);
  if (task.kind === 'check') {
    if (task.replaces !== undefined) checkSignature(submission.supernet, task.replaces);
    return void report({ kind: 'done' });
  }
  report({ kind: 'done', digest: await build(task, submission) });
}

/** Leaves the servable in the folder. Resolves with its digest. */
async function build(task: Task, { supernet, onnx, spec, calibration, validation }: ReadSubmission): Promise<string> {
  const sources = { supernet, onnx, spec, calibration, ...splitValidation(validation) };
  const result = await buildSubnets(sources, task.options, (progress) => report({ kind: 'progress', ...progress }));
  const { name, sloMs } = task;
  const { data, digest } = packServable(servableFrom({ name, sloMs, supernet, onnx, spec, subnets: result.subnets }));
  await writeFile(join(task.directory, servableFile), data);
  return digest;
}

/** Where memory runs out, this process ends and not one that serves. Linux has it; elsewhere nothing is lost. */
function dieFirst(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '1000');
  } catch {
    // It is advice to the system.
  }
}

dieFirst();
let directory: string | undefined;
// The profiler decides when this ends: a Ctrl-C for the whole group must not look like a failure.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.once('disconnect', () => {
  if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
  process.exit(1);
});
process.on('message', (message) => {
  const task = message as Task;
  directory = task.directory;
  run(task).catch((error: unknown) => {
    const { code, message: sentence } = coded(error);
    report({ kind: 'failed', code, message: sentence });
  });
});
