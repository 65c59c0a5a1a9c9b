/** Times grids of (subnet, batch) for profilers that ask, on the device that serves. */
import { type BusMessage, type Complaints, measureRequest, SlacklineError, unpack } from '@slackline/shared';
import type { Device } from './device.js';
import type { Executor } from './executors/executor.js';
import type { Models } from './models.js';
import type { Voice } from './voice.js';

/** A profiler asks for one grid at a time. */
const mostAtATime = 4;

export interface MeasurementsParts {
  device: Pick<Device, 'run'>;
  models: Pick<Models, 'has'>;
  executor: Pick<Executor, 'measure'>;
  voice: Pick<Voice, 'measured' | 'refusal'>;
  complaints: Complaints;
}

export class Measurements {
  /** Under way or waiting. */
  #count = 0;

  constructor(private readonly parts: MeasurementsParts) {}

  /** Answers one request, sooner or later, whatever it holds. */
  take({ data, reply }: BusMessage): void {
    const { voice, complaints } = this.parts;
    this.#measure(data).then(
      (samplesMs) => voice.measured(reply, samplesMs),
      (error) => {
        complaints.warn('measure', { err: error }, 'nothing was measured');
        voice.refusal(reply, error);
      },
    );
  }

  async #measure(data: Uint8Array): Promise<number[][][]> {
    const { device, models, executor } = this.parts;
    const request = unpack('measure', measureRequest, data);
    const { model, digest } = request;
    if (this.#count >= mostAtATime) {
      throw new SlacklineError('overloaded', `${mostAtATime} measurements wait for this worker already`);
    }
    this.#count++;
    try {
      return await device.run('measure', async () => {
        if (models.has(digest)) return executor.measure(request);
        throw new SlacklineError('unknown_subnet', `The worker does not host ${model} in the version ${digest}`);
      });
    } finally {
      this.#count--;
    }
  }
}
