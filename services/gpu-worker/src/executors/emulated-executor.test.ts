import type { LatencyProfile, ModelEntry } from '@slackline/shared';
import { contentTypes } from '@slackline/shared';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { EmulatedExecutor, mostCarriedMs } from './emulated-executor.js';

const digest = 'd'.repeat(64);
const entry: ModelEntry = {
  v: 1,
  name: 'm',
  digest,
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }],
  outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 3] }],
  sloMs: 10,
  subnets: [{ id: 's', accuracy: 1 }],
};
const profile: LatencyProfile = {
  v: 1,
  model: 'm',
  digest,
  deviceClass: 'a100',
  executor: 'cuda',
  concurrency: 1,
  measuredAt: '2026-01-01T00:00:00Z',
  batches: [1, 4],
  subnets: [{ id: 's', accuracy: 1, p50Ms: [4, 10], p99Ms: [5, 12] }],
};

/** Waits in no time, and wakes later than asked by what the test says. */
class LateHolder {
  readonly failed = new Promise<Error>(() => {});
  lateMs = 0;
  #nowMs = 0;
  now = () => this.#nowMs;
  async until(ms: number) {
    this.#nowMs = Math.max(this.#nowMs, ms) + this.lateMs;
  }
}

const query = { contentType: contentTypes.bytes, body: new Uint8Array(16) };
const batch = (rows: number) => ({ digest, subnet: 's', queries: Array.from({ length: rows }, () => query) });

let holder: LateHolder;
let current: LatencyProfile | undefined;
let executor: EmulatedExecutor;
const sources = { latency: () => current, servable: () => Promise.reject(new Error('not needed')) };

beforeEach(async () => {
  holder = new LateHolder();
  current = profile;
  executor = new EmulatedExecutor(holder);
  await (await executor.prepare(entry, sources))();
});

describe('an emulated device', () => {
  it('holds a batch for the median of its size, in between on the line', async () => {
    for (const [rows, ms] of [
      [1, 4],
      [4, 10],
      [3, 8],
      [8, 20],
    ] as const) {
      expect((await executor.run(batch(rows))).inferenceMs).toBeCloseTo(ms);
    }
  });

  it('answers zeros of the output’s shape', async () => {
    const { answers } = await executor.run(batch(2));
    expect(answers).toEqual([{ outputs: new Uint8Array(12) }, { outputs: new Uint8Array(12) }]);
  });

  it('in sum is never faster than the profile, and slower by no more than the last overrun', () => {
    const lateness = fc.double({ min: 0, max: mostCarriedMs, noNaN: true });
    return fc.assert(
      fc.asyncProperty(fc.array(lateness, { minLength: 1, maxLength: 50 }), async (overruns) => {
        holder = new LateHolder();
        executor = new EmulatedExecutor(holder);
        await (await executor.prepare(entry, sources))();
        let heldMs = 0;
        for (const overrun of overruns) {
          holder.lateMs = overrun;
          heldMs += (await executor.run(batch(1))).inferenceMs;
        }
        const profiledMs = 4 * overruns.length;
        expect(heldMs).toBeGreaterThanOrEqual(profiledMs - 1e-6);
        expect(heldMs).toBeLessThanOrEqual(profiledMs + (overruns.at(-1) ?? 0) + 1e-6);
      }),
    );
  });

  it('does not make up for a stall of the process', async () => {
    holder.lateMs = 1_000;
    await executor.run(batch(1));
    holder.lateMs = 0;
    expect((await executor.run(batch(1))).inferenceMs).toBeCloseTo(4 - mostCarriedMs);
    expect((await executor.run(batch(1))).inferenceMs).toBeCloseTo(4);
  });
});

describe('a family of separate models', () => {
  const family: LatencyProfile = {
    ...profile,
    subnets: [
      { id: 'small', accuracy: 0.5, p50Ms: [4, 10], p99Ms: [4, 10], loadMs: 3 },
      { id: 'large', accuracy: 1, p50Ms: [8, 20], p99Ms: [8, 20], loadMs: 7 },
    ],
  };
  const times = async (digestOf: string, subnet: string) => {
    const { actuationMs, inferenceMs } = await executor.run({ ...batch(1), digest: digestOf, subnet });
    return [actuationMs, inferenceMs].map((ms) => Math.round(ms * 1e6) / 1e6);
  };

  it('is loaded when another one of it was on the device, or none', async () => {
    current = family;
    const other = { ...entry, name: 'n', digest: 'e'.repeat(64) };
    const otherProfile = { ...profile, model: 'n', digest: other.digest };
    await (await executor.prepare(other, { ...sources, latency: () => otherProfile }))();
    expect(await times(digest, 'small')).toEqual([3, 4]);
    expect(await times(digest, 'small')).toEqual([0, 4]);
    expect(await times(digest, 'large')).toEqual([7, 8]);
    expect(await times(other.digest, 's')).toEqual([0, 4]);
    expect(await times(digest, 'large')).toEqual([0, 8]);
    expect(await times(digest, 'small')).toEqual([3, 4]);
  });
});

describe('the profile', () => {
  it('must be there', async () => {
    current = undefined;
    await expect(new EmulatedExecutor(holder).prepare(entry, sources)).rejects.toThrow('no latency profile');
  });

  it('must be of the version', async () => {
    current = { ...profile, digest: 'e'.repeat(64) };
    await expect(new EmulatedExecutor(holder).prepare(entry, sources)).rejects.toThrow('no latency profile');
  });

  it('counts as it is now', async () => {
    current = { ...profile, subnets: [{ id: 's', accuracy: 1, p50Ms: [6, 10], p99Ms: [7, 12] }] };
    expect((await executor.run(batch(1))).inferenceMs).toBeCloseTo(6);
  });

  it('says which subnets there are', () => {
    expect(executor.hosts(digest, 's')).toBe(true);
    expect(executor.hosts(digest, 'another')).toBe(false);
  });
});

it('takes its latencies from a profile, so it cannot be measured', async () => {
  await expect(executor.measure()).rejects.toThrow('profile');
});
