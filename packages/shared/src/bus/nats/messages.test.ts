import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placeOf } from './messages.js';

const name = fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/);
const count = fc.maxSafeNat();

describe('where a message stands in its stream', () => {
  it('is read from its reply subject, with and without domain and account', () => {
    const place = fc.record({ stream: name, consumer: name, sequence: count, timeNs: fc.nat(2 ** 31), more: count });
    const inAccount = fc.option(fc.record({ domain: name, account: name, random: fc.option(name) }));
    fc.assert(
      fc.property(place, inAccount, ({ stream, consumer, sequence, timeNs, more }, account) => {
        const own = [stream, consumer, 1, sequence, more, timeNs, more];
        const tokens =
          account === null
            ? own
            : [account.domain, account.account, ...own, ...(account.random === null ? [] : [account.random])];
        const reply = Buffer.from(['$JS', 'ACK', ...tokens].join('.'));
        expect(placeOf(reply)).toEqual({ sequence, timestampMs: timeNs / 1e6 });
      }),
    );
  });
});
