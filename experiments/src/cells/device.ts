/** Devices as figures use them: read from a latency profile, slowed down where a figure asks for that. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const ms = z.number().positive();

/** What is read of a latency profile: one that the profiler measured, or a table of an emulated device. */
const profileSchema = z.object({
  model: z.string(),
  deviceClass: z.string(),
  executor: z.string(),
  source: z.string().optional(),
  batches: z.array(z.int().min(1)).min(1),
  entry: z.object({ sloMs: ms }).optional(),
  subnets: z
    .array(
      z.object({
        id: z.string(),
        accuracy: z.number().min(0).max(1),
        p50Ms: z.array(ms),
        p99Ms: z.array(ms),
        loadMs: z.number().min(0).optional(),
      }),
    )
    .min(1),
});

export interface DeviceSubnet {
  readonly id: string;
  /** Top-1 in 0..1. */
  readonly accuracy: number;
  /** By batch, as in `Device.batches`. */
  readonly p50Ms: readonly number[];
  readonly p99Ms: readonly number[];
  /** What it takes to change to it; absent: nothing, as within a supernet. */
  readonly loadMs?: number | undefined;
}

/** The front of one model on one kind of device: plain data. */
export interface Device {
  readonly model: string;
  readonly deviceClass: string;
  readonly batches: readonly number[];
  /** Ascending in accuracy and latency. */
  readonly subnets: readonly DeviceSubnet[];
}

/** @throws ZodError when the file is no latency profile, and what reading files throws */
export function readDevice(path: string): Device & { source: string; sloMs: number | undefined } {
  const profile = profileSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  const { model, deviceClass, batches, subnets, source = `measured on ${deviceClass}`, entry } = profile;
  return { model, deviceClass, batches, subnets, source, sloMs: entry?.sloMs };
}

/** The same device, `factor` times slower in everything. */
export function slowed(device: Device, factor: number): Device {
  const times = (values: readonly number[]) => values.map((value) => value * factor);
  return {
    ...device,
    subnets: device.subnets.map((subnet) => ({
      ...subnet,
      p50Ms: times(subnet.p50Ms),
      p99Ms: times(subnet.p99Ms),
      ...(subnet.loadMs !== undefined && { loadMs: subnet.loadMs * factor }),
    })),
  };
}

/** The same device with 99th percentiles that are `factor` times the medians. */
export function withTail(device: Device, factor: number): Device {
  const subnets = device.subnets.map((subnet) => ({ ...subnet, p99Ms: subnet.p50Ms.map((p50) => p50 * factor) }));
  return { ...device, subnets };
}

/** A device that has one of the subnets alone. @throws RangeError when there is no such subnet */
export function onlySubnet(device: Device, id: string): Device {
  const subnets = device.subnets.filter((subnet) => subnet.id === id);
  if (subnets.length === 0) throw new RangeError(`there is no subnet ${id} on ${device.deviceClass}`);
  return { ...device, subnets };
}

/**
 * Queries a second that `workers` such devices carry on one subnet when they never wait: the batch with the best rate
 * among those that end within `withinMs`.
 */
export function capacity(device: Device, subnet: DeviceSubnet, workers: number, withinMs: number): number {
  const rates = device.batches.map((batch, i) => {
    const p50Ms = subnet.p50Ms[i] ?? Number.POSITIVE_INFINITY;
    return p50Ms <= withinMs ? (1_000 * batch) / p50Ms : 0;
  });
  return workers * Math.max(...rates);
}
