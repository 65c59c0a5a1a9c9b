/** `slackline simulate`: what it takes, what it says, and how it refuses. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inCheckout } from '@slackline/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { simulateChoices, simulateCommand } from '../commands/simulate.js';
import { failureOf } from '../errors.js';
import { readOptions } from '../options.js';
import { simulateOptions } from './options.js';
import { simulateDocument, simulateText } from './report.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slackline-simulate-'));
});
afterAll(() => rm(folder, { recursive: true }));

const trace = 'poisson:rate=2000,seconds=2';
const { signal } = new AbortController();
/** As the command line gives them. */
type Given = Readonly<Record<string, string | string[]>>;
const chosen = (given: Given) => simulateChoices(readOptions(simulateOptions, { trace, ...given }), signal);

describe('slackline simulate', () => {
  it('as a person and a program call it: one table, one document, one picture', async () => {
    const person = await command('--trace', trace, '--policy', 'slackfit,fixed:largest', '--policy', 'maxacc');
    expect(person.code).toBe(0);
    const [, , head, ...rows] = person.stdout.trimEnd().split('\n');
    expect(head).toMatch(/^policy +attainment +accuracy/);
    expect(rows.map((row) => row.split(' ')[0])).toEqual(['slackfit', 'fixed:largest', 'maxacc']);
    const svg = join(folder, 'plot.svg');
    const program = await command('--trace', trace, '--json', '--svg', svg, '--kill', '3@1.5');
    expect(JSON.parse(program.stdout)).toMatchObject({ workers: [{ count: 8, deviceClass: 'emulated-v100' }] });
    expect(await readFile(svg, 'utf8')).toMatch(
      /^<svg .*\n<title>poisson:rate=2000,seconds=2,seed=1; 8 × emulated-v100, of which 1 die<[\s\S]*>worker 3 dies</,
    );
  });

  it('says the same twice, and every query has one outcome', async () => {
    const text = async () => {
      const { scenario, results } = await chosen({ seed: '3' });
      return JSON.stringify(simulateDocument(scenario, results));
    };
    const first = await text();
    expect(await text()).toBe(first);
    const { trace: described, results } = JSON.parse(first);
    const [{ accepted, ok, late, expired, failed, attainment }] = results;
    expect([described.seconds, described.queries]).toEqual([2, accepted]);
    expect(ok + late + expired + failed).toBe(accepted);
    expect(attainment).toBe(ok / accepted);
  });

  it('ends workers when it is told to', async () => {
    const { scenario, results } = await chosen({ workers: ['emulated-v100:3'], kill: ['0@0.5,1@1'] });
    expect(scenario.events).toEqual([
      { kind: 'crash', atMs: 500, worker: 0 },
      { kind: 'crash', atMs: 1_000, worker: 1 },
    ]);
    expect(results[0]?.workersLost).toBe(2);
    expect(simulateText(scenario, results)).toContain('; 3 × emulated-v100, of which 2 die.\n');
    const every = await chosen({ workers: ['3'], kill: ['every:0.5'] });
    expect(every.scenario.events.map(({ atMs, worker }) => [atMs, worker])).toEqual([
      [500, 0],
      [1_000, 1],
      [1_500, 2],
    ]);
  });

  it('simulates what a profile and a limit say', async () => {
    const file = join(folder, 'profile.json');
    const subnets = [{ id: 'only', accuracy: 0.5, p50Ms: [10, 12], p99Ms: [10, 12] }];
    await writeFile(file, JSON.stringify({ model: 'm', deviceClass: 'd', batches: [1, 2], subnets }));
    const { scenario, results } = await chosen({ profile: [file], sloMs: '9' });
    expect(scenario.models).toMatchObject([{ name: 'm', sloMs: 9 }]);
    // The limit is shorter than the least that a query takes.
    expect(results[0]).toMatchObject({ ok: 0, attainment: 0 });
  });
});

describe('a wrong call is told in one sentence', () => {
  const cases: [Given, RegExp][] = [
    [{ policy: ['fastest'] }, /^invalid_option: --policy takes names of policies \(there is no policy fastest/],
    [{ policy: ['fixed:resnet'] }, /^invalid_option: --policy fixed:<subnet> takes .*resnet18-v2.*, not resnet\.$/],
    [
      { workers: ['none'] },
      /^invalid_option: --workers takes a number of workers from 1 to 999999, or <device class>:<number>/,
    ],
    [{ workers: ['0'] }, /^invalid_option: --workers takes a number of workers from 1 to 999999, .*, not "0"\.$/],
    [{ policy: [','] }, /^invalid_option: --policy takes names of policies, not ","\.$/],
    [{ kill: ['0@999'] }, /^invalid_option: --kill takes moments before the end of the trace \(2 s\), not 999\.$/],
    [{ kill: ['every:2'] }, /^invalid_option: --kill takes moments before the end of the trace \(2 s\), not 2\.$/],
    [{ workers: ['a100:8'] }, /^invalid_option: --workers takes a device class .*\(emulated-v100\), not a100\.$/],
    [{ kill: ['9@1'] }, /^invalid_option: --kill takes a worker from 0 to 7, not 9\.$/],
    [{ kill: ['soon'] }, /^invalid_option: --kill takes <worker>@<second>, or every:<seconds>/],
    [{ sloMs: '0' }, /^invalid_option: --slo-ms takes a number above 0/],
    [{ profile: ['/nowhere.json'] }, /^invalid_option: --profile takes a file that can be read/],
    [{ svg: '/nowhere/plot.svg' }, /^invalid_option: --svg takes a file that can be written/],
    [{ trace: 'gamma:rate=0,cv2=1' }, /^invalid_trace: /],
    [{ trace: '/nowhere.jsonl' }, /^trace_file: /],
  ];
  it.each(cases)('%j', async (given, sentence) => {
    const text = await refusal(given);
    expect(text).toMatch(sentence);
    expect(text).not.toContain('\n');
  });

  it('a file that is no profile is named', async () => {
    const file = join(folder, 'other.json');
    await writeFile(file, '{}');
    expect(await refusal({ profile: [file] })).toBe(`wrong_profile: ${file} holds no latency profile.`);
  });

  it('a trace without a query', async () => {
    const file = join(folder, 'empty.jsonl');
    await writeFile(file, '{"trace":"empty","durationMs":1000}\n');
    expect(await refusal({ trace: file })).toBe(
      'invalid_option: --trace takes a trace with at least one query, not empty.',
    );
  });

  it('a trace that asks for a model that no profile is of', async () => {
    const file = join(folder, 'trace.jsonl');
    await writeFile(file, '{"timestamp":0,"model":"other"}\n');
    expect(await refusal({ trace: file })).toMatch(
      /^unknown_model: .* asks for the model other, .* are of imagenet\.$/,
    );
  });
});

async function refusal(given: Given): Promise<string> {
  try {
    await simulateCommand(readOptions(simulateOptions, { trace, ...given }), signal);
  } catch (error) {
    return failureOf(error).text;
  }
  throw new Error('the call was not refused');
}

function command(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [inCheckout('packages/cli/dist/main.js'), 'simulate', ...args],
      (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}
