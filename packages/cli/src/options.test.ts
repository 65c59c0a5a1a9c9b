/** Wrong options, as the person who gave them reads about it. */
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inCheckout } from '@slackline/local';
import type { ModelEntry } from '@slackline/shared';
import { describe, expect, it } from 'vitest';
import { checkFolder, checkPolicy } from './fitting.js';
import { demoOptions, readOptions } from './options.js';

const read = (given: Record<string, unknown>) => readOptions(demoOptions, given);

describe('options', () => {
  it('have defaults', () => {
    expect(read({})).toMatchObject({
      executor: 'cpu',
      policy: 'slackfit',
      seconds: 30,
      arrivalPattern: 'gamma',
      seed: 1,
    });
  });

  it('are read from text', () => {
    const given = { workers: '3', rate: '12.5', executor: 'onnxruntime', policy: 'fixed:small', model: 'here' };
    const expected = {
      workers: 3,
      rate: 12.5,
      executor: 'cpu',
      policy: 'fixed:small',
      model: join(process.cwd(), 'here'),
    };
    expect(read(given)).toMatchObject(expected);
  });

  it.each([
    [{ workers: 'abc' }, '--workers takes a whole number from 1 to 64, not "abc".'],
    [{ workers: '0' }, '--workers takes a whole number from 1 to 64, not "0".'],
    [{ workers: '1.5' }, '--workers takes a whole number from 1 to 64, not "1.5".'],
    [{ seconds: '-1' }, '--seconds takes a number above 0 and at most 86400, not "-1".'],
    [{ sloMs: '1e9' }, '--slo-ms takes a number above 0 and at most 60000, not "1e9".'],
    [{ seed: 'x' }, '--seed takes a whole number, not "x".'],
    [{ executor: 'tpu' }, '--executor takes cpu, auto, webgpu, cuda or emulated, not "tpu".'],
    [{ arrivalPattern: 'often' }, '--arrival-pattern takes constant, poisson or gamma, not "often".'],
    [{ policy: 'best' }, '--policy takes slackfit, maxbatch, maxacc or fixed:<subnet>, not "best".'],
    [{ logs: '' }, '--logs takes a path, not "".'],
    [{ killWorkerAt: '30' }, '--kill-worker-at takes a moment before the end of the load (--seconds), not "30".'],
  ])('%o: says what the option takes', (given, sentence) => {
    expect(() => read(given)).toThrow(
      expect.objectContaining({ message: `invalid_option: ${sentence}`, code: 'invalid_option', exitCode: 2 }),
    );
  });
});

it('a fixed subnet must be one of the model’s', () => {
  const model = { name: 'fashion', subnets: [{ id: 'w16' }, { id: 'w32' }] } as unknown as ModelEntry;
  for (const policy of ['slackfit', 'fixed:w32', 'fixed:smallest', 'fixed:largest']) checkPolicy(policy, model);
  expect(() => checkPolicy('fixed:w:64', model)).toThrow(
    'invalid_option: --policy fixed:<subnet> takes a subnet of fashion (smallest, largest, w16, w32), not w:64.',
  );
});

it('of hundreds of subnets a sentence names some', () => {
  const subnets = Array.from({ length: 500 }, (_, i) => ({ id: `s${i}` }));
  const model = { name: 'large', subnets } as unknown as ModelEntry;
  expect(() => checkPolicy('fixed:nope', model)).toThrow(
    /\(smallest, largest, s0, .*, s17, and 482 more\), not nope\.$/,
  );
});

describe('a folder', () => {
  it('is created where it can be, and refused in a sentence where not', async () => {
    await checkFolder('--logs', undefined);
    await checkFolder('--logs', tmpdir());
    await expect(checkFolder('--store', '/dev/null/store')).rejects.toThrow(
      /^invalid_option: --store takes a folder that can be written, not \/dev\/null\/store \(ENOTDIR: .*\)\.$/,
    );
  });

  it('that is refused ends the command at once, with the exit code of a wrong call', async () => {
    const { code, stderr } = await command('--logs', '/dev/null/logs');
    expect(code).toBe(2);
    expect(stderr).toMatch(/^invalid_option: --logs takes a folder that can be written, not .*\n$/);
  });
});

/** The built command. */
function command(...args: string[]): Promise<{ code: number | null; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [inCheckout('packages/cli/dist/main.js'), ...args],
      (_error, _stdout, stderr) => resolve({ code: child.exitCode, stderr }),
    );
  });
}
