import type { KeyBucket, Log, ModelEntry, WorkerStatus } from '@slackline/shared';
import { expect, it } from 'vitest';
import type { Workers } from '../workers.js';
import { Rollout, type RolloutDeps } from './rollout.js';

const tensor = { name: 'x', datatype: 'FP32' as const, shape: [-1, 1] };
const entry: ModelEntry = {
  ...{ v: 1, name: 'net', digest: 'a'.repeat(64), inputs: [tensor], outputs: [tensor], sloMs: 10 },
  subnets: [{ id: 's', accuracy: 1 }],
};
const worker: WorkerStatus = {
  ...{ v: 1, workerId: 'w', epoch: 'w-1', deviceClass: 'test', executor: 'cpu', host: 'h' },
  ...{ models: {}, versions: [], slots: 2, freeSlots: 2, batchId: null, draining: false },
};
const never = new AbortController().signal;

/** A rollout whose workers are, one wait after the other, those of `living`; and what was written. */
function rolloutOver(living: readonly WorkerStatus[][]) {
  const written = new Map<string, Uint8Array>();
  let waits = 0;
  const workers: Pick<Workers, 'all' | 'until'> = {
    all: () => living[Math.min(waits, living.length) - 1] ?? [],
    until: async () => {
      waits += 1;
    },
  };
  const keys: Partial<KeyBucket> = {
    get: async (key) => {
      const value = written.get(key);
      return value === undefined ? undefined : { key, value, revision: 1 };
    },
    put: async (key, value) => written.set(key, value).size,
    delete: async (key) => void written.delete(key),
    watch: async () => ({ drain: async () => {} }),
  };
  const deps = { keys, workers, log: { warn: () => {} } as Partial<Log>, loadWaitMs: 1 };
  return { rollout: new Rollout(deps as RolloutDeps), written };
}

it('publishes at once where there is no worker', async () => {
  const { rollout, written } = rolloutOver([[], []]);
  await rollout.publish(entry, () => {}, never);
  expect([...written.keys()]).toEqual(['model.net']);
});

it.each([
  ['did not load it', [[worker], [worker]]],
  ['were gone when they should have', [[worker], []]],
  ['came, and did not load it', [[], [worker]]],
])('does not publish what its workers %s', async (_, living) => {
  const { rollout, written } = rolloutOver(living);
  await expect(rollout.publish(entry, () => {}, never)).rejects.toMatchObject({
    code: 'submission_failed',
    message: expect.stringContaining('None of the 1 workers loaded net'),
  });
  expect([...written.keys()]).toEqual(['candidate.net']);
});
