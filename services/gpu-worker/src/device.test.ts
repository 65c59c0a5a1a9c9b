import { beforeEach, describe, expect, it } from 'vitest';
import { Device, lingerMs } from './device.js';
import { Life } from './life.js';
import { ManualClock, settled } from './testing.js';

let life: Life;
let clock: ManualClock;
let device: Device;
/** Free slots at every word of the device. */
let said: number[];

beforeEach(() => {
  life = new Life();
  clock = new ManualClock();
  said = [];
  device = new Device(life, clock, () => said.push(life.freeSlots));
});

function ready() {
  life.take('started');
  device.start();
}

/** Something on the device that ends when the test says so. */
function held<T>(result: T) {
  let finish: () => void = () => {};
  let started = false;
  const step = () => {
    started = true;
    return new Promise<T>((resolve) => {
      finish = () => resolve(result);
    });
  };
  return { step, finish: () => finish(), hasStarted: () => started };
}

describe('a job on a free device', () => {
  it('starts only when a batch that is on its way had time to come', async () => {
    ready();
    const job = held('loaded');
    const done = device.run('load', job.step);
    expect(said).toEqual([1, 0]);
    expect(device.acceptsBatch).toBe(true);
    clock.advance(lingerMs - 1);
    expect(job.hasStarted()).toBe(false);
    clock.advance(1);
    expect(job.hasStarted()).toBe(true);
    expect(device.acceptsBatch).toBe(false);
    job.finish();
    expect(await done).toBe('loaded');
    await settled();
    expect(life.state).toBe('idle');
    expect(said).toEqual([1, 0, 1]);
  });

  it('lets the batch that was on its way run first', async () => {
    ready();
    const job = held('measured');
    const done = device.run('measure', job.step);
    const batch = held(undefined);
    let ended = '';
    device.runBatch(batch.step, () => {
      ended = life.state;
    });
    clock.advance(10 * lingerMs);
    expect(job.hasStarted()).toBe(false);
    batch.finish();
    await settled();
    expect(ended).toBe('measuring');
    job.finish();
    expect(await done).toBe('measured');
  });
});

it('gives the device to a waiting job before the end of a batch is said', async () => {
  ready();
  const batch = held(undefined);
  let slotsAtEnd = -1;
  device.runBatch(batch.step, () => {
    slotsAtEnd = life.freeSlots;
  });
  const job = held('loaded');
  const done = device.run('load', job.step);
  batch.finish();
  await settled();
  expect(slotsAtEnd).toBe(0);
  expect(job.hasStarted()).toBe(true);
  job.finish();
  await done;
});

it('a job that fails frees the device', async () => {
  ready();
  const failed = device.run('load', () => Promise.reject(new Error('out of memory')));
  clock.advance(lingerMs);
  await expect(failed).rejects.toThrow('out of memory');
  await settled();
  expect(life.state).toBe('idle');
});

describe('draining', () => {
  it('sends waiting jobs away and waits for the batch', async () => {
    ready();
    const batch = held(undefined);
    device.runBatch(batch.step, () => {});
    const job = device.run('load', () => Promise.resolve());
    life.take('drain');
    let drained = false;
    const draining = device.drain().then(() => {
      drained = true;
    });
    await expect(job).rejects.toThrow('shutting down');
    expect(drained).toBe(false);
    batch.finish();
    await draining;
    expect(life.state).toBe('draining');
  });

  it('runs a batch that was on its way when a free worker began to drain', async () => {
    ready();
    life.take('drain');
    const draining = device.drain();
    expect(device.acceptsBatch).toBe(true);
    const batch = held(undefined);
    device.runBatch(batch.step, () => {});
    expect(device.acceptsBatch).toBe(false);
    clock.advance(lingerMs);
    let drained = false;
    const observed = draining.then(() => {
      drained = true;
    });
    await settled();
    expect(drained).toBe(false);
    batch.finish();
    await observed;
  });

  it('takes no more jobs', async () => {
    ready();
    life.take('drain');
    await expect(device.run('measure', () => Promise.resolve())).rejects.toThrow('shutting down');
  });
});
