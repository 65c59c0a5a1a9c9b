import { expect, it } from 'vitest';
import { Meter } from './meter.js';
import { ManualClock } from './testing.js';

it('counts for ever, and gives shares and means since the last reading', () => {
  const clock = new ManualClock();
  const meter = new Meter(clock);
  const batch = (ms: number, actuationMs: number) => {
    meter.batchStarted();
    clock.advance(ms);
    meter.batchEnded({ queries: 4, actuationMs, inferenceMs: ms - actuationMs });
  };
  batch(200, 10);
  batch(300, 0);
  clock.advance(500);
  expect(meter.read()).toEqual({
    batches: 2,
    queries: 8,
    actuations: 1,
    busyShare: 0.5,
    meanActuationMs: 10,
    meanInferenceMs: (190 + 300) / 2,
  });

  // A batch that spans a reading counts in both seconds, by its part in each.
  clock.advance(600);
  meter.batchStarted();
  clock.advance(400);
  expect(meter.read()).toMatchObject({ batches: 2, busyShare: 0.4, meanActuationMs: 0, meanInferenceMs: 0 });
  clock.advance(100);
  meter.batchEnded({ queries: 1, actuationMs: 0, inferenceMs: 500 });
  clock.advance(900);
  expect(meter.read()).toMatchObject({ batches: 3, queries: 9, busyShare: 0.1, meanInferenceMs: 500 });

  // One that was not run after all had the device, and is none.
  meter.batchStarted();
  clock.advance(200);
  meter.batchEnded(undefined);
  clock.advance(800);
  expect(meter.read()).toMatchObject({ batches: 3, queries: 9, busyShare: 0.2, meanInferenceMs: 0 });
});
