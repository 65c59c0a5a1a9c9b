/** Inference on a thread of its own: a run blocks its thread for its whole duration, and heartbeats must not stall. */
import { Worker } from 'node:worker_threads';
import type { ModelEntry } from '@slackline/shared';
import type { BatchResult, Executor, ExecutorBatch, MeasureGrid, ModelSources } from './executor.js';
import { gather, scatter } from './gathered.js';
import type { CallName, PackedResult, ThreadCalls, ThreadData, ThreadReply, ThreadRequest } from './thread-protocol.js';

interface Pending {
  resolve: (result: unknown) => void;
  reject: (error: Error) => void;
}

export class ThreadExecutor implements Executor {
  readonly failed: Promise<Error>;
  readonly #thread: Worker;
  readonly #pending = new Map<number, Pending>();
  /** Subnets of the loaded versions, by digest. */
  readonly #subnets = new Map<string, ReadonlySet<string>>();
  #lastId = 0;
  #death: Error | undefined;
  #closing = false;

  /** @param entry the compiled inference-thread.js */
  constructor(
    readonly name: string,
    entry: URL,
    workerData: ThreadData,
  ) {
    // What the process was started with (guards, profilers, export conditions) is not meant for the thread.
    this.#thread = new Worker(entry, { workerData, execArgv: [] });
    this.#thread.on('message', (reply: ThreadReply) => this.#settle(reply));
    this.failed = new Promise((resolve) => {
      const die = (error: Error) => {
        this.#death ??= error;
        for (const { reject } of this.#pending.values()) reject(this.#death);
        this.#pending.clear();
        if (!this.#closing) resolve(this.#death);
      };
      this.#thread.once('error', die);
      this.#thread.once('exit', (code) => die(new Error(`the inference thread ended with code ${code}`)));
    });
  }

  async prepare(entry: ModelEntry, sources: ModelSources): Promise<() => Promise<void>> {
    const data = await sources.servable(entry.digest);
    return async () => {
      const { subnets } = await this.#call('load', { digest: entry.digest, data }, [data.buffer as ArrayBuffer]);
      this.#subnets.set(entry.digest, new Set(subnets));
    };
  }

  async unload(digest: string): Promise<void> {
    this.#subnets.delete(digest);
    await this.#call('unload', { digest });
  }

  hosts(digest: string, subnet: string): boolean {
    return this.#subnets.get(digest)?.has(subnet) ?? false;
  }

  async run({ digest, subnet, queries }: ExecutorBatch): Promise<BatchResult> {
    const bodies = gather(queries.map(({ body }) => body));
    const contentTypes = queries.map(({ contentType }) => contentType);
    const packed = await this.#call('run', { digest, subnet, contentTypes, bodies }, [bodies.bytes.buffer]);
    return unpackResult(packed);
  }

  measure(grid: MeasureGrid): Promise<number[][][]> {
    return this.#call('measure', grid);
  }

  abandonMeasure(): void {
    const request: ThreadRequest = { call: 'abandon' };
    this.#thread.postMessage(request);
  }

  async close(): Promise<void> {
    this.#closing = true;
    // Sessions are released in the thread; one that died has let go of everything.
    if (this.#death === undefined) await this.#call('close', null).catch(() => {});
    await this.#thread.terminate();
  }

  #call<K extends CallName>(
    call: K,
    args: ThreadCalls[K]['args'],
    transfer: ArrayBuffer[] = [],
  ): Promise<ThreadCalls[K]['result']> {
    if (this.#death !== undefined) return Promise.reject(this.#death);
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as Pending['resolve'], reject });
      this.#thread.postMessage({ call, id, args } as ThreadRequest, transfer);
    });
  }

  #settle(reply: ThreadReply): void {
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if ('error' in reply) pending?.reject(new Error(reply.error));
    else pending?.resolve(reply.result);
  }
}

function unpackResult({ outputs, errors, actuationMs, inferenceMs }: PackedResult): BatchResult {
  const parts = scatter(outputs);
  const answers = errors.map((error, i) => (error === null ? { outputs: parts[i] ?? new Uint8Array(0) } : { error }));
  return { answers, actuationMs, inferenceMs };
}
