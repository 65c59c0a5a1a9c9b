/** Wrong options, as the person who gave them reads about it. */
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inCheckout } from '@slackline/local';
import { defaultPolicy, policyNames } from '@slackline/scheduling';
import type { ModelEntry } from '@slackline/shared';
import { describe, expect, it } from 'vitest';
import { checkTrace } from './demo-load.js';
import { checkFolder, checkPolicy } from './fitting.js';
import { demoOptions, readOptions } from './options.js';

const read = (given: Record<string, unknown>) => readOptions(demoOptions, given);

const takesWorkers =
  '--workers takes a whole number from 1 to 64, or device classes as in emulated-v100:6,emulated-quarter-v100:2';

describe('options', () => {
  it('have defaults', () => {
    expect(read({})).toMatchObject({
      executor: 'cpu',
      policy: defaultPolicy,
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

  it('name device classes and their tables', () => {
    expect(read({ workers: 'a:6,b:2', deviceProfile: '/a.json,/b.json' })).toMatchObject({
      workers: [
        { deviceClass: 'a', count: 6 },
        { deviceClass: 'b', count: 2 },
      ],
      deviceProfile: ['/a.json', '/b.json'],
    });
  });

  it('leave the end of a trace to the trace', () => {
    const choices = read({ trace: 'poisson:rate=5,seconds=90', killWorkerAt: '80' });
    expect(choices.seconds).toBeUndefined();
    const trace = { name: 'short', arrivalsMs: Float64Array.of(0), durationMs: 60_000 };
    expect(() => checkTrace(trace, choices)).toThrow(
      '--kill-worker-at takes a moment before the end of the trace (60 s), not 80.',
    );
    expect(() => checkTrace({ ...trace, arrivalsMs: new Float64Array() }, choices)).toThrow(
      '--trace takes a trace with at least one query, not short.',
    );
    checkTrace({ ...trace, durationMs: 90_000 }, choices);
  });

  it('hold for shares of the queries', () => {
    expect(read({ minAccuracy: '0.9', priority: 'low:0.3,high:0.2' })).toMatchObject({
      minAccuracy: [{ value: 0.9, share: 1 }],
      priority: [
        { value: 'low', share: 0.3 },
        { value: 'high', share: 0.2 },
        { value: 'normal', share: 0.5 },
      ],
    });
  });

  it.each([
    [{ workers: 'abc' }, `${takesWorkers}, not "abc".`],
    [{ workers: '0' }, `${takesWorkers}, not "0".`],
    [{ workers: '1.5' }, `${takesWorkers}, not "1.5".`],
    [{ workers: 'a:3,b' }, `${takesWorkers}, not "a:3,b".`],
    [{ workers: 'a:60,b:5' }, `${takesWorkers}, not "a:60,b:5".`],
    [{ seconds: '-1' }, '--seconds takes a number above 0 and at most 86400, not "-1".'],
    [{ sloMs: '1e9' }, '--slo-ms takes a number above 0 and at most 60000, not "1e9".'],
    [{ seed: 'x' }, '--seed takes a whole number, not "x".'],
    [{ executor: 'tpu' }, '--executor takes cpu, auto, webgpu, cuda or emulated, not "tpu".'],
    [{ arrivalPattern: 'often' }, '--arrival-pattern takes constant, poisson or gamma, not "often".'],
    [{ policy: 'best' }, `--policy takes ${policyNames.join(', ').replace(/, (?=[^,]*$)/, ' or ')}, not "best".`],
    [
      { minAccuracy: '1.5' },
      '--min-accuracy takes an accuracy from 0 to 1, or parts of the queries as in 0.9:0.2, not "1.5".',
    ],
    [
      { priority: 'low:0.6,high:0.6' },
      '--priority takes low, normal, high, or parts of the queries as in low:0.3,high:0.1, not "low:0.6,high:0.6".',
    ],
    [{ trace: '' }, '--trace takes a trace (slackline trace show --help), not "".'],
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
