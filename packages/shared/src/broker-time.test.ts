import pino from 'pino';
import { describe, expect, it } from 'vitest';
import { BrokerTime } from './broker-time.js';
import type { Bus, BusStatus, ClockReading } from './bus/bus.js';
import { SlacklineError } from './errors.js';
import { Subjects } from './subjects.js';

/** A clock and a bus in our hand: readings are asked for, and answered by the test. */
function setUp(onFailure?: () => Promise<void>) {
  let nowMs = 0;
  let timer: { delayMs: number; callback: () => void } | undefined;
  let tell: (status: BusStatus) => void = () => {};
  const asked: { resolve(reading: ClockReading): void; reject(error: Error): void }[] = [];
  const clock = {
    now: () => nowMs,
    after(delayMs: number, callback: () => void) {
      const own = { delayMs, callback };
      timer = own;
      return () => {
        if (timer === own) timer = undefined;
      };
    },
  };
  const bus = {
    onStatus: (listener: typeof tell) => {
      tell = listener;
    },
    readClock: () => new Promise<ClockReading>((resolve, reject) => asked.push({ resolve, reject })),
  } as Pick<Bus, 'onStatus' | 'readClock'> as Bus;
  const time = new BrokerTime(bus, new Subjects(''), clock, pino({ level: 'silent' }), {
    everyMs: 5_000,
    ...(onFailure && { onFailure }),
  });
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return {
    time,
    asked,
    tell: (status: BusStatus) => tell(status),
    /** Answers the one reading that is under way. */
    async answer(aheadMs: number, roundTripMs = 2) {
      const sentAtMs = nowMs;
      nowMs += roundTripMs;
      asked.pop()?.resolve({ sentAtMs, receivedAtMs: nowMs, brokerMs: sentAtMs + roundTripMs / 2 + aheadMs });
      await settled();
    },
    async fail() {
      asked.pop()?.reject(new SlacklineError('timeout', 'No answer'));
      await settled();
    },
    /** Lets the planned reading begin, and tells how long it would have waited; undefined when none is planned. */
    fire() {
      const own = timer;
      timer = undefined;
      nowMs += own?.delayMs ?? 0;
      own?.callback();
      return own?.delayMs;
    },
    ahead: () => time.nowMs() - nowMs,
    settled,
  };
}

/** As `setUp`, started against a broker that is a second ahead. */
async function started(onFailure?: () => Promise<void>) {
  const system = setUp(onFailure);
  const start = system.time.start();
  for (const roundTripMs of [8, 2, 6]) await system.answer(1_000, roundTripMs);
  await start;
  return system;
}

describe('the broker’s time', () => {
  it('is that of the tightest of the first three readings', async () => {
    const { time, asked, ahead, fire } = await started();
    expect(asked).toHaveLength(0);
    expect(time.uncertaintyMs).toBeCloseTo(1, 1);
    expect(ahead()).toBe(1_000);
    expect(fire()).toBe(5_000);
  });

  it('is read anew, three times, after a reconnect, and what was read before is forgotten', async () => {
    const { time, tell, fire, answer, ahead } = await started();
    tell('reconnected');
    for (const roundTripMs of [20, 12, 16]) {
      expect(fire()).toBe(0);
      await answer(90_000, roundTripMs);
    }
    expect(ahead()).toBe(90_000);
    expect(time.uncertaintyMs).toBeCloseTo(6, 1);
    expect(fire()).toBe(5_000);
  });

  it('is never read twice at once, and a reading from before a reconnect does not count', async () => {
    const { time, tell, fire, answer, asked, ahead } = await started();
    fire();
    tell('reconnected');
    expect(fire()).toBeUndefined();
    expect(asked).toHaveLength(1);
    await answer(70_000, 1);
    expect(ahead()).toBe(1_000);
    // By so much the two clocks may have drifted apart in five seconds.
    expect(time.uncertaintyMs).toBeCloseTo(1 + 5, 1);
    expect(fire()).toBe(0);
    await answer(90_000);
    expect(ahead()).toBe(90_000);
  });

  it('is read again soon after a failure, once what it needs was restored', async () => {
    let restored = 0;
    const { fire, fail, asked } = await started(async () => {
      restored++;
      throw new Error('not yet');
    });
    fire();
    await fail();
    expect(restored).toBe(1);
    expect(fire()).toBe(500);
    expect(asked).toHaveLength(1);
  });

  it('is not read any more after a stop, which waits for the reading under way', async () => {
    const { time, tell, fire, answer, settled } = await started();
    fire();
    let stopped = false;
    const stop = time.stop().then(() => {
      stopped = true;
    });
    await settled();
    expect(stopped).toBe(false);
    await answer(1_000);
    await stop;
    tell('reconnected');
    expect(fire()).toBeUndefined();
  });

  it('does not start without a reading, but waits a while for the first', async () => {
    const { time, fail, fire, settled, asked } = setUp();
    const start = expect(time.start()).rejects.toMatchObject({ code: 'timeout' });
    let waited = 0;
    for (let delayMs: number | undefined = 0; delayMs !== undefined; delayMs = fire()) {
      waited += delayMs;
      await settled();
      await fail();
    }
    await start;
    expect(asked).toEqual([]);
    expect(waited).toBeGreaterThanOrEqual(5_000);
  });

  it('starts when a cluster has chosen who leads', async () => {
    const { time, fail, fire, answer, settled, ahead } = setUp();
    const start = time.start();
    await fail();
    fire();
    await settled();
    for (let i = 0; i < 3; i++) await answer(100);
    await start;
    expect(ahead()).toBe(100);
  });

  it('does not try again what the broker refuses', async () => {
    const { time, asked } = setUp();
    const start = expect(time.start()).rejects.toMatchObject({ code: 'bus_failed' });
    asked.pop()?.reject(new SlacklineError('bus_failed', 'No such stream'));
    await start;
  });
});
