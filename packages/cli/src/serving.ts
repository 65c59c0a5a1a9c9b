/** A system that is ready to serve: started, its model loaded by every worker, and its latency profile known. */

import { readManifest } from '@slackline/load';
import {
  describeEvent,
  type ProcessEvent,
  type RunningSystem,
  type SystemOptions,
  type SystemStep,
  startSystem,
} from '@slackline/local';
import {
  type Bus,
  connectBus,
  type LatencyProfile,
  type ModelEntry,
  SlacklineError,
  Subjects,
} from '@slackline/shared';
import { z } from 'zod';
import { type EmulatedDevices, emulatedDevices } from './emulated.js';
import { checkFolder, checkModel, checkPolicy } from './fitting.js';
import { unlessAborted } from './interrupt.js';
import type { SystemChoices } from './options.js';
import { profileDirectory } from './paths.js';
import { sizeOf } from './pool.js';
import { Readiness, type ReadyModel } from './readiness.js';
import { firstClass, wantedModels } from './wanted.js';

export interface Serving {
  system: RunningSystem;
  bus: Bus;
  subjects: Subjects;
  /** All that is served, at least one. */
  models: ServedModel[];
  /** The first of them. */
  model: ModelEntry;
  profile: LatencyProfile;
  /** What runs the batches, as the workers say. */
  executor: string;
  /** Ends everything in order. May be called more than once. */
  stop(): Promise<void>;
}

/** A model with its labelled rows, where there are any. */
export interface ServedModel extends ReadyModel {
  modelDir: string | undefined;
}

export interface ServingListener {
  /** Something is under way; the next call replaces it. */
  onProgress(text: string): void;
  /** Something is done, or has happened. */
  onNote(text: string): void;
}

/** What pino writes. */
const logLine = z.object({ msg: z.string() });

/** What a worker says of its device when it is ready. */
const workerReady = z.object({ executor: z.string(), device: z.string().optional(), why: z.string() });

const stepNames: Readonly<Record<SystemStep['step'], string>> = {
  'nats-server': 'nats-server with JetStream',
  profiler: 'profiler (publishes the model)',
  ingest: 'ingest',
  scheduler: 'scheduler',
  'gpu-worker': 'gpu-workers',
};

/**
 * Starts a system and waits until it is ready. What was started is ended when this rejects.
 * @param more how each process gets to NATS, where that is not the straight way
 * Throws the reason of `signal`, `nats_server_missing`, `service_failed`, `OptionError` where an option does not fit this
 * machine or this model, and what `emulatedDevices` throws.
 */
export async function startServing(
  choices: SystemChoices,
  listener: ServingListener,
  signal: AbortSignal,
  more: Pick<SystemOptions, 'natsUrlOf'> = {},
): Promise<Serving> {
  await checkFolder('--logs', choices.logs);
  await checkFolder('--store', choices.store);
  await checkModel(choices.model);
  const { name } = await readManifest(choices.model);
  const isEmulated = choices.executor === 'emulated';
  const devices = isEmulated ? await emulatedDevices(name, choices.deviceProfile) : undefined;
  const cleanups: (() => Promise<void>)[] = [];
  const lost = new LostProcess();
  const stop = async () => {
    for (let cleanup = cleanups.pop(); cleanup !== undefined; cleanup = cleanups.pop()) await cleanup();
    devices?.remove();
  };
  try {
    const wanted = wantedModels(name, choices.workers, devices);
    const system = await startSystem({ ...systemOptionsOf(choices, devices, listener, lost, signal), ...more });
    cleanups.push(() => system.stop());
    await tellExecutor(system, choices, listener);
    const bus = await connectBus({ url: system.natsUrl, name: 'slackline' });
    cleanups.push(() => bus.close());
    // The services read the same variable.
    const subjects = new Subjects(process.env.SUBJECT_PREFIX ?? '');
    const readiness = new Readiness(bus, subjects, {
      workers: sizeOf(choices.workers),
      models: wanted,
      accept: (model) => checkPolicy(choices.policy, model),
    });
    cleanups.push(() => readiness.stop());
    const ready = await unlessAborted(signal, Promise.race([readiness.reached(listener.onProgress), lost.failure]));
    lost.matters = false;
    const models = ready.models.map((model) => ({
      ...model,
      modelDir: model.entry.name === name ? choices.model : undefined,
    }));
    const [first] = models;
    if (first === undefined) throw new Error('a system was ready without a model');
    return {
      system,
      bus,
      subjects,
      models,
      model: first.entry,
      profile: first.profile,
      executor: ready.executor,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Where the executor is not the ordinary one: which it is, and why. */
async function tellExecutor(system: RunningSystem, choices: SystemChoices, listener: ServingListener): Promise<void> {
  if (choices.executor === 'cpu' || choices.executor === 'emulated') return;
  const [worker] = system.workers;
  const said = workerReady.safeParse(await worker?.ready);
  if (!said.success) return;
  const { executor, device = 'an unnamed device', why } = said.data;
  listener.onNote(`executor ${executor} on ${device}: ${why}`);
}

function systemOptionsOf(
  choices: SystemChoices,
  devices: EmulatedDevices | undefined,
  listener: ServingListener,
  lost: LostProcess,
  signal: AbortSignal,
): SystemOptions {
  const { workers } = choices;
  const needsFolder = devices === undefined || devices.tables.some(({ isOwn }) => !isOwn);
  const deviceClass = (name: string) => ({ DEVICE_CLASS: name });
  return {
    workers:
      typeof workers === 'number'
        ? workers
        : workers.map((each) => ({ count: each.count, env: deviceClass(each.deviceClass) })),
    // Emulated devices compute nothing, and must wake up in time.
    ...(devices && { workerNiceness: 0 }),
    restore: choices.restore,
    logLevel: 'info',
    ...(choices.logs !== undefined && { logDir: choices.logs }),
    ...(choices.store !== undefined && { storeDir: choices.store }),
    ...(choices.schedulers !== undefined && { schedulers: choices.schedulers }),
    ...(choices.ingests !== undefined && { ingests: choices.ingests }),
    ...(choices.storage !== undefined && { storage: choices.storage }),
    signal,
    env: {
      profiler: {
        MODELS_DIRS: needsFolder ? choices.model : '',
        PROFILE_DIR: profileDirectory,
        WORKERS_EXPECTED: String(sizeOf(workers)),
        ...(devices && { EMULATED_PROFILES: devices.tables.map(({ file }) => file).join() }),
      },
      scheduler: { POLICY: choices.policy },
      'gpu-worker': { EXECUTOR: choices.executor, ...(devices && deviceClass(firstClass(devices))) },
    },
    onEvent: (event) => {
      if (event.kind !== 'exited' || event.expected) return;
      const text = describeLoss(event);
      if (lost.matters && !choices.restore) lost.fail(new SlacklineError('service_failed', text));
      else listener.onNote(text);
    },
    onStep: (step) => {
      const name = stepNames[step.step];
      if (step.state === 'started') listener.onProgress(`starting ${name}`);
      else if (step.state === 'progress') listener.onProgress(`${name}: ${step.message}`);
      else listener.onNote(`${name} ready`);
    },
  };
}

/** A process that ended while the system was still getting ready: it would be waited for in vain. */
class LostProcess {
  /** Once the system is ready, a lost process is only told. */
  matters = true;
  fail: (error: Error) => void = () => {};
  readonly failure: Promise<never> = new Promise((_, reject) => {
    this.fail = reject;
  });

  constructor() {
    // Starting may have failed before anybody waits for this.
    this.failure.catch(() => undefined);
  }
}

/** "gpu-worker-1 exited with code 1 (what it logged last)"; of a killed process the log says nothing. */
function describeLoss(event: Extract<ProcessEvent, { kind: 'exited' }>): string {
  const last = event.exit.signal === null ? event.lastLines.at(-1) : undefined;
  return last === undefined ? describeEvent(event) : `${describeEvent(event)} (${messageOf(last)})`;
}

/** The sentence in a line of a service's log. */
function messageOf(line: string): string {
  try {
    return logLine.parse(JSON.parse(line)).msg;
  } catch {
    return line;
  }
}
