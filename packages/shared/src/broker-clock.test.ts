import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BrokerClock } from './broker-clock.js';

/** A local clock in our hand, and a broker whose clock is `aheadMs` ahead of it. */
function setup(aheadMs: number) {
  const local = { ms: 1_000 };
  const clock = new BrokerClock(() => local.ms);
  /** One reading: `thereMs` to the broker, `backMs` home. */
  const read = (thereMs: number, backMs: number, ahead = aheadMs) => {
    const sentAtMs = local.ms;
    const brokerMs = sentAtMs + thereMs + ahead;
    local.ms += thereMs + backMs;
    clock.add({ sentAtMs, receivedAtMs: local.ms, brokerMs });
  };
  return { local, clock, read };
}

describe('the broker clock', () => {
  it('is off by no more than it says, however the round trips were split', () => {
    const trip = fc.double({ min: 0, max: 20, noNaN: true });
    fc.assert(
      fc.property(
        fc.integer({ min: -1e7, max: 1e7 }),
        fc.array(fc.tuple(trip, trip), { minLength: 1 }),
        (ahead, trips) => {
          const { local, clock, read } = setup(ahead);
          for (const [there, back] of trips) read(there, back);
          // All the time it needs to slew to the best reading, and less than a reading lives.
          local.ms += 20_000;
          clock.nowMs();
          expect(Math.abs(clock.nowMs() - (local.ms + ahead))).toBeLessThanOrEqual(clock.uncertaintyMs + 1e-6);
        },
      ),
    );
  });

  it('slews to a better reading without ever running backwards', () => {
    const { local, clock, read } = setup(0);
    read(0, 40);
    clock.nowMs();
    read(0.1, 0.1);
    let last = clock.nowMs();
    for (let i = 0; i < 200; i += 1) {
      local.ms += 1;
      const now = clock.nowMs();
      expect(now).toBeGreaterThan(last);
      expect(now - last).toBeLessThan(1.01);
      last = now;
    }
  });

  it('follows at once when another clock took over', () => {
    const { local, clock, read } = setup(0);
    read(1, 1);
    local.ms += 61_000;
    read(1, 1, 90_000);
    expect(clock.nowMs() - local.ms).toBeCloseTo(90_000, 6);
  });

  it('believes the tightest reading of the last minute, and no older one', () => {
    const { local, clock, read } = setup(0);
    read(0.5, 0.5);
    read(0, 10);
    expect(clock.uncertaintyMs).toBe(0.5);
    local.ms += 60_000;
    read(0, 8);
    expect(clock.uncertaintyMs).toBe(4);
  });

  it('tells no time before it has been read', () => {
    expect(() => new BrokerClock(() => 0).nowMs()).toThrow(/not been read/);
  });
});
