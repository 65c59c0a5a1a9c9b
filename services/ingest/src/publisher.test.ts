import { type Bus, type BusStatus, type PubAck, SlacklineError } from '@slackline/shared';
import { describe, expect, it } from 'vitest';
import { Publisher } from './publisher.js';

/** A clock that the test moves on, and a broker that answers what the test says. */
function setUp(answer: (attempt: number) => PubAck | Error | Promise<PubAck>) {
  let nowMs = 0;
  let timers: { atMs: number; callback: () => void }[] = [];
  const published: { atMs: number; budgetMs: number }[] = [];
  let tell: (status: BusStatus) => void = () => {};
  let heard = Promise.resolve();
  const clock = {
    now: () => nowMs,
    after(delayMs: number, callback: () => void) {
      const timer = { atMs: nowMs + delayMs, callback };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
  };
  const bus = {
    onStatus: (listener: typeof tell) => {
      tell = listener;
    },
    async publishToStream(_subject: string, _data: Uint8Array, options: Parameters<Bus['publishToStream']>[2]) {
      published.push({ atMs: nowMs, budgetMs: Number(options.headers?.budget) });
      const result = await answer(published.length);
      if (!(result instanceof Error)) return result;
      // A PubAck that does not come takes its whole time.
      if (result instanceof SlacklineError && result.code === 'timeout') nowMs += options.timeoutMs;
      throw result;
    },
    flush: () => heard,
  } as Pick<Bus, 'onStatus' | 'publishToStream' | 'flush'> as Bus;
  const publisher = new Publisher(bus, clock, {
    maxUnanswered: 100,
    maxUnansweredBytes: 1_000,
    pubAckTimeoutMs: 500,
    duplicateWindowMs: 30_000,
  });
  const publish = (deadlineMs: number, id = 'q-1') =>
    publisher.publish({
      subject: 'queries.m',
      id,
      body: new Uint8Array(10),
      deadlineMs,
      headers: (budgetMs) => ({ budget: String(budgetMs) }),
    });
  /** Lets everything run that waits for nothing but time; moves the clock to the next timer until none is left. */
  const elapse = async () => {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      const next = timers.sort((a, b) => a.atMs - b.atMs).shift();
      if (next === undefined) return;
      nowMs = Math.max(nowMs, next.atMs);
      next.callback();
    }
  };
  const pass = (ms: number) => {
    nowMs += ms;
  };
  /** The broker stands still, connected as it is; the returned function ends that. */
  const standStill = () => {
    let goOn: () => void = () => {};
    heard = new Promise((resolve) => {
      goOn = resolve;
    });
    return goOn;
  };
  return {
    standStill,
    publisher,
    publish,
    published,
    elapse,
    pass,
    tell: (status: BusStatus) => tell(status),
    now: () => nowMs,
  };
}

const timeout = new SlacklineError('timeout', 'No PubAck');
const ack = { sequence: 1, duplicate: false };

describe('a publish without a PubAck', () => {
  it('is not repeated while the broker stands still: copies would fill the client’s buffer', async () => {
    const { publish, published, standStill, elapse } = setUp((attempt) => (attempt === 1 ? timeout : ack));
    const goOn = standStill();
    const result = publish(20_000);
    await new Promise((resolve) => setImmediate(resolve));
    expect(published).toHaveLength(1);
    goOn();
    await elapse();
    expect(await result).toEqual({ is: 'stored' });
    expect(published).toHaveLength(2);
  });

  it('is not repeated into a connection that broke while the broker stood still', async () => {
    const { publish, published, standStill, tell, elapse } = setUp((attempt) => (attempt === 1 ? timeout : ack));
    const goOn = standStill();
    const result = publish(20_000);
    const settle = () => new Promise((resolve) => setImmediate(resolve));
    await settle();
    tell('disconnected');
    goOn();
    await settle();
    expect(published).toHaveLength(1);
    tell('reconnected');
    await elapse();
    expect(await result).toEqual({ is: 'stored' });
    expect(published).toHaveLength(2);
  });

  it('is given up at its deadline when the broker stands still for that long', async () => {
    const { publish, published, standStill, elapse, now } = setUp(() => timeout);
    standStill();
    const result = publish(20_000);
    await elapse();
    expect(await result).toEqual({ is: 'unconfirmed' });
    expect(published).toHaveLength(1);
    expect(now()).toBe(20_000);
  });

  it('is repeated until the deadline, each time with the time that is left', async () => {
    const { publish, published } = setUp(() => timeout);
    expect(await publish(2_000)).toEqual({ is: 'unconfirmed' });
    expect(published.length).toBeGreaterThan(2);
    for (const { atMs, budgetMs } of published) {
      expect(atMs).toBeLessThan(2_000);
      expect(budgetMs).toBe(2_000 - atMs);
    }
  });

  it('is never repeated when the broker may have forgotten its id', async () => {
    const { publish, published } = setUp(() => timeout);
    expect(await publish(60_000)).toEqual({ is: 'unconfirmed' });
    expect(Math.max(...published.map(({ atMs }) => atMs))).toBeLessThan(30_000);
  });

  it('is stored when the broker calls the repeat a duplicate', async () => {
    const { publish } = setUp((attempt) => (attempt === 1 ? timeout : { sequence: 1, duplicate: true }));
    expect(await publish(2_000)).toEqual({ is: 'stored' });
  });

  it('stays unknown whatever the broker refuses afterwards', async () => {
    const full = new SlacklineError('stream_full', 'No room');
    const { publish, elapse } = setUp((attempt) => (attempt === 1 ? timeout : full));
    const result = publish(2_000);
    await elapse();
    expect(await result).toEqual({ is: 'unconfirmed' });
  });

  it('is not repeated while the broker is away, and is when it is back', async () => {
    const { publish, published, tell } = setUp((attempt) => (attempt === 1 ? timeout : ack));
    tell('disconnected');
    const result = publish(20_000);
    await new Promise((resolve) => setImmediate(resolve));
    expect(published).toHaveLength(1);
    tell('reconnected');
    expect(await result).toEqual({ is: 'stored' });
    expect(published).toHaveLength(2);
  });

  it('is given up at the deadline when the broker stays away', async () => {
    const { publish, published, tell, elapse, now } = setUp(() => timeout);
    tell('disconnected');
    const result = publish(20_000);
    await elapse();
    expect(await result).toEqual({ is: 'unconfirmed' });
    expect(published).toHaveLength(1);
    expect(now()).toBe(20_000);
  });
});

describe('a first publish', () => {
  it('that the broker calls a duplicate is the producer’s', async () => {
    const { publish } = setUp(() => ({ sequence: 1, duplicate: true }));
    expect(await publish(2_000)).toMatchObject({ is: 'refused', error: { code: 'duplicate_query' } });
  });

  it.each([
    ['stream_full', 'overloaded'],
    ['no_responders', 'unavailable'],
    ['bus_failed', 'unavailable'],
  ] as const)('that fails with %s is refused as %s, at once', async (code, told) => {
    const { publish, published } = setUp(() => new SlacklineError(code, 'No'));
    expect(await publish(2_000)).toMatchObject({ is: 'refused', error: { code: told } });
    expect(published).toHaveLength(1);
  });
});

describe('a broker that is slow to confirm', () => {
  /** So many publishes in flight, and what confirms them. */
  function withInFlight(count: number) {
    let confirm: (ack: PubAck) => void = () => {};
    const held = new Promise<PubAck>((resolve) => {
      confirm = resolve;
    });
    const system = setUp(() => held);
    const results = Array.from({ length: count }, (_, n) => system.publish(60_000, `q-${n}`));
    const confirmAll = () => {
      confirm(ack);
      return Promise.all(results);
    };
    return { ...system, confirmAll };
  }

  it('makes queries wait elsewhere that have less time than it takes', async () => {
    const { publisher, pass, confirmAll } = withInFlight(80);
    expect(publisher.refusal('new', 10, 100)).toBeUndefined();
    pass(101);
    expect(publisher.refusal('new', 10, 100)).toMatchObject({ code: 'overloaded' });
    expect(publisher.refusal('new', 10, 102)).toBeUndefined();
    await confirmAll();
    expect(publisher.refusal('new', 10, 100)).toBeUndefined();
  });

  it('refuses nobody while few are in flight: that says nothing about load', async () => {
    const { publisher, pass, confirmAll } = withInFlight(20);
    pass(10_000);
    expect(publisher.refusal('new', 10, 100)).toBeUndefined();
    await confirmAll();
  });

  it('is not asked again sooner than it answers now', async () => {
    let attempts = 0;
    const { publish, published, pass } = setUp(() => {
      attempts++;
      if (attempts <= 40) pass(2_000);
      return attempts <= 40 ? ack : timeout;
    });
    for (let n = 0; n < 40; n++) await publish(1e9, `q-${n}`);
    await publish(1e9, 'lost');
    const [first, second] = published.slice(40);
    expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(4_000);
  });
});

describe('while the broker is away', () => {
  it('nothing new is taken, and all is again when it is back', () => {
    const { publisher, tell } = setUp(() => ack);
    tell('disconnected');
    expect(publisher.refusal('new', 10, 1e6)).toMatchObject({ code: 'unavailable' });
    tell('reconnected');
    expect(publisher.refusal('new', 10, 1e6)).toBeUndefined();
    tell('closed');
    expect(publisher.refusal('new', 10, 1e6)).toMatchObject({ code: 'unavailable' });
  });
});

describe('as many as are allowed', () => {
  it('in number or in bytes are the limit, and a twin is no newcomer', async () => {
    const { publisher, publish } = setUp(() => new Promise<PubAck>(() => {}));
    for (let n = 0; n < 99; n++) void publish(60_000, `q-${n}`);
    expect(publisher.refusal('new', 10, 1e6)).toBeUndefined();
    expect(publisher.refusal('new', 11, 1e6)).toMatchObject({ code: 'overloaded' });
    expect(publisher.refusal('q-5', 10, 1e6)).toMatchObject({ code: 'duplicate_query' });
    void publish(60_000, 'q-99');
    expect(publisher.refusal('new', 0, 1e6)).toMatchObject({ code: 'overloaded' });
  });
});

it('idle waits for what is in flight, but not for ever', async () => {
  const { publisher, publish, elapse, tell } = setUp(() => timeout);
  await publisher.idle(100);
  tell('disconnected');
  const result = publish(1_000);
  await new Promise((resolve) => setImmediate(resolve));
  expect(publisher.inFlight).toBe(1);
  const idle = publisher.idle(100).then(() => publisher.inFlight);
  await elapse();
  expect(await idle).toBe(1);
  expect(await result).toEqual({ is: 'unconfirmed' });
  expect(publisher.inFlight).toBe(0);
});
