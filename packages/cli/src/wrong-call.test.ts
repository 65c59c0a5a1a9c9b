/** How a wrong call and a failed command end, as a person and a program read it: the built command. */
import { execFile } from 'node:child_process';
import { inCheckout } from '@slackline/local';
import { SlacklineError } from '@slackline/shared';
import { expect, it } from 'vitest';
import { CommandError, Failed, failureOf } from './errors.js';
import { withAdvice } from './submission/advice.js';

it.each([
  [
    ['bogus'],
    'unknown_command: There is no command slackline bogus. These are there: demo, up, simulate, soak, chaos, submit, models, trace.',
  ],
  [['models', 'bogus'], /^unknown_command: There is no command slackline models bogus\. .*: list, show, /],
  [['demo', 'bogus'], /^invalid_option: too many arguments for 'demo'/],
  [['submit', 'net'], "invalid_option: required option '--onnx <file>' not specified."],
  [['models', 'list', '--nonsense'], /^invalid_option: unknown option '--nonsense'/],
])('%j is a wrong call', async (args, sentence) => {
  const { code, stdout, stderr } = await command(...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr.trimEnd()).toMatch(sentence);
});

it('is told to a program in one line of JSON', async () => {
  const { code, stdout, stderr } = await command('bogus', '--json');
  expect(code).toBe(2);
  expect(JSON.parse(stdout)).toEqual({ error: { code: 'unknown_command', message: stderr.trimEnd() } });
  const files = ['--onnx', '/nowhere/net.onnx', '--spec', 'net.json', '--validation', 'images.npy,labels.npy'];
  const refused = await command('submit', 'net', ...files, '--json');
  expect(refused.code).toBe(1);
  const error = { code: 'unreadable_file', message: refused.stderr.trimEnd() };
  expect(JSON.parse(refused.stdout)).toEqual({ name: 'net', state: 'refused', error });
});

it('help names what is required, and is no failure', async () => {
  const { code, stdout } = await command('submit', '--help');
  expect(code).toBe(0);
  for (const option of ['onnx', 'spec', 'validation'])
    expect(stdout).toMatch(new RegExp(`--${option} <.*> +required: `));
});

it('the code stands once in front of the sentence; facts stand beside the error', () => {
  const refused = new Failed({ name: 'net' }, new CommandError('Not so.', { code: 'some_code' }));
  const error = { code: 'some_code', message: 'some_code: Not so.' };
  expect(failureOf(refused)).toEqual({ exitCode: 1, text: error.message, document: { name: 'net', error } });
  expect(failureOf(new Error('oh')).document).toEqual({ error: { code: 'unexpected', message: 'oh' } });
});

it('an operator is advised as one', async () => {
  const answer = withAdvice(Promise.reject(new SlacklineError('unknown_model', 'There is no model "nosuch"')));
  const message = 'There is no model "nosuch": slackline models lists those that are served';
  await expect(answer).rejects.toMatchObject({ code: 'unknown_model', message });
});

function command(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [inCheckout('packages/cli/dist/main.js'), ...args],
      (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}
