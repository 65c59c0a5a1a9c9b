import { expect, it } from 'vitest';
import { SlacklineError } from './errors.js';

const long = 'x'.repeat(9_000_000);

it('keeps a sentence short, whoever gave the names in it', () => {
  const error = new SlacklineError('unknown_op', `The operator ${long} is unknown`);
  expect(error.message).toMatch(/^The operator x+…: see docs/);
  expect(error.message.length).toBeLessThan(3_000);
  expect(SlacklineError.relayed('unknown_op', long).message.length).toBeLessThan(3_000);
});

it('says what happened and what to do about it', () => {
  const error = new SlacklineError('timeout', 'No answer came');
  expect(error.message).toBe('No answer came: try again');
  expect(SlacklineError.relayed(error.code, error.message).message).toBe(error.message);
});
