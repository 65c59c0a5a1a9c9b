/**
 * Which executor a worker runs on. `auto` takes cuda, then webgpu on a real adapter, then cpu, and says why; an executor
 * that is asked for by name is tried before it is promised, so that a worker that cannot serve does not start.
 */
import { existsSync, readdirSync } from 'node:fs';
import { cpus } from 'node:os';
import { SlacklineError } from '@slackline/shared';
import { type ExecutionProvider, type Probe, probeExecutionProvider } from '@slackline/supernet';

export type GpuProvider = Exclude<ExecutionProvider, 'cpu'>;

export interface Choice {
  readonly executor: ExecutionProvider | 'emulated';
  /** As its driver names the device, or the CPU's model; undefined where nothing tells, and for emulated ones. */
  readonly device: string | undefined;
  /** A sentence: for the log, and for the person who starts the system. */
  readonly why: string;
}

export interface Wishes {
  readonly executor: Choice['executor'] | 'auto';
  /** Workers that will share this process. */
  readonly workers: number;
}

/** What is asked of the machine. */
export interface Machine {
  probe(provider: GpuProvider): Promise<Probe>;
  /** Whether the operating system shows any GPU. */
  hasGpu(): boolean;
  cpuModel(): string | undefined;
}

export const thisMachine: Machine = {
  probe: probeExecutionProvider,
  hasGpu: () => showsGpu(process.platform, existsSync, (path) => readdirSync(path)),
  cpuModel: () => cpus()[0]?.model,
};

/**
 * @throws SlacklineError `invalid_config` where the executor that is asked for by name does not work here
 */
export async function chooseExecutor(wishes: Wishes, machine: Machine = thisMachine): Promise<Choice> {
  const { executor } = wishes;
  if (executor === 'emulated') return { executor, device: undefined, why: 'asked for' };
  if (executor === 'cpu') return { executor, device: machine.cpuModel(), why: 'asked for' };
  if (executor === 'auto') return automatic(wishes, machine);
  const tried = await attempt(executor, wishes, machine);
  if ('reason' in tried) {
    throw new SlacklineError('invalid_config', `EXECUTOR=${executor} cannot be used on this machine (${tried.reason})`);
  }
  const { device, software } = tried;
  return { executor, device, why: software ? 'asked for, though it computes on the CPU and is slow' : 'asked for' };
}

async function automatic(wishes: Wishes, machine: Machine): Promise<Choice> {
  const passedOver: string[] = [];
  for (const executor of ['cuda', 'webgpu'] as const) {
    const reason = await unlessUsable(executor);
    if (typeof reason !== 'string') return { executor, ...reason };
    passedOver.push(`${executor}: ${reason}`);
  }
  return { executor: 'cpu', device: machine.cpuModel(), why: because(passedOver) };

  async function unlessUsable(executor: GpuProvider): Promise<string | Pick<Choice, 'device' | 'why'>> {
    // The trial takes half a second and more, which nobody has to wait for where there is nothing to find.
    if (!machine.hasGpu()) return 'this machine shows no GPU';
    const tried = await attempt(executor, wishes, machine);
    if ('reason' in tried) return tried.reason;
    const { device, software } = tried;
    if (executor === 'webgpu' && software !== false) {
      return device === undefined ? 'it does not tell its adapter' : `${device} computes on the CPU`;
    }
    return { device, why: because(passedOver) };
  }
}

/** "the first that works (cuda: …)". */
function because(passedOver: readonly string[]): string {
  return passedOver.length === 0 ? 'the first that works' : `the first that works (${passedOver.join('; ')})`;
}

type Attempt =
  | { readonly reason: string }
  | { readonly device: string | undefined; readonly software: boolean | undefined };

async function attempt(executor: GpuProvider, { workers }: Wishes, machine: Machine): Promise<Attempt> {
  // The sessions of a process share one WebGPU device, which only one thread may use at a time.
  if (executor === 'webgpu' && workers > 1) return { reason: `${workers} workers share this process` };
  const probe = await machine.probe(executor);
  if (!probe.works) return { reason: probe.reason };
  return { device: probe.adapter?.name, software: probe.adapter?.software };
}

/** Device files: of the kernel's graphics drivers, of NVIDIA's own, of Windows under Linux. Elsewhere nothing is ruled out. */
export function showsGpu(
  platform: NodeJS.Platform,
  exists: (path: string) => boolean,
  list: (path: string) => readonly string[],
): boolean {
  if (platform !== 'linux') return true;
  if (exists('/dev/nvidiactl') || exists('/dev/dxg') || exists('/dev/kgsl-3d0')) return true;
  return exists('/dev/dri') && list('/dev/dri').some((name) => name.startsWith('renderD'));
}
