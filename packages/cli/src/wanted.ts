/** Which models a system is to serve, and how many of its workers each, as its options say. */
import type { EmulatedDevices } from './emulated.js';
import { OptionError } from './errors.js';
import { type Pool, sizeOfClasses } from './pool.js';

/** A model by its name. */
export interface WantedModel {
  name: string;
  workers: number;
}

/**
 * @param name of the model in the folder; emulated devices serve those that their tables are for
 * Throws `OptionError` for a device class that nothing describes, and for a model that no worker would serve.
 */
export function wantedModels(name: string, pool: Pool, devices: EmulatedDevices | undefined): WantedModel[] {
  if (devices === undefined) {
    if (typeof pool === 'number') return [{ name, workers: pool }];
    throw new OptionError(
      '--workers takes device classes with --executor emulated, not where the device itself says its class',
    );
  }
  checkClasses(pool, devices);
  return [...new Set(devices.tables.map(({ model }) => model))].map((model) => {
    const tables = devices.tables.filter((table) => table.model === model);
    const classes = new Set(tables.map(({ deviceClass }) => deviceClass));
    const workers = sizeOfClasses(pool, classes, firstClass(devices));
    if (workers > 0) return { name: model, workers };
    throw new OptionError(
      `--workers takes a pool in which a worker is ${[...classes].join(' or ')}: no other serves ${model}`,
    );
  });
}

/** The class of workers that name none. */
export function firstClass({ tables }: EmulatedDevices): string {
  return tables[0]?.deviceClass ?? '';
}

function checkClasses(pool: Pool, { tables }: EmulatedDevices): void {
  if (typeof pool === 'number') return;
  const known = new Set(tables.map(({ deviceClass }) => deviceClass));
  const unknown = pool.find(({ deviceClass }) => !known.has(deviceClass));
  if (unknown === undefined) return;
  const described = `that a --device-profile describes (${[...known].join(', ')})`;
  throw new OptionError(`--workers takes device classes ${described}, not ${unknown.deviceClass}`);
}
