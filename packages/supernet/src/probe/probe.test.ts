/** Trying a device must survive whatever the device's driver does. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { vulkanAdapter } from './adapter.js';
import { probeExecutionProvider } from './probe.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'slackline-probe-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A trial that behaves as told. */
function trial(code: string): URL {
  const file = join(folder, 'trial.mjs');
  writeFileSync(file, code);
  return pathToFileURL(file);
}

const rightAnswer = 'process.send({ values: [45, 54, 81, 90] });';

describe('a trial', () => {
  it.each([
    ['aborts', 'process.abort();', /SIGABRT/],
    ['hangs', 'for (;;);', /no answer within 200 ms/],
    ['ends', 'process.exit(3);', /code 3/],
    ['computes something else', 'process.send({ values: [45, 54, 81, 0] });', /45, 54, 81, 0/],
    ['fails', `process.send({ error: 'a check was false. No supported adapters\\n' });`, /^No supported adapters$/],
  ])('that %s says so', async (_what, code, reason) => {
    const limitMs = code.startsWith('for') ? 200 : 20_000;
    const probe = await probeExecutionProvider('webgpu', { entry: trial(code), limitMs });
    expect(probe).toEqual({ works: false, reason: expect.stringMatching(reason) });
  });

  it('that answers tells its adapter, and need not end', async () => {
    const said = `process.stderr.write('  Using "NVIDIA H100 PCIe" with driver: "libGLX_nvidia.so.0"\\n');`;
    const entry = trial(`${said} ${rightAnswer} for (;;);`);
    const probe = await probeExecutionProvider('webgpu', { entry });
    expect(probe).toMatchObject({ works: true });
    if (process.platform !== 'darwin') {
      expect(probe).toMatchObject({ adapter: { name: 'NVIDIA H100 PCIe', software: false } });
    }
  });

  it('gets the environment that is meant for it', async () => {
    const entry = trial(`process.send({ error: process.env.MARK + process.env.VK_LOADER_DEBUG });`);
    const probe = await probeExecutionProvider('webgpu', { entry, env: { MARK: 'mine ' } });
    expect(probe).toEqual({ works: false, reason: 'mine all' });
  });
});

describe('the adapter', () => {
  const using = (name: string, driver: string) => `DRIVER | LAYER:  Using "${name}" with driver: "${driver}"\n`;

  it('is the one that was opened last', () => {
    const said = `[0] Intel\n${using('Intel', 'libvulkan_intel.so')}${using('Radeon', 'libvulkan_radeon.so')}`;
    expect(vulkanAdapter(said)).toEqual({ name: 'Radeon', software: false });
  });

  it.each([
    ['llvmpipe (LLVM 15.0.6, 256 bits)', 'libvulkan_lvp.so'],
    ['SwiftShader Device (Subzero)', 'libvk_swiftshader.so'],
  ])('%s is software', (name, driver) => {
    expect(vulkanAdapter(using(name, driver))).toEqual({ name, software: true });
  });

  it('is unknown where nothing was opened', () => {
    expect(vulkanAdapter('[0] llvmpipe (LLVM 15.0.6, 256 bits)\n')).toBeUndefined();
  });
});
