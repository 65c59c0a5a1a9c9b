/**
 * Garbage at every door, and good queries in between. A short campaign of `npm run fuzz`; FUZZ_INPUTS and FUZZ_SEED choose
 * another one.
 */
import { expect, it } from 'vitest';
import { runCampaign } from './campaign.js';

const inputs = Number(process.env.FUZZ_INPUTS ?? 5_000);
const seed = Number(process.env.FUZZ_SEED ?? 1);

it(`${inputs} inputs: nobody dies or grows, everybody who can be answered is, and good queries are served`, async () => {
  const { failures, doors, probes } = await runCampaign({ inputs, seed });
  expect(failures).toEqual([]);
  expect(probes.ok).toBe(probes.asked);
  // Every door was tried, and every kind of answer seen.
  expect(doors.filter((door) => door.inputs === 0).map(({ door }) => door)).toEqual([]);
  const codes = new Set(doors.flatMap(({ results }) => Object.keys(results)));
  for (const code of [
    'ok',
    'malformed_body',
    'wrong_input',
    'wrong_deadline',
    'wrong_header',
    'unknown_model',
    'bad_message',
  ]) {
    expect(codes).toContain(code);
  }
}, 600_000);
