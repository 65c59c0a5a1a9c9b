import type { Probe } from '@slackline/supernet';
import { describe, expect, it } from 'vitest';
import { chooseExecutor, type GpuProvider, type Machine, showsGpu, type Wishes } from './choose.js';

const h100: Probe = { works: true, adapter: { name: 'NVIDIA H100 PCIe', software: false } };
const llvmpipe: Probe = { works: true, adapter: { name: 'llvmpipe (LLVM 15.0.6)', software: true } };
const nameless: Probe = { works: true, adapter: undefined };
const broken = (reason: string): Probe => ({ works: false, reason });

/** A machine, and what was tried on it. */
function machineWith(probes: Partial<Record<GpuProvider, Probe>>, hasGpu = true): Machine & { tried: GpuProvider[] } {
  const tried: GpuProvider[] = [];
  return {
    tried,
    probe: async (provider) => {
      tried.push(provider);
      return probes[provider] ?? broken('no driver');
    },
    hasGpu: () => hasGpu,
    cpuModel: () => 'AMD EPYC',
  };
}

const wish = (executor: Wishes['executor'], workers = 1): Wishes => ({ executor, workers });

describe('auto', () => {
  it('takes cuda where it works, and tries nothing else', async () => {
    const machine = machineWith({ cuda: h100, webgpu: h100 });
    expect(await chooseExecutor(wish('auto'), machine)).toEqual({
      executor: 'cuda',
      device: 'NVIDIA H100 PCIe',
      why: 'the first that works',
    });
    expect(machine.tried).toEqual(['cuda']);
  });

  it('takes cuda though nothing names the device', async () => {
    expect(await chooseExecutor(wish('auto'), machineWith({ cuda: nameless }))).toMatchObject({ executor: 'cuda' });
  });

  it('takes webgpu on a real adapter, and says why it is not cuda', async () => {
    const choice = await chooseExecutor(wish('auto'), machineWith({ cuda: broken('no libcudnn'), webgpu: h100 }));
    expect(choice).toMatchObject({ executor: 'webgpu', device: 'NVIDIA H100 PCIe' });
    expect(choice.why).toBe('the first that works (cuda: no libcudnn)');
  });

  it.each([
    ['a software rasterizer', llvmpipe, 'llvmpipe (LLVM 15.0.6) computes on the CPU'],
    ['an adapter that cannot be named', nameless, 'it does not tell its adapter'],
    ['a broken driver', broken('the trial ended with SIGSEGV'), 'the trial ended with SIGSEGV'],
  ])('takes the CPU before %s', async (_what, webgpu, reason) => {
    const choice = await chooseExecutor(wish('auto'), machineWith({ webgpu }));
    expect(choice).toEqual({
      executor: 'cpu',
      device: 'AMD EPYC',
      why: `the first that works (cuda: no driver; webgpu: ${reason})`,
    });
  });

  it('tries nothing where no GPU is to be seen', async () => {
    const machine = machineWith({ cuda: h100, webgpu: h100 }, false);
    const choice = await chooseExecutor(wish('auto'), machine);
    expect(choice.executor).toBe('cpu');
    expect(choice.why).toContain('cuda: this machine shows no GPU');
    expect(machine.tried).toEqual([]);
  });

  it('leaves webgpu where several workers would share its one device', async () => {
    const choice = await chooseExecutor(wish('auto', 3), machineWith({ webgpu: h100 }));
    expect(choice).toMatchObject({ executor: 'cpu', why: expect.stringContaining('3 workers share this process') });
  });
});

describe('an executor that is asked for by name', () => {
  it('needs no trial when it is the CPU or emulated', async () => {
    const machine = machineWith({});
    expect(await chooseExecutor(wish('cpu'), machine)).toEqual({
      executor: 'cpu',
      device: 'AMD EPYC',
      why: 'asked for',
    });
    expect(await chooseExecutor(wish('emulated', 8), machine)).toMatchObject({
      executor: 'emulated',
      device: undefined,
    });
    expect(machine.tried).toEqual([]);
  });

  it('may be a software rasterizer, which is said', async () => {
    const choice = await chooseExecutor(wish('webgpu'), machineWith({ webgpu: llvmpipe }, false));
    expect(choice).toMatchObject({ executor: 'webgpu', why: expect.stringContaining('computes on the CPU') });
  });

  it.each([
    ['cuda', 1, 'no driver'],
    ['webgpu', 2, '2 workers share this process'],
  ] as const)('is refused with the reason where %s does not work', async (executor, workers, reason) => {
    const refused = chooseExecutor(wish(executor, workers), machineWith({}));
    await expect(refused).rejects.toMatchObject({ code: 'invalid_config', message: expect.stringContaining(reason) });
    await expect(refused).rejects.toThrow(`EXECUTOR=${executor}`);
  });
});

describe('a GPU shows', () => {
  const shows = (files: string[], platform: NodeJS.Platform = 'linux') =>
    showsGpu(
      platform,
      (path) => files.some((file) => file === path || file.startsWith(`${path}/`)),
      (path) => files.filter((file) => file.startsWith(`${path}/`)).map((file) => file.slice(path.length + 1)),
    );

  it('by its device files', () => {
    expect(shows(['/dev/nvidiactl'])).toBe(true);
    expect(shows(['/dev/dxg'])).toBe(true);
    expect(shows(['/dev/dri/card0', '/dev/dri/renderD128'])).toBe(true);
    expect(shows(['/dev/dri/card0'])).toBe(false);
    expect(shows([])).toBe(false);
  });

  it('not, but may be there, on systems without them', () => {
    expect(shows([], 'darwin')).toBe(true);
  });
});
