import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { slotMs } from './deadline-wheel.js';
import { type Answer, ack, lost, no, setUp, turn } from './publisher-testing.js';

describe('a publish without a PubAck', () => {
  it('is not repeated while the broker stands still: copies would fill the client’s buffer', async () => {
    const { publish, sent, standStill, clock, ended } = setUp((attempt) => (attempt === 1 ? lost : ack));
    const goOn = standStill();
    publish(20_000);
    clock.pass(10_000);
    await turn();
    expect(sent).toHaveLength(1);
    goOn();
    expect(await ended()).toEqual({ is: 'stored' });
    expect(sent).toHaveLength(2);
  });

  it('is not repeated into a connection that broke while the broker stood still', async () => {
    const { publish, sent, standStill, tell, clock, ended } = setUp((attempt) => (attempt === 1 ? lost : ack));
    const goOn = standStill();
    publish(20_000);
    clock.pass(1_000);
    tell('disconnected');
    goOn();
    await turn();
    expect(sent).toHaveLength(1);
    tell('reconnected');
    expect(await ended()).toEqual({ is: 'stored' });
    expect(sent).toHaveLength(2);
  });

  it('is given up at its deadline when the broker stands still for that long', async () => {
    const { publish, sent, standStill, ended, clock } = setUp(() => lost);
    const goOn = standStill();
    publish(20_000);
    expect(await ended()).toEqual({ is: 'unconfirmed' });
    expect(sent).toHaveLength(1);
    expect(clock.now()).toBe(20_000);
    // Nothing is left that the broker could still set in motion.
    goOn();
    await turn();
    expect(sent).toHaveLength(1);
  });

  it('is repeated until the deadline, each time with the time that is left', async () => {
    const { publish, sent, ended, publisher } = setUp(() => lost);
    publish(2_000);
    expect(await ended()).toEqual({ is: 'unconfirmed' });
    expect(sent.length).toBeGreaterThan(2);
    expect(publisher.retried).toBe(sent.length - 1);
    for (const { atMs, budgetMs } of sent) {
      expect(atMs).toBeLessThan(2_000);
      expect(budgetMs).toBe(2_000 - atMs);
    }
  });

  it('is repeated later each time', async () => {
    const { publish, sent, ended } = setUp(() => lost);
    publish(20_000);
    await ended();
    const waits = sent.slice(1).map(({ atMs }, i) => atMs - (sent[i]?.atMs ?? 0));
    for (const [i, least] of [500, 1_000, 2_000, 4_000, 5_000].entries()) {
      expect(waits[i]).toBeGreaterThanOrEqual(least);
      expect(waits[i]).toBeLessThanOrEqual(least + slotMs);
    }
  });

  it('is never repeated when the broker may have forgotten its id', async () => {
    const { publish, sent, ended } = setUp(() => lost);
    publish(60_000);
    expect(await ended()).toEqual({ is: 'unconfirmed' });
    expect(Math.max(...sent.map(({ atMs }) => atMs))).toBeLessThan(30_000);
  });

  it('is stored when the broker calls the repeat a duplicate', async () => {
    const { publish, ended } = setUp((attempt) => (attempt === 1 ? lost : { sequence: 1, duplicate: true }));
    publish(2_000);
    expect(await ended()).toEqual({ is: 'stored' });
  });

  it('stays unknown whatever the broker refuses afterwards', async () => {
    const { publish, sent, ended } = setUp((attempt) => (attempt === 1 ? lost : no('stream_full')));
    publish(2_000);
    expect(await ended()).toEqual({ is: 'unconfirmed' });
    expect(sent.length).toBeGreaterThan(2);
  });

  it('takes no word of an attempt whose time is over for one of the next', async () => {
    const { publish, sent, say, clock, ended, results } = setUp((attempt) => (attempt < 3 ? lost : ack));
    publish(20_000);
    clock.pass(600);
    await turn();
    const [first, second] = sent;
    expect(second?.token).not.toBe(first?.token);
    say(first?.token ?? -1, no('stream_full'));
    expect(results.size).toBe(0);
    expect(await ended()).toEqual({ is: 'stored' });
  });

  it('is not repeated while the broker is away, and is when it is back', async () => {
    const { publish, sent, tell, clock, ended } = setUp((attempt) => (attempt === 1 ? lost : ack));
    publish(20_000);
    tell('disconnected');
    clock.pass(5_000);
    await turn();
    expect(sent).toHaveLength(1);
    tell('reconnected');
    expect(await ended()).toEqual({ is: 'stored' });
    expect(sent).toHaveLength(2);
  });

  it('is given up at the deadline when the broker stays away', async () => {
    const { publish, sent, tell, ended, clock } = setUp(() => lost);
    publish(20_000);
    tell('disconnected');
    expect(await ended()).toEqual({ is: 'unconfirmed' });
    expect(sent).toHaveLength(1);
    expect(clock.now()).toBe(20_000);
  });
});

describe('a first publish', () => {
  it('that the broker calls a duplicate is the producer’s', async () => {
    const { publish, ended } = setUp(() => ({ sequence: 1, duplicate: true }));
    publish(2_000);
    expect(await ended()).toMatchObject({ is: 'refused', error: { code: 'duplicate_query' } });
  });

  it.each([
    ['stream_full', 'overloaded'],
    ['no_responders', 'unavailable'],
    ['bus_failed', 'unavailable'],
  ] as const)('that fails with %s is refused as %s, at once', async (code, told) => {
    const { publish, sent, ended } = setUp(() => no(code));
    publish(2_000);
    expect(await ended()).toMatchObject({ is: 'refused', error: { code: told } });
    expect(sent).toHaveLength(1);
  });

  it('that cannot even be sent is refused', async () => {
    const { publish, ended } = setUp(() => {
      throw new Error('The connection is closed');
    });
    publish(2_000);
    expect(await ended()).toMatchObject({ is: 'refused', error: { code: 'unavailable' } });
  });
});

it('that we may not make is refused at once, others are not', async () => {
  const { publish, deny, results, publisher, clock } = setUp(() => lost);
  publish(1_000);
  await turn();
  deny('queries.other');
  expect(publisher.inFlight).toBe(1);
  deny('queries.m');
  expect(results.get('q-1')).toMatchObject({ is: 'refused', error: { code: 'unavailable' } });
  expect([publisher.inFlight, clock.now()]).toEqual([0, 0]);
});

it('that we could make before stays open when we may no more: it may be stored', async () => {
  const { publish, say, deny, results } = setUp(() => lost);
  publish(1_000, 'q-0');
  say(0, ack);
  publish(1_000);
  deny('queries.m');
  expect([results.get('q-0'), results.get('q-1')]).toEqual([{ is: 'stored' }, undefined]);
});

describe('a broker that is slow to confirm', () => {
  /** So many publishes in flight. */
  function withInFlight(count: number) {
    const system = setUp(() => lost);
    for (let n = 0; n < count; n++) system.publish(60_000, `q-${n}`);
    const confirmAll = () => {
      for (const { token } of system.sent) system.say(token, ack);
    };
    return { ...system, confirmAll };
  }

  it('makes queries wait elsewhere that have less time than it takes', () => {
    const { clock, refusal, confirmAll } = withInFlight(80);
    expect(refusal(100)).toBeUndefined();
    clock.pass(101);
    expect(refusal(100)).toMatchObject({ code: 'overloaded' });
    expect(refusal(102)).toBeUndefined();
    confirmAll();
    expect(refusal(100)).toBeUndefined();
  });

  it('refuses nobody while few are in flight: that says nothing about load', () => {
    const { clock, refusal } = withInFlight(20);
    clock.pass(400);
    expect(refusal(100)).toBeUndefined();
  });

  it('is not asked again sooner than it answers now', async () => {
    const { publish, sent, say, clock, ended } = setUp(() => lost);
    for (let n = 0; n < 40; n++) {
      publish(1e9, `q-${n}`);
      clock.pass(400);
      say(n, ack);
    }
    publish(1e9, 'slow');
    clock.pass(1_592);
    await turn();
    expect(sent).toHaveLength(41);
    clock.pass(16);
    await turn();
    expect(sent).toHaveLength(42);
    await ended();
  });
});

describe('while the broker is away', () => {
  it('nothing new is taken, and all is again when it is back', () => {
    const { refusal, tell } = setUp(() => ack);
    tell('disconnected');
    expect(refusal(1e6)).toMatchObject({ code: 'unavailable' });
    tell('reconnected');
    expect(refusal(1e6)).toBeUndefined();
    tell('closed');
    expect(refusal(1e6)).toMatchObject({ code: 'unavailable' });
  });
});

describe('as many as are allowed', () => {
  it('in number or in bytes are the limit, and a twin is no newcomer', () => {
    const { refusal, publish } = setUp(() => lost);
    for (let n = 0; n < 99; n++) publish(60_000, `q-${n}`);
    expect(refusal(1e6)).toBeUndefined();
    expect(refusal(1e6, { bytes: 11 })).toMatchObject({ code: 'overloaded' });
    expect(refusal(1e6, { id: 'q-5' })).toMatchObject({ code: 'duplicate_query' });
    publish(60_000, 'q-99');
    expect(refusal(1e6, { bytes: 0 })).toMatchObject({ code: 'overloaded' });
  });
});

describe('idle', () => {
  it('waits for what is in flight, but not for ever', async () => {
    const { publisher, publish, clock, ended, tell, results } = setUp(() => lost);
    await publisher.idle(100);
    tell('disconnected');
    publish(1_000);
    expect(publisher.inFlight).toBe(1);
    const idle = publisher.idle(100).then(() => publisher.inFlight);
    clock.pass(100);
    expect(await idle).toBe(1);
    expect(await ended()).toEqual({ is: 'unconfirmed' });
    expect(results.size).toBe(1);
  });

  it('ends with the last result, and closing leaves no timer', async () => {
    const { publisher, publish, say, sent, clock, tell, isClosed } = setUp(() => lost);
    publish(1_000);
    publish(1_000, 'q-2');
    const idle = publisher.idle(10_000);
    for (const { token } of sent) say(token, ack);
    await idle;
    publish(1_000, 'q-3');
    publish(20_000, 'q-4');
    tell('disconnected');
    clock.pass(2_000);
    await publisher.close();
    tell('reconnected');
    expect(sent).toHaveLength(4);
    expect([clock.timers, publisher.inFlight, isClosed()]).toEqual([0, 0, true]);
  });
});

it('whatever the broker does, each query has one result, an honest one, and none is left', async () => {
  const answer = fc.constantFrom<Answer>(ack, { sequence: 1, duplicate: true }, no('stream_full'), lost, lost, lost);
  const event = fc.oneof(
    fc.record({ is: fc.constant('publish' as const), sloMs: fc.integer({ min: 1, max: 40_000 }) }),
    fc.record({ is: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 3_000 }) }),
    fc.constantFrom({ is: 'disconnected' as const }, { is: 'reconnected' as const }, { is: 'late word' as const }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { maxLength: 40 }),
      fc.array(answer, { minLength: 1, maxLength: 20 }),
      async (events, answers) => {
        const system = setUp((attempt) => answers[(attempt - 1) % answers.length] ?? lost);
        const { clock, publisher, sent, results } = system;
        let queries = 0;
        for (const each of events) {
          if (each.is === 'pass') clock.pass(each.ms);
          else if (each.is === 'publish') {
            if (system.refusal(each.sloMs) === undefined) system.publish(clock.now() + each.sloMs, `q-${++queries}`);
          } else if (each.is === 'late word') system.say(Math.floor(sent.length / 2), no('stream_full'));
          else system.tell(each.is);
          await turn();
        }
        system.tell('reconnected');
        await system.ended();
        const given = sent.map(({ id }, i) => ({ id, word: answers[i % answers.length] ?? lost }));
        expect(results.size).toBe(queries);
        expect(publisher.inFlight).toBe(0);
        clock.pass(slotMs);
        expect(clock.timers).toBe(0);
        for (const [id, result] of results) {
          const words = given.filter((each) => each.id === id).map(({ word }) => word);
          // Once its fate was unknown, nothing is called refused.
          if (result.is === 'refused') expect(words.length).toBe(1);
          if (result.is === 'stored') expect(words).toContainEqual(expect.objectContaining({ sequence: 1 }));
        }
      },
    ),
    { numRuns: 200 },
  );
});
