import { expect, it } from 'vitest';
import { startFailure } from './errors.js';

it('a failed start is told in the words of the log, without what surrounds them', () => {
  const lines = ['{"level":60,"msg":"EXECUTOR=cuda cannot be used"}', 'plain text', '{"level":60}', 'null'];
  expect(startFailure('gpu-worker-0', 'exited with code 1', lines).message).toBe(
    '  EXECUTOR=cuda cannot be used\n  plain text\n  {"level":60}\n  null\ngpu-worker-0 exited with code 1: look at the log lines above',
  );
});
