/** The main thread's half of the executor, against threads that behave badly. */
import { contentTypes } from '@slackline/shared';
import { afterEach, describe, expect, it } from 'vitest';
import { ThreadExecutor } from './thread-executor.js';

const opened: ThreadExecutor[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((executor) => executor.close()));
});

/** An executor whose thread runs `onMessage` for every request. */
function executorWith(onMessage: string): ThreadExecutor {
  const code = `import { parentPort } from 'node:worker_threads';
    parentPort.on('message', (request) => { ${onMessage} });`;
  const executor = new ThreadExecutor('test', new URL(`data:text/javascript,${encodeURIComponent(code)}`), {
    threads: 1,
    executionProvider: 'cpu',
  });
  opened.push(executor);
  return executor;
}

const batch = {
  digest: 'd',
  subnet: 's',
  queries: [{ contentType: contentTypes.bytes, body: Buffer.from('one') }],
};

describe('a thread that dies', () => {
  it('fails the batch it had, and says so', async () => {
    const executor = executorWith(`if (request.call === 'run') throw new Error('segmentation fault')`);
    await expect(executor.run(batch)).rejects.toThrow('segmentation fault');
    expect(await executor.failed).toMatchObject({ message: 'segmentation fault' });
    await expect(executor.run(batch)).rejects.toThrow('segmentation fault');
  });

  it('may also just end', async () => {
    const executor = executorWith('process.exit(3)');
    await expect(executor.run(batch)).rejects.toThrow('code 3');
  });
});

it('leaves the caller’s bodies as they are: they lie in buffers that others share', async () => {
  const reply = `parentPort.postMessage({ id: request.id, result: {
    outputs: request.args.bodies, errors: [null], actuationMs: 1, inferenceMs: 2 } })`;
  const executor = executorWith(
    `if (request.call === 'run') ${reply}; else parentPort.postMessage({ id: request.id, result: null })`,
  );
  const result = await executor.run(batch);
  expect(result.answers).toEqual([{ outputs: new Uint8Array(Buffer.from('one')) }]);
  expect(batch.queries[0]?.body.toString()).toBe('one');
});

it('an error in the thread is the call’s', async () => {
  const executor = executorWith(`parentPort.postMessage({ id: request.id, error: 'no such model' })`);
  await expect(executor.run(batch)).rejects.toThrow('no such model');
});
