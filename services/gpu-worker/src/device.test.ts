import fc from 'fast-check';
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
  device = new Device(2, life, clock, () => said.push(device.freeSlots));
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
    expect(said).toEqual([2, 0]);
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
    expect(said).toEqual([2, 0, 2]);
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

describe('a batch on the device', () => {
  it('lets another wait for it, and no third', async () => {
    ready();
    const [first, second] = [held(undefined), held(undefined)];
    const ended: string[] = [];
    expect(device.freeSlots).toBe(2);
    device.runBatch(first.step, () => ended.push('first'));
    expect(device.freeSlots).toBe(1);
    device.runBatch(second.step, () => ended.push('second'));
    expect([device.freeSlots, device.acceptsBatch, second.hasStarted()]).toEqual([0, false, false]);
    first.finish();
    await settled();
    expect([device.freeSlots, device.acceptsBatch, second.hasStarted()]).toEqual([1, true, true]);
    expect(ended).toEqual(['first']);
    second.finish();
    await settled();
    expect(ended).toEqual(['first', 'second']);
    expect(life.state).toBe('idle');
    // What batches take up, schedulers know by themselves.
    expect(said).toEqual([2]);
  });

  it('gives way to a waiting job before its end is said', async () => {
    ready();
    const batch = held(undefined);
    let slotsAtEnd = -1;
    device.runBatch(batch.step, () => {
      slotsAtEnd = device.freeSlots;
    });
    const job = held('loaded');
    const done = device.run('load', job.step);
    expect(said).toEqual([2, 0]);
    clock.advance(lingerMs);
    batch.finish();
    await settled();
    expect(slotsAtEnd).toBe(0);
    expect(job.hasStarted()).toBe(true);
    job.finish();
    await done;
    await settled();
    expect(said).toEqual([2, 0, 2]);
  });

  it('lets those run that were sent before the slots were withdrawn, also when it has ended itself', async () => {
    ready();
    const [first, second, third] = [held(undefined), held(undefined), held(undefined)];
    device.runBatch(first.step, () => {});
    const job = held('loaded');
    const done = device.run('load', job.step);
    device.runBatch(second.step, () => {});
    first.finish();
    await settled();
    expect([second.hasStarted(), job.hasStarted()]).toEqual([true, false]);
    second.finish();
    await settled();
    expect([life.state, device.freeSlots, device.acceptsBatch]).toEqual(['closing', 0, true]);
    device.runBatch(third.step, () => {});
    clock.advance(lingerMs);
    expect(job.hasStarted()).toBe(false);
    third.finish();
    await settled();
    expect(job.hasStarted()).toBe(true);
    job.finish();
    expect(await done).toBe('loaded');
  });
});

it('a job that fails frees the device', async () => {
  ready();
  const failed = device.run('load', () => Promise.reject(new Error('out of memory')));
  clock.advance(lingerMs);
  await expect(failed).rejects.toThrow('out of memory');
  await settled();
  expect(life.state).toBe('idle');
});

it('offers no more slots than it takes batches, whatever happens, and runs everything that it took', async () => {
  const anyEvent = fc.constantFrom('batch', 'end', 'job', 'linger');
  const property = fc.asyncProperty(fc.array(anyEvent, { maxLength: 30 }), async (events) => {
    life = new Life();
    clock = new ManualClock();
    device = new Device(2, life, clock, () => {});
    ready();
    const [taken, ended]: [ReturnType<typeof held>[], number[]] = [[], []];
    const jobs: ReturnType<typeof held>[] = [];
    const endAll = () => {
      for (const each of [...taken, ...jobs]) if (each.hasStarted()) each.finish();
    };
    for (const event of events) {
      if (event === 'batch' && device.acceptsBatch) {
        const number = taken.length;
        const batch = held(undefined);
        taken.push(batch);
        device.runBatch(batch.step, () => ended.push(number));
      }
      if (event === 'job') {
        const job = held(undefined);
        jobs.push(job);
        void device.run('load', job.step);
      }
      if (event === 'end') endAll();
      if (event === 'linger') clock.advance(lingerMs);
      await settled();
      if (device.freeSlots > 0) expect(device.acceptsBatch).toBe(true);
      if (life.state !== 'idle' && life.state !== 'busy') expect(device.freeSlots).toBe(0);
    }
    for (let i = 0; i <= 2 * events.length; i += 1) {
      clock.advance(lingerMs);
      endAll();
      await settled();
    }
    expect(ended).toEqual(taken.map((_, i) => i));
    expect(jobs.every((job) => job.hasStarted())).toBe(true);
    expect([life.state, device.freeSlots]).toEqual(['idle', 2]);
  });
  await fc.assert(property);
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
    clock.advance(lingerMs);
    await draining;
    expect(life.state).toBe('draining');
    expect(device.acceptsBatch).toBe(false);
  });

  it('waits for the batch that was sent ahead too', async () => {
    ready();
    const [first, second] = [held(undefined), held(undefined)];
    device.runBatch(first.step, () => {});
    life.take('drain');
    let drained = false;
    const draining = device.drain().then(() => {
      drained = true;
    });
    expect(device.acceptsBatch).toBe(true);
    device.runBatch(second.step, () => {});
    clock.advance(lingerMs);
    first.finish();
    await settled();
    expect([second.hasStarted(), drained]).toEqual([true, false]);
    second.finish();
    await draining;
  });

  it('runs a batch that was on its way when a free worker began to drain', async () => {
    ready();
    life.take('drain');
    const draining = device.drain();
    expect(device.acceptsBatch).toBe(true);
    const batch = held(undefined);
    device.runBatch(batch.step, () => {});
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
