/**
 * The GPU form answers what the CPU answers. On Mesa's software Vulkan wherever it is installed; on a real adapter and
 * on CUDA where the machine has them.
 */
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { smallestConfig } from './config.js';
import { type Probe, probeExecutionProvider } from './probe/probe.js';
import { SupernetSession } from './runtime/session.js';
import { calibrate } from './statistics.js';
import type { ComparisonMessage } from './testing/compare-providers.js';
import { lavapipe } from './testing/lavapipe.js';
import { residualNet } from './testing/supernets.js';

/** Of the largest output. Single precision, summed in another order: 3e-6 was measured on software Vulkan. */
const TOLERANCE = 1e-4;

const models = fileURLToPath(new URL('../../../models/', import.meta.url));
const shipped = readdirSync(models).filter((name) => existsSync(join(models, name, 'net.onnx')));
const sources = [...shipped.map((name) => join(models, name)), 'pre-activation', 'transformer'];

interface Device {
  readonly name: string;
  readonly provider: 'webgpu' | 'cuda';
  readonly env: NodeJS.ProcessEnv;
  /** What there must be for this device; else why there is not. */
  readonly accepts: (probe: Probe) => string | undefined;
}

// The processes of this test run the build, Node 20 no TypeScript: it must be that of these sources.
const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
execFileSync(process.execPath, [compiler, '-b', fileURLToPath(new URL('../', import.meta.url))]);

const manifest = lavapipe() ?? 'none';
const devices: Device[] = [
  {
    name: 'webgpu on software Vulkan',
    provider: 'webgpu',
    env: { VK_DRIVER_FILES: manifest, VK_ICD_FILENAMES: manifest },
    accepts: (probe) => {
      if (manifest === 'none') return 'Mesa’s lavapipe is not installed: Debian’s mesa-vulkan-drivers, 25 or later';
      if (!probe.works) return `${probe.reason}: mesa-vulkan-drivers must be 25 or later`;
      return probe.adapter?.software ? undefined : 'Vulkan took another driver';
    },
  },
  {
    name: 'webgpu on a real adapter',
    provider: 'webgpu',
    env: {},
    accepts: (probe) => {
      if (!probe.works) return probe.reason;
      return probe.adapter?.software === false ? undefined : 'the adapter is a software rasterizer';
    },
  },
  {
    name: 'cuda',
    provider: 'cuda',
    // TensorFloat-32 rounds the inputs of products to ten bits.
    env: { NVIDIA_TF32_OVERRIDE: '0' },
    accepts: (probe) => (probe.works ? undefined : probe.reason),
  },
];

for (const device of devices) {
  const env = { ...process.env, ...device.env };
  const unavailable = device.accepts(await probeExecutionProvider(device.provider, { env }));
  const because = unavailable === undefined ? '' : ` (skipped: ${unavailable})`;
  describe.skipIf(unavailable !== undefined)(`${device.name}${because}`, () => {
    it.each(sources.map((source) => [source.replace(dirname(models), '.'), source]))(
      '%s: answers what the CPU answers, whichever subnet ran before',
      async (_name, source) => {
        const message = await compareOn(device.provider, source, env);
        if ('error' in message) throw new Error(message.error);
        expect(message.comparisons).toHaveLength(6);
        for (const { subnet, rows, difference, largest } of message.comparisons) {
          expect(largest, `outputs of ${subnet}`).toBeGreaterThan(0.01);
          expect(difference / largest, `${subnet}, ${rows} rows`).toBeLessThan(TOLERANCE);
        }
      },
      300_000,
    );
  });
}

it('is the portable form: the blocked one runs on the CPU alone', async () => {
  const supernet = residualNet({ width: [16], inner: [8] });
  const config = smallestConfig(supernet);
  const statistics = await calibrate(supernet, config, new Uint8Array(64));
  const options = { executionProvider: 'webgpu', form: 'blocked' } as const;
  const open = SupernetSession.open(supernet, [{ id: 'any', config, statistics }], options);
  await expect(open).rejects.toMatchObject({ code: 'blocked-unavailable' });
});

/** In a process of its own. */
async function compareOn(provider: string, source: string, env: NodeJS.ProcessEnv): Promise<ComparisonMessage> {
  const entry = new URL('../dist/testing/compare-providers.js', import.meta.url);
  const child = fork(entry, [provider, source], { env, execArgv: [], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  const ended = once(child, 'exit').then(([code, signal]) => ({ error: `it ended with ${signal ?? `code ${code}`}` }));
  const told = once(child, 'message').then(([message]) => message as ComparisonMessage);
  try {
    return await Promise.race([told, ended]);
  } finally {
    child.kill('SIGKILL');
  }
}
