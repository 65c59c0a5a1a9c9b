/** The thread behind ThreadExecutor: hosts models and serves the main thread's calls one after another. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { BatchAnswer } from '@slackline/shared';
import { gather, scatter } from './gathered.js';
import type { HostedModel } from './hosted-model.js';
import { measureGrid } from './measure.js';
import { openServable } from './open-servable.js';
import type { CallName, PackedResult, ThreadCalls, ThreadData, ThreadReply, ThreadRequest } from './thread-protocol.js';

const models = new Map<string, HostedModel>();
const { threads, executionProvider } = workerData as ThreadData;
let abandoned = false;

function modelOf(digest: string): HostedModel {
  const model = models.get(digest);
  if (model === undefined) throw new Error(`the model version ${digest} is not loaded`);
  return model;
}

type Handlers = { [K in CallName]: (args: ThreadCalls[K]['args']) => Promise<ThreadCalls[K]['result']> };

const handlers: Handlers = {
  async load({ digest, data }) {
    const model = await openServable(data, digest, { threads, executionProvider });
    await models.get(digest)?.release();
    models.set(digest, model);
    return { subnets: [...model.subnets] };
  },
  async unload({ digest }) {
    const model = models.get(digest);
    models.delete(digest);
    await model?.release();
    return null;
  },
  async run({ digest, subnet, contentTypes, bodies }) {
    const parts = scatter(bodies);
    const queries = contentTypes.map((contentType, i) => ({ contentType, body: parts[i] ?? new Uint8Array(0) }));
    return packResult(await modelOf(digest).run(subnet, queries));
  },
  measure(grid) {
    abandoned = false;
    return measureGrid(modelOf(grid.digest), grid, { stopped: () => abandoned });
  },
  async close() {
    for (const model of models.values()) await model.release();
    models.clear();
    return null;
  },
};

function packResult(result: { answers: BatchAnswer[]; actuationMs: number; inferenceMs: number }): PackedResult {
  const { answers, actuationMs, inferenceMs } = result;
  const outputs = gather(answers.map((answer) => ('outputs' in answer ? answer.outputs : new Uint8Array(0))));
  const errors = answers.map((answer) => ('error' in answer ? answer.error : null));
  return { outputs, errors, actuationMs, inferenceMs };
}

async function serve<K extends CallName>(port: MessagePort, call: K, id: number, args: ThreadCalls[K]['args']) {
  let reply: ThreadReply;
  let transfer: ArrayBuffer[] = [];
  try {
    const result = await handlers[call](args);
    if (result !== null && 'outputs' in result) transfer = [result.outputs.bytes.buffer];
    reply = { id, result };
  } catch (error) {
    reply = { id, error: error instanceof Error ? error.message : String(error) };
  }
  port.postMessage(reply, transfer);
}

function listen(port: MessagePort): void {
  let queue = Promise.resolve();
  port.on('message', (request: ThreadRequest) => {
    if (request.call === 'abandon') abandoned = true;
    else queue = queue.then(() => serve(port, request.call, request.id, request.args));
  });
}

if (parentPort !== null) listen(parentPort);
