import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BrokerClock } from './broker-clock.js';

/** A local clock in our hand, and a broker whose clock is `aheadMs` ahead of it and gains so many millionths. */
function setup(aheadMs: number, gainPpm = 0) {
  const local = { ms: 1_000 };
  const clock = new BrokerClock(() => local.ms);
  /** The broker's time, which runs at its own rate. */
  const brokerMs = (ahead = aheadMs) => local.ms * (1 + gainPpm / 1e6) + ahead;
  /** One reading: `thereMs` to the broker, `backMs` home. */
  const read = (thereMs: number, backMs: number, ahead = aheadMs) => {
    const sentAtMs = local.ms;
    local.ms += thereMs;
    const readMs = brokerMs(ahead);
    local.ms += backMs;
    clock.add({ sentAtMs, receivedAtMs: local.ms, brokerMs: readMs });
  };
  return { local, clock, read, brokerMs };
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
    expect(clock.uncertaintyMs).toBeCloseTo(0.5, 1);
    local.ms += 60_000;
    read(0, 8);
    expect(clock.uncertaintyMs).toBeCloseTo(4, 1);
  });

  it.each([500, -500, 60, 0])('is never off by more than it says against a clock that gains %i ppm', (gainPpm) => {
    const trip = fc.double({ min: 0.05, max: 5, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(trip, trip), { minLength: 20, maxLength: 90 }), (trips) => {
        const { local, clock, read, brokerMs } = setup(3e5, gainPpm);
        for (const [there, back] of trips) {
          read(there, back);
          // Time is asked for all along, so that the clock has been slewed.
          for (let i = 0; i < 10; i += 1) {
            local.ms += 100;
            clock.nowMs();
          }
          expect(Math.abs(clock.nowMs() - brokerMs())).toBeLessThanOrEqual(clock.uncertaintyMs + 1e-3);
        }
      }),
      { numRuns: 30 },
    );
  });

  it.each([500, -500])(
    'learns that a clock gains %i ppm, and keeps time by it when the readings get worse',
    (gainPpm) => {
      const { local, clock, read, brokerMs } = setup(-3e5, gainPpm);
      for (let i = 0; i < 20; i += 1) {
        read(0.2, 0.2);
        local.ms += 1_000;
        clock.nowMs();
      }
      for (let i = 0; i < 30; i += 1) {
        read(40, 1);
        local.ms += 1_000;
        clock.nowMs();
      }
      expect(Math.abs(clock.nowMs() - brokerMs())).toBeLessThan(1);
      expect(clock.uncertaintyMs).toBeLessThan(2);
    },
  );

  it.each([300_000, -300_000, 100])(
    'follows the next reading when the clock is set by %i ms, tight readings before or not',
    (byMs) => {
      const { local, clock, read } = setup(0);
      for (let i = 0; i < 5; i += 1) {
        read(0.1, 0.1);
        local.ms += 1_000;
      }
      read(3, 3, byMs);
      // What is below a step is slewed to.
      for (let i = 0; i < 25; i += 1) {
        local.ms += 1_000;
        clock.nowMs();
      }
      expect(Math.abs(clock.nowMs() - (local.ms + byMs))).toBeLessThanOrEqual(3.001);
    },
  );

  it('tells no time before it has been read', () => {
    expect(() => new BrokerClock(() => 0).nowMs()).toThrow(/not been read/);
  });
});
