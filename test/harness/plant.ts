/** A whole system of real processes and emulated workers: what tests of several processes do things to. */
import { setTimeout as delay } from 'node:timers/promises';
import { ownTarget } from '@slackline/chaos';
import { connect } from '@slackline/client';
import { inCheckout, type RunningSystem, type SystemOptions, startSystem } from '@slackline/local';
import { type Bus, connectBus, Subjects } from '@slackline/shared';

export const model = 'imagenet';
const deviceClass = 'emulated-v100';
/** A query's body. */
export const row = new Uint8Array(784);

export interface Plant {
  system: RunningSystem;
  subjects: Subjects;
  bus: Bus;
  stop(): Promise<void>;
}

/** Starts it; resolves when it answers. */
export async function startPlant(options: SystemOptions): Promise<Plant> {
  const table = inCheckout(`services/profiler/profiles/${model}.${deviceClass}.json`);
  const system = await startSystem({
    // The workers only wait: nothing is gained by making them wait for a core as well.
    workerNiceness: 0,
    storage: 'file',
    ...options,
    env: {
      ...options.env,
      profiler: { MODELS_DIRS: '', EMULATED_PROFILES: table },
      'gpu-worker': { EXECUTOR: 'emulated', DEVICE_CLASS: deviceClass, ...options.env?.['gpu-worker'] },
    },
  });
  try {
    const bus = await connectBus({ url: system.natsUrl, name: 'test' });
    const stop = async () => {
      await bus.close();
      await system.stop();
    };
    await untilServed(system.natsUrl);
    return { system, bus, subjects: new Subjects(''), stop };
  } catch (error) {
    await system.stop();
    throw error;
  }
}

async function untilServed(url: string): Promise<void> {
  const client = await connect({ url });
  for (;;) {
    const { outcome } = await client.infer(model, row, { sloMs: 1_000 });
    if (outcome === 'ok') break;
    await delay(100);
  }
  await client.close();
}

/** The name of the process that leads; resolves when one does. */
export async function leaderName({ bus, subjects, system }: Omit<Plant, 'stop'>): Promise<string> {
  const target = ownTarget(system, { bus, subjects });
  for (;;) {
    const leader = (await target.victims('scheduler')).find(({ leads }) => leads);
    if (leader !== undefined) return leader.name;
    await delay(50);
  }
}
