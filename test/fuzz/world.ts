/** The system under attack: real processes on a real broker, with emulated devices, and what is overheard on its bus. */
import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describeExit, type RunningSystem, startSystem, TemporaryFolder } from '@slackline/local';
import {
  type Bus,
  batchCommand,
  connectBus,
  type LatencyProfile,
  latencyProfile,
  leaseKey,
  leaseValue,
  readKey,
  Subjects,
  unpack,
  workerStatus,
} from '@slackline/shared';
import type { Facts } from './input.js';
import { RawConnection, type RawMessage } from './raw-connection.js';
import { silentForMs } from './timing.js';

const model = 'fuzz';
const deviceClass = 'fuzz-device';
/** Every input of the fuzzer is answered under this, and it may send answers only there. */
export const ownInbox = '_INBOX.fuzzer';
/** Inboxes of others that are remembered. */
const mostInboxes = 64;

/** Four numbers in, three out; a device that takes next to no time. */
const table = {
  v: 1,
  source: 'Made up: a device so quick that only the way there counts.',
  model,
  deviceClass,
  executor: 'emulated',
  concurrency: 1,
  measuredAt: '2026',
  batches: [1, 8, 64],
  entry: {
    inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 3] }],
    sloMs: 1_000,
  },
  subnets: [
    { id: 'small', accuracy: 0.7, p50Ms: [0.5, 1, 2], p99Ms: [0.5, 1, 2] },
    { id: 'large', accuracy: 0.9, p50Ms: [1, 2, 4], p99Ms: [1, 2, 4] },
  ],
};

export interface World {
  system: RunningSystem;
  /** An onlooker's connection. */
  bus: Bus;
  subjects: Subjects;
  facts: Facts;
  /** Processes that ended though nobody had asked them to: how, and their last lines. */
  deaths: string[];
  /** Where the processes write their logs. */
  logDir: string;
  stop(): Promise<void>;
}

/** @param maxPayloadBytes largest message of the broker */
export async function startWorld(maxPayloadBytes: number, onStep: (text: string) => void): Promise<World> {
  const folder = new TemporaryFolder('fuzz');
  const tableFile = join(folder.path, 'device.json');
  writeFileSync(tableFile, JSON.stringify(table));
  const deaths: string[] = [];
  let isStopping = false;
  const system = await startSystem({
    workers: 2,
    workerNiceness: 0,
    storage: 'memory',
    maxPayloadBytes,
    logDir: join(folder.path, 'logs'),
    env: {
      profiler: { EMULATED_PROFILES: tableFile, PROFILE_DIR: join(folder.path, 'profiles') },
      scheduler: { WORKER_DEAD_AFTER_MS: String(silentForMs), BATCH_OVERDUE_MS: String(5 * silentForMs) },
      'gpu-worker': { EXECUTOR: 'emulated', DEVICE_CLASS: deviceClass, DEAD_AFTER_MS: String(silentForMs) },
    },
    onStep: ({ step, state }) => state === 'started' && onStep(`starting ${step}`),
    onEvent: (event) => {
      if (event.kind !== 'exited' || isStopping) return;
      deaths.push(`${event.name} ended (${describeExit(event.exit)}):\n${event.lastLines.slice(-5).join('\n')}`);
    },
  });
  const bus = await connectBus({ url: system.natsUrl, name: 'onlooker' });
  const subjects = new Subjects();
  const heard = await overhear(system.natsUrl, bus, subjects);
  const profile = await servedProfile(bus, subjects);
  const schedulerId = await leaseHolder(bus, subjects);
  const row = new Uint8Array(new Float32Array([1, 2, 3, 4]).buffer);
  const { workers, inboxes, token } = heard;
  const { digest } = profile;
  return {
    system,
    bus,
    subjects,
    facts: {
      ...{ model, row, deviceClass, digest, maxPayloadBytes, workers, inboxes, schedulerId },
      get token() {
        return token();
      },
    },
    deaths,
    logDir: join(folder.path, 'logs'),
    async stop() {
      isStopping = true;
      heard.ear.end();
      await bus.close();
      await system.stop();
      folder.remove();
    },
  };
}

async function leaseHolder(bus: Bus, subjects: Subjects): Promise<string> {
  const keys = await bus.keys(subjects.stores.leader, { storage: 'memory', replicas: 1 });
  return (await readKey(keys, leaseKey, leaseValue))?.scheduler ?? '';
}

async function servedProfile(bus: Bus, subjects: Subjects): Promise<LatencyProfile> {
  const keys = await bus.keys(subjects.stores.profiles, { storage: 'memory', replicas: 1 });
  const profile = await readKey(keys, `latency.${model}.${deviceClass}`, latencyProfile);
  if (profile === undefined) throw new Error('the system serves no model');
  return profile;
}

/** Listens to what any client may listen to where nothing forbids it: workers' epochs, the token, inboxes. */
async function overhear(url: string, bus: Bus, subjects: Subjects) {
  const workers = new Map<string, string>();
  const inboxes: string[] = [];
  let token = 1;
  bus.subscribe(subjects.heartbeat('*'), ({ data }) => {
    const status = readOrNothing(() => unpack('status', workerStatus, data));
    if (status?.host === hostname()) workers.set(status.workerId, status.epoch);
  });
  bus.subscribe(subjects.batch('*'), ({ data }) => {
    const command = readOrNothing(() => unpack('batch', batchCommand, data));
    // Forged ones have other ids.
    if (command?.batchId.startsWith(`${command.token}-`)) token = command.token;
  });
  const ear = await RawConnection.open(url, ({ subject }: RawMessage) => {
    if (!subject.startsWith('_INBOX.') || subject.startsWith(ownInbox) || inboxes.includes(subject)) return;
    inboxes.push(subject);
    if (inboxes.length > mostInboxes) inboxes.shift();
  });
  ear.subscribe('_INBOX.>');
  await bus.flush();
  while (workers.size < 2) await new Promise((resolve) => setTimeout(resolve, 50));
  return { ear, workers, inboxes, token: () => token };
}

function readOrNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
