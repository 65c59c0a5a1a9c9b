import type { ModelEntry } from '@slackline/shared';
import pino from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Executor } from './executors/executor.js';
import { Models } from './models.js';
import { ManualClock, settled } from './testing.js';

const digestA = 'a'.repeat(64);
const digestB = 'b'.repeat(64);

function entry(name: string, digest: string): ModelEntry {
  const tensor = { name: 'x', datatype: 'FP32' as const, shape: [-1, 1] };
  return { v: 1, name, digest, inputs: [tensor], outputs: [tensor], sloMs: 10, subnets: [{ id: 's', accuracy: 1 }] };
}

/** Remembers what it was told, in order; cannot get the digests in `missing`. */
class RecordingExecutor implements Executor {
  readonly name = 'recording';
  readonly failed = new Promise<Error>(() => {});
  readonly told: string[] = [];
  readonly missing = new Set<string>();

  async prepare({ digest }: ModelEntry) {
    if (this.missing.has(digest)) throw new Error('not in the store');
    return async () => {
      this.told.push(`load ${digest[0]}`);
    };
  }
  async unload(digest: string) {
    this.told.push(`unload ${digest[0]}`);
  }
  hosts = () => true;
  run = () => Promise.reject(new Error('not asked for'));
  measure = () => Promise.reject(new Error('not asked for'));
  abandonMeasure = () => {};
  close = () => Promise.resolve();
}

class TestCatalog {
  readonly models = new Map<string, ModelEntry>();
  readonly candidates = new Map<string, ModelEntry>();
  listener: () => void = () => {};
  latency = () => undefined;
  servable = () => Promise.reject(new Error('not asked for'));
  onChange(listener: () => void) {
    this.listener = listener;
    return () => {
      this.listener = () => {};
    };
  }
  put(...entries: ModelEntry[]) {
    for (const each of entries) this.models.set(each.name, each);
    this.listener();
  }
}

let catalog: TestCatalog;
let executor: RecordingExecutor;
let clock: ManualClock;
let models: Models;

beforeEach(() => {
  catalog = new TestCatalog();
  executor = new RecordingExecutor();
  clock = new ManualClock();
  const log = pino({ level: 'silent' });
  models = new Models({ catalog, executor, clock, log, withDevice: (step) => step() });
});

describe('what a worker hosts', () => {
  it('becomes what the catalog names', async () => {
    catalog.put(entry('one', digestA), entry('two', digestB));
    await models.sync();
    expect(models.hosted).toEqual({ one: digestA, two: digestB });
  });

  it('is the old version until the new one is loaded', async () => {
    catalog.put(entry('one', digestA));
    await models.sync();
    executor.missing.add(digestB);
    catalog.put(entry('one', digestB));
    await models.sync();
    expect(models.hosted).toEqual({ one: digestA });
    executor.missing.clear();
    catalog.put(entry('one', digestB));
    await models.sync();
    expect(models.hosted).toEqual({ one: digestB });
    expect(executor.told).toEqual(['load a', 'load b', 'unload a']);
  });

  it('loses a model that the catalog no longer names', async () => {
    catalog.put(entry('one', digestA));
    await models.sync();
    catalog.models.clear();
    await models.sync();
    expect(models.hosted).toEqual({});
    expect(executor.told).toEqual(['load a', 'unload a']);
  });

  it('keeps a version that another name still serves', async () => {
    catalog.put(entry('one', digestA), entry('two', digestA));
    await models.sync();
    catalog.models.delete('one');
    await models.sync();
    expect(models.hosted).toEqual({ two: digestA });
    expect(executor.told).not.toContain('unload a');
  });
});

it('loads a candidate beside the version that is served, which it follows without being loaded again', async () => {
  catalog.put(entry('one', digestA));
  await models.sync();
  catalog.candidates.set('one', entry('one', digestB));
  await models.sync();
  expect(models.hosted).toEqual({ one: digestA });
  expect(models.versions).toEqual([digestA, digestB]);
  catalog.candidates.clear();
  catalog.put(entry('one', digestB));
  await models.sync();
  expect(models.hosted).toEqual({ one: digestB });
  expect(models.versions).toEqual([digestB]);
  expect(executor.told).toEqual(['load a', 'load b', 'unload a']);
});

it('lets a candidate go that is withdrawn', async () => {
  catalog.candidates.set('one', entry('one', digestA));
  await models.sync();
  catalog.candidates.clear();
  await models.sync();
  expect(models.versions).toEqual([]);
  expect(executor.told).toEqual(['load a', 'unload a']);
});

it('tries again what could not be had, by itself', async () => {
  executor.missing.add(digestA);
  catalog.put(entry('one', digestA));
  await models.sync();
  expect(models.hosted).toEqual({});
  executor.missing.clear();
  clock.advance(1_000);
  await settled();
  expect(models.hosted).toEqual({ one: digestA });
});

it('one model that cannot be had does not keep others out', async () => {
  executor.missing.add(digestA);
  catalog.put(entry('one', digestA), entry('two', digestB));
  await models.sync();
  expect(models.hosted).toEqual({ two: digestB });
});

it('does nothing more once stopped', async () => {
  executor.missing.add(digestA);
  catalog.put(entry('one', digestA));
  await models.sync();
  await models.stop();
  executor.missing.clear();
  clock.advance(60_000);
  await settled();
  expect(executor.told).toEqual([]);
});
