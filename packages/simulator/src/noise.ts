/** How long an executor takes for a batch: what the profile says, times a factor drawn for the batch. */
import { normalAt99, type RandomSource, sampler } from './distribution.js';
import type { Noise } from './options.js';
import type { HostedModel } from './worker.js';

/** @returns the time of `size` queries on a subnet, by its index in the model's table, in milliseconds */
export function executorTimes(noise: Noise, random: RandomSource) {
  if (noise.kind === 'none')
    return ({ table }: HostedModel, subnet: number, size: number) => table.estimate(subnet, size);
  if (noise.kind === 'factor') {
    const factor = sampler(noise.factor, random);
    return ({ table }: HostedModel, subnet: number, size: number) => table.estimate(subnet, size) * factor();
  }
  return ({ table }: HostedModel, subnet: number, size: number) => {
    const medianMs = table.estimate(subnet, size);
    const { tail } = table;
    if (tail === undefined) return medianMs;
    const sigma = Math.log(Math.max(1, tail.estimate(subnet, size) / medianMs)) / normalAt99;
    return medianMs * Math.exp(sigma * random.normal());
  };
}
