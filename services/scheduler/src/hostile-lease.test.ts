/** Leases that no scheduler wrote. */
import { describe, expect, it } from 'vitest';
import { leaseMs, setup } from './leadership-testing.js';

describe('a lease that somebody else wrote', () => {
  it.each([
    ['a token at the end of whole numbers', { scheduler: 'somebody', token: Number.MAX_SAFE_INTEGER }],
    ['a token beyond them', { scheduler: 'somebody', token: 1e308 }],
    ['such a token, given up', { scheduler: '', token: 2 ** 53 }],
    ['a token that is none', { scheduler: 'somebody', token: '1' }],
    ['no token', { scheduler: 'somebody' }],
    ['nothing of a lease', 'garbage'],
  ])('with %s runs out, and the next token is one that workers can compare', async (_, value) => {
    const { clock, tokens, members, broker, start } = setup(2);
    await start();
    await clock.pass(1_000);
    broker.write(Buffer.from(JSON.stringify(value)), broker.revision);
    await clock.pass(3 * leaseMs);
    const [, last = Number.NaN] = tokens.at(-1) ?? [];
    expect(tokens.length).toBeGreaterThan(1);
    expect(Number.isSafeInteger(last)).toBe(true);
    expect(last).toBeLessThan(2 ** 52);
    expect(members.filter(({ leadership }) => leadership.check())).toHaveLength(1);
  });
});
