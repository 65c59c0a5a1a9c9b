/**
 * Whether an execution provider of ONNX Runtime works on this machine, and on which device. It is tried in a process of
 * its own with a time limit: a broken driver aborts or hangs whoever loads it.
 */
import { fork } from 'node:child_process';
import { cpus } from 'node:os';
import type { Readable } from 'node:stream';
import type { ExecutionProvider } from '../ort.js';
import { type Adapter, vulkanAdapter } from './adapter.js';
import { cudaAdapter, missingCudaLibrary } from './cuda.js';
import { answerOf } from './trial-network.js';

/** `adapter` is undefined where nothing tells which device it was. */
export type Probe =
  | { readonly works: true; readonly adapter: Adapter | undefined }
  | { readonly works: false; readonly reason: string };

export interface ProbeOptions {
  /** How long the trial may take. Default 20 s: CUDA loads a gigabyte of libraries at first. */
  readonly limitMs?: number;
  /** Environment of the trial; default this process's own. */
  readonly env?: NodeJS.ProcessEnv;
  /** The module that makes the trial. Default `trial.js` of this package. */
  readonly entry?: URL;
}

/** What the trial sends to its parent. */
export type TrialMessage = { readonly values: readonly number[] } | { readonly error: string };

/** Node 20 runs no TypeScript: sources that run unbuilt (in tests) use the build. */
const trialEntry = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/probe/trial.js' : './trial.js',
  import.meta.url,
);

/** Tries a provider by running a tiny network on it. Never rejects. */
export async function probeExecutionProvider(
  provider: Exclude<ExecutionProvider, 'cpu'>,
  { limitMs = 20_000, env = process.env, entry = trialEntry }: ProbeOptions = {},
): Promise<Probe> {
  const missing = provider === 'cuda' ? missingCudaLibrary() : undefined;
  if (missing !== undefined) return { works: false, reason: missing };
  // The Vulkan loader then writes which device it was asked for.
  const trial = await runTrial(entry, provider, { ...env, VK_LOADER_DEBUG: 'all' }, limitMs);
  if (trial.failure !== undefined) return { works: false, reason: trial.failure };
  return { works: true, adapter: provider === 'cuda' ? await cudaAdapter(env) : webgpuAdapter(trial.said) };
}

interface Trial {
  /** Why it failed; undefined when it gave the right answer. */
  readonly failure: string | undefined;
  /** What the libraries wrote on standard error. */
  readonly said: string;
}

async function runTrial(entry: URL, provider: string, env: NodeJS.ProcessEnv, limitMs: number): Promise<Trial> {
  const child = fork(entry, [provider], { env, execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  const said = child.stderr === null ? () => '' : gather(child.stderr);
  let answer: TrialMessage | undefined;
  let failure: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  const closed = new Promise<void>((resolve) => {
    child.once('message', (message) => {
      answer = message as TrialMessage;
      // How it would end is of no interest; what it wrote may still be in the pipe, until it closes.
      child.kill('SIGKILL');
    });
    child.once('error', ({ message }) => {
      failure = message;
      resolve();
    });
    child.once('close', (code, signal) => {
      failure ??= `the trial ended with ${signal ?? `code ${code}`}`;
      resolve();
    });
    timer = setTimeout(() => {
      failure = `the trial gave no answer within ${limitMs} ms`;
      child.kill('SIGKILL');
      // A process that a driver holds in the kernel does not even end then.
      child.unref();
      resolve();
    }, limitMs);
  });
  await closed;
  clearTimeout(timer);
  child.on('error', () => undefined);
  return { failure: answer === undefined ? (failure ?? 'it did not start') : failureOf(answer, said()), said: said() };
}

/** Reads a stream of text; call the result for what has come so far. */
function gather(stream: Readable): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  return () => text;
}

function failureOf(message: TrialMessage, said: string): string | undefined {
  if ('values' in message) return answerOf(message.values) ? undefined : `it computed ${message.values.join(', ')}`;
  // ONNX Runtime names the library that is missing only in its log.
  const library = /with error: (?:.*: )?([^:\n]+: cannot open shared object file)/.exec(said)?.[1];
  return library ?? message.error.replace(/^.* was false\. /s, '').trim();
}

function webgpuAdapter(said: string): Adapter | undefined {
  // Metal has no software device.
  if (process.platform === 'darwin') return { name: cpus()[0]?.model ?? 'gpu', software: false };
  return vulkanAdapter(said);
}
